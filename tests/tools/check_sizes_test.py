"""Tests tools/check_sizes and the scan for functions behind it."""

import sys
import unittest

import scratch_tree
from scratch_tree import ScratchTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(scratch_tree.SOURCE / "tools"))
import cpp_functions  # noqa: E402


def lines(number: int, text: str = "int x;") -> str:
    return f"{text}\n" * number


class CheckSizes(ScratchTree):
    tool = "check_sizes"
    files = {
        "heterodyne/base/text.h": "int f(int a);\n",
        "heterodyne/base/text.cc": '#include "heterodyne/base/text.h"\nint f(int a) { return a; }\n',
        "heterodyne/base/text_test.cc": '#include "heterodyne/base/text.h"\n',
        "tools/check": "#!/bin/sh\n",
    }

    def test_accepts_a_small_tree(self):
        self.accepts()

    def test_files_have_limits(self):
        self.write("heterodyne/base/a.h", lines(300))
        self.write("heterodyne/base/b.h", lines(301))
        self.write("heterodyne/base/text.cc", lines(501))
        self.write("heterodyne/base/text_test.cc", lines(601))
        self.write("tests/end_to_end/train_test.cc", lines(600))
        self.write("tools/check", "#!/bin/sh\n" + lines(300, ":"))
        self.write("tools/notes.txt", lines(900))
        self.complains(
            "b.h: 301 lines for a header, the limit is 300",
            "text.cc: 501 lines for a source, the limit is 500",
            "text_test.cc: 601 lines for a test, the limit is 600",
            "tools/check: 301 lines for a script",
        )

    def test_functions_have_limits(self):
        self.write(
            "heterodyne/base/text.cc",
            "void good() {\n" + lines(78) + "}\n\nvoid bad(\n    int a) {\n" + lines(78) + "}\n",
        )
        self.complains("heterodyne/base/text.cc:82: bad() has 81 lines, the limit is 80")

    def test_parameters_have_limits(self):
        six = "int a, std::map<int, int> b, int c = f(1, 2), int d[2], std::function<void(int, int)> e, int f"
        self.write(
            "heterodyne/base/a.h", f"void good({six});\nstruct A {{ virtual void bad({six}, int g) const = 0; }};\n"
        )
        self.complains("heterodyne/base/a.h:2: bad() has 7 parameters, the limit is 6")

    def test_own_headers_have_a_limit(self):
        own = "".join(f'#include "heterodyne/base/x{i}.h"\n' for i in range(13))
        self.write("heterodyne/base/text_test.cc", own + "#include <vector>\n")
        self.complains("text_test.cc: includes 13 of our own headers, the limit is 12")

    def test_folders_have_a_limit_on_stems(self):
        for i in range(25):
            self.write(f"heterodyne/base/x{i}.h")
            self.write(f"heterodyne/base/x{i}_cpu.cc")
            self.write(f"heterodyne/base/x{i}_bench.cc")
        self.complains("heterodyne/base: 26 file stems in a folder, the limit is 25")

    def test_member_folders_have_none(self):
        self.write("heterodyne/base/router.h")
        self.write("heterodyne/base/router_test.cc")
        for i in range(30):
            self.write(f"heterodyne/base/routers/x{i}.cc")
        self.accepts()

    def test_braces_that_do_not_balance_are_named(self):
        self.write("heterodyne/base/text.cc", "void f() {\n")
        self.complains("text.cc: cannot be measured: the brace of line 1 is not closed")

    def test_soft_limits_are_remarks(self):
        self.write("heterodyne/base/a.h", lines(151))
        self.accepts()
        status, output = self.run_tool("--soft")
        self.assertEqual(status, 0)
        self.assertEqual(output, "heterodyne/base/a.h: 151 lines for a header, better at most 150 (soft)\n")


class EverySourceHasATest(ScratchTree):
    tool = "check_sizes"

    def test_of_its_name(self):
        self.write("heterodyne/base/text.h")
        self.write("heterodyne/base/text.cc", '#include "heterodyne/base/other.h"\n')
        self.write("heterodyne/base/other_test.cc", '#include "heterodyne/base/other.h"\n')
        self.complains("heterodyne/base/text.cc: has no test; expected heterodyne/base/text_test.cc")

    def test_or_of_a_header_that_it_implements(self):
        self.write("heterodyne/base/field_visitors.cc", '#include "heterodyne/base/fields.h"\n')
        self.complains("as it has no header of its own, a test beside it that includes a header of heterodyne/base/")
        self.write("heterodyne/base/fields_test.cc", '#include "heterodyne/base/fields.h"\n')
        self.accepts()

    def test_or_of_its_contract(self):
        self.write("heterodyne/base/router.h")
        self.write("heterodyne/base/routers/top_k.cc")
        self.complains("expected heterodyne/base/routers/top_k_test.cc or heterodyne/base/router_test.cc")
        self.write("heterodyne/base/router_test.cc")
        self.accepts()

    def test_but_kernels_and_main_need_none(self):
        self.write("heterodyne/base/sum_cpu.cc")
        self.write("heterodyne/base/sum_bench.cc")
        self.write("cli/main.cc")
        self.accepts()


class Functions(unittest.TestCase):
    """(name, first line, lines, parameters); a declaration has 0 lines."""

    def expect(self, text: str, *expected: tuple) -> None:
        self.assertEqual([tuple(function) for function in cpp_functions.functions(text)], list(expected))

    def test_braces_in_comments_and_literals_do_not_count(self):
        self.expect('void f() {\n  // }\n  /* } */ g("}\\"}", \'}\', 1\'000, R"x(}")x");\n}\n', ("f", 1, 4, 0))

    def test_macros_do_not_count(self):
        self.expect("#define OPEN(a, b) { \\\n  {\nvoid f(int a) {}\n", ("f", 3, 1, 1))

    def test_alternatives_of_the_preprocessor_begin_alike(self):
        self.expect(
            "#if A\nvoid f(int a) {\n#else  // }\nvoid f() {\n#endif\n}\nvoid g() {}\n", ("f", 4, 3, 0), ("g", 7, 1, 0)
        )

    def test_methods_are_found_in_classes_and_namespaces(self):
        self.expect(
            "namespace a::b {\nclass A final : public B<int(int)> {\n public:\n"
            "  explicit A(int a) : a_{a}, b_(1) {\n  }\n"
            "  ~A() override = default;\n  int a_{f(1, 2)};\n};\n}\n",
            ("A", 4, 2, 1),
            ("~A", 6, 0, 0),
        )

    def test_a_local_class_has_methods_too(self):
        self.expect("void f() {\n  struct A {\n    void g(int a) {}\n  };\n}\n", ("g", 3, 1, 1), ("f", 1, 5, 0))

    def test_templates_operators_and_trailing_types(self):
        self.expect(
            "template <class T, int n = (1 > 0)>\n  requires(n > 0)\nauto f(T a, T b) -> std::vector<T> {\n}\n",
            ("f", 1, 4, 2),
        )
        self.expect("bool A::operator()(int a, int b) const noexcept(true) {\n}\n", ("operator_call", 1, 2, 2))
        self.expect("bool operator<(const A& a, const A& b) {}\n", ("operator_symbol", 1, 1, 2))

    def test_lambdas_and_lists_in_a_function_are_part_of_it(self):
        self.expect(
            "int f(int a) {\n  auto g = [&](int b, int c) { return b; };\n"
            "  std::vector<int> x{1, 2};\n  return h({1}, [] { return 1; });\n}\n",
            ("f", 1, 5, 1),
        )

    def test_a_lambda_with_a_name_is_a_function(self):
        self.expect("const auto f = [](int a, int b) {\n  return a;\n};\n", ("f", 1, 3, 2))

    def test_variables_and_enums_are_no_functions(self):
        self.expect("enum class A { b, c };\nconstexpr int x[] = {1, 2};\nusing F = std::function<void(int, int)>;\n")

    def test_tests_are_functions(self):
        self.expect("TEST(A, B) {\n}\n", ("TEST", 1, 2, 2))

    def test_unbalanced_braces_raise(self):
        for text in ("void f() {", "}"):
            with self.assertRaises(cpp_functions.Unbalanced):
                list(cpp_functions.functions(text))
