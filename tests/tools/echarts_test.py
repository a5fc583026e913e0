#!/usr/bin/env python3
"""The drawing library of the report's page is the one that its README.md documents, and can stand in a page."""

import hashlib
import pathlib
import re
import unittest

ASSETS = pathlib.Path(__file__).resolve().parents[2] / "heterodyne/report/assets"


class EchartsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bundle = (ASSETS / "echarts.min.js").read_bytes()
        self.readme = (ASSETS / "README.md").read_text()

    def test_the_bundle_has_the_documented_hash(self):
        documented = re.search(r"SHA-256: `([0-9a-f]{64})`", self.readme)
        self.assertEqual(hashlib.sha256(self.bundle).hexdigest(), documented[1])

    def test_the_bundle_can_stand_in_a_script_element(self):
        for mark in (b"</script", b"<!--", b"<script"):
            self.assertNotIn(mark, self.bundle.lower())
        self.assertTrue(self.bundle.isascii())

    def test_the_bundle_is_no_larger_than_it_was_meant_to_be(self):
        self.assertLess(len(self.bundle), 760_000)

    def test_every_license_that_the_readme_names_is_there(self):
        names = re.findall(r"`((?:licenses/)?(?:LICENSE|NOTICE)[\w-]*)`", self.readme)
        self.assertEqual(len(names), 5)
        for name in names:
            self.assertGreater((ASSETS / name).stat().st_size, 100, name)


if __name__ == "__main__":
    unittest.main()
