"""Tests tools/check_headers with headers that need no LibTorch, and a compiler that counts its calls."""

import json
import shutil

from scratch_tree import ScratchTree


class CheckHeaders(ScratchTree):
    tool = "check_headers"
    files = {
        "heterodyne/base/torch.h": "#pragma once\n#include <vector>\n",
        "heterodyne/base/text.h": "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n",
        "heterodyne/base/text.cc": "",
        "heterodyne/base/shape.h": '#pragma once\n#include "heterodyne/base/torch.h"\nusing S = std::vector<int>;\n',
    }

    def setUp(self):
        super().setUp()
        compiler = self.root / "g++"
        compiler.write_text(f'#!/bin/sh\necho "$@" >> {self.root}/calls\nexec {shutil.which("g++")} "$@"\n')
        compiler.chmod(0o755)
        command = f"{compiler} -I{self.root} -std=c++20 -Wall -Wextra -Werror -O1 -g1 -include pch.h -o a.o -c text.cc"
        entry = {"directory": str(self.root), "file": f"{self.root}/heterodyne/base/text.cc", "command": command}
        self.write("build/lint/compile_commands.json", json.dumps([entry]))

    def compiled(self) -> list[str]:
        """The headers that were compiled since the last call."""
        calls = self.root / "calls"
        text = calls.read_text() if calls.exists() else ""
        calls.unlink(missing_ok=True)
        names = [word.split("/")[-1].removesuffix(".cc") for word in text.split() if word.endswith((".h.cc", ".h.gch"))]
        return sorted(names)

    def test_compiles_each_header_once(self):
        self.accepts()
        self.assertEqual(self.compiled(), ["facade.h.gch", "shape.h", "text.h", "torch.h"])
        self.accepts()
        self.assertEqual(self.compiled(), [])

    def test_compiles_again_what_a_change_reaches(self):
        self.accepts()
        self.compiled()
        self.write("heterodyne/base/text.h", "#pragma once\nint g();\n")
        self.accepts()
        self.assertEqual(self.compiled(), ["text.h"])
        self.write("heterodyne/base/torch.h", "#pragma once\n#include <list>\n#include <vector>\n")
        self.accepts()
        self.assertEqual(self.compiled(), ["facade.h.gch", "shape.h", "torch.h"])

    def test_names_a_header_that_needs_another_before_it(self):
        self.write("heterodyne/base/text.h", "#pragma once\ninline std::string f() { return {}; }\n")
        for _ in range(2):  # a failure is not forgotten
            status, output = self.run_tool()
            self.assertEqual(status, 1)
            self.assertIn("heterodyne/base/text.h: does not compile alone", output)
            self.assertIn("'string' in namespace 'std' does not name a type", output)

    def test_the_facade_hides_nothing_from_a_header_that_does_not_include_it(self):
        self.write("heterodyne/base/text.h", "#pragma once\nusing Text = std::vector<int>;\n")
        self.assertIn("heterodyne/base/text.h: does not compile alone", self.run_tool()[1])

    def test_names_a_header_without_a_guard(self):
        self.write("heterodyne/base/text.h", "struct A {};\n")
        self.assertIn("redefinition of 'struct A'", self.run_tool()[1])

    def test_warnings_are_errors(self):
        self.write("heterodyne/base/text.h", "#pragma once\ninline int f(int a) { return 1; }\n")
        self.assertIn("unused parameter", self.run_tool()[1])
