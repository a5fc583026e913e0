#!/usr/bin/env python3
"""Runs the tests of the check scripts: every check_*_test.py beside this file."""

import pathlib
import unittest

folder = pathlib.Path(__file__).resolve().parent
tests = unittest.defaultTestLoader.discover(str(folder), pattern="check_*_test.py")
result = unittest.TextTestRunner().run(tests)
raise SystemExit(not result.wasSuccessful() or result.testsRun == 0)
