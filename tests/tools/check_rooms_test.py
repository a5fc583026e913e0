"""Tests tools/check_rooms: each rule broken once in a tree that otherwise keeps them all."""

from scratch_tree import ScratchTree

TORCH_HEADER = "#include <torch/types.h>\n"


class CheckRooms(ScratchTree):
    tool = "check_rooms"
    files = {
        "heterodyne/ROOMS": "# floor by floor\nbase:\nio:    base  # files\nlayer: base\n",
        "heterodyne/base/torch.h": TORCH_HEADER,
        "heterodyne/base/config.cc": "#include <toml++/toml.h>\n",
        "heterodyne/io/json.cc": '#include <nlohmann/json.hpp>\n#include "heterodyne/base/torch.h"\n',
        "heterodyne/layer/router.h": '#include <vector>\n#include "heterodyne/base/torch.h"\n',
        "heterodyne/layer/routers/top_k.cc": '#include "heterodyne/layer/router.h"\n#include <torch/nn/init.h>\n',
        "heterodyne/layer/router_test.cc": '#include <gtest/gtest.h>\n#include "heterodyne/layer/router.h"\n',
        "cli/main.cc": '#include <CLI/CLI.hpp>\n#include "cli/command.h"\n',
        "cli/command.h": '#include "heterodyne/layer/router.h"\n',
    }

    def test_accepts_a_tree_that_keeps_the_rules(self):
        self.accepts()

    def test_a_class_has_a_name_of_its_own(self):
        inside = "namespace heterodyne {\nstruct Finding {\n};\n}  // namespace heterodyne\n"
        self.write("heterodyne/base/a.h", inside)
        self.write("heterodyne/layer/b.h", inside)
        self.write("heterodyne/layer/c.cc", inside.replace("heterodyne {", "{"))
        self.write("heterodyne/layer/d.h", inside.replace("heterodyne {", "heterodyne::cli {"))
        self.write("heterodyne/layer/e.h", "namespace heterodyne {\nstruct Finding;\n}  // namespace heterodyne\n")
        self.complains("heterodyne/layer/b.h:2: heterodyne::Finding is also defined in heterodyne/base/a.h:2")

    def test_a_room_may_include_only_what_its_line_says(self):
        self.write("heterodyne/layer/x.cc", '#include "heterodyne/base/torch.h"\n#include "heterodyne/io/json.h"\n')
        self.complains('heterodyne/layer/x.cc:2: "heterodyne/io/json.h": layer may not include io')

    def test_a_room_may_not_include_a_higher_one(self):
        self.write("heterodyne/base/x.h", '  #  include "heterodyne/layer/router.h"\n')
        self.complains(
            "heterodyne/base/x.h:1: ",
        )

    def test_every_folder_is_a_room(self):
        self.write("heterodyne/model/x.cc")
        self.write("heterodyne/model/y.cc")
        self.complains("heterodyne/model: is no room that heterodyne/ROOMS lists")

    def test_rooms_names_only_rooms_of_earlier_lines(self):
        self.write("heterodyne/ROOMS", "base: layer\nlayer: base\nio: base\n")
        self.complains("heterodyne/ROOMS:1: base: layer does not stand on an earlier line")

    def test_rooms_has_one_form_of_line(self):
        self.write("heterodyne/ROOMS", "base:\nio: base\nlayer: base\nnn base\n")
        self.complains('heterodyne/ROOMS:4: expected "room: rooms it may include", got "nn base"')

    def test_nothing_includes_the_doors(self):
        for number, door in enumerate(["cli", "tests", "bindings", "examples"]):
            self.write(f"heterodyne/layer/x{number}.cc", f'#include "{door}/x.h"\n')
        self.write("tests/x.cc", '#include "cli/command.h"\n')
        self.complains(
            "nothing includes cli/",
            "nothing includes tests/",
            "nothing includes bindings/",
            "nothing includes examples/",
            "tests/x.cc:1: ",
        )

    def test_nobody_includes_a_member(self):
        self.write("heterodyne/layer/routers/y.cc", '#include "heterodyne/layer/routers/top_k.cc"\n')
        self.write("cli/commands/train.cc", '#include "heterodyne/layer/routers/top_k.h"\n')
        self.write("cli/x.cc", '#include "cli/commands/train.cc"\n')
        self.complains(
            "routers/y.cc:1: ", "cli/commands/train.cc:1: ", "nobody includes a member; include cli/command.h"
        )

    def test_members_have_no_headers(self):
        self.write("heterodyne/layer/routers/top_k.h")
        self.complains("routers/top_k.h: a member has no header of its own; its contract is heterodyne/layer/router.h")

    def test_a_plural_folder_without_a_contract_is_an_ordinary_folder(self):
        self.write("heterodyne/layer/blocks/mixer.h")
        self.write("heterodyne/layer/x.cc", '#include "heterodyne/layer/blocks/mixer.h"\n')
        self.accepts()

    def test_headers_take_libtorch_from_the_facade(self):
        self.write("heterodyne/layer/x.h", "#include <ATen/ops/add.h>\n#include <c10/core/Device.h>\n" + TORCH_HEADER)
        self.complains(
            "x.h:1: ", "x.h:2: ", 'x.h:3: <torch/types.h>: headers include "heterodyne/base/torch.h" instead'
        )

    def test_the_processors_instructions_come_from_their_header(self):
        self.write("heterodyne/base/intrinsics.h", "#include <immintrin.h>\n")
        self.accepts()
        self.write("heterodyne/layer/x_cpu.cc", "#include <immintrin.h>\n")
        self.complains("only heterodyne/base/intrinsics.h may include it")

    def test_no_source_includes_all_of_libtorch(self):
        self.write("heterodyne/layer/x.cc", "#include <torch/torch.h>\n")
        self.write("cli/x.cc", "#include <torch/all.h>\n")
        self.complains("layer/x.cc:1: <torch/torch.h> costs seconds", "cli/x.cc:1: <torch/all.h> costs seconds")

    def test_headers_include_no_other_library(self):
        self.write("heterodyne/layer/x.h", "#include <fmt/format.h>\n#include <zlib.h>\n#include <string_view>\n")
        self.complains("x.h:1: <fmt/format.h>: a header includes only the standard library", "x.h:2: <zlib.h>")

    def test_libraries_have_their_places(self):
        self.write(
            "heterodyne/base/x.cc", "#include <toml++/toml.h>\n#include <nlohmann/json.hpp>\n#include <CLI/CLI.hpp>\n"
        )
        self.write("heterodyne/layer/y.cc", "#include <gtest/gtest.h>\n#include <cuda_runtime.h>\n")
        self.write("heterodyne/layer/z.cc", "#include <torch/csrc/distributed/c10d/Store.hpp>\n")
        self.complains(
            "only heterodyne/base/config.cc may",
            "only heterodyne/io/*.cc may",
            "only cli/*.cc may",
            "only *_test.cc",
            "only heterodyne/ops/cuda/*",
            "only heterodyne/dist/c10d_*.cc",
        )

    def test_one_file_includes_cli11(self):
        self.write("cli/second.cc", "#include <CLI/App.hpp>\n")
        self.complains("cli/second.cc: a second file that includes CLI11; cli/main.cc is the only one")

    def test_own_headers_are_quoted_and_named_from_the_root(self):
        self.write("heterodyne/layer/x.cc", '#include "router.h"\n#include <heterodyne/io/json.h>\n')
        self.complains(
            'x.cc:1: "router.h": own headers are named from the root', "x.cc:2: <heterodyne/io/json.h>: own headers"
        )

    def test_what_tests_share_stays_with_them(self):
        self.write("heterodyne/io/fixtures.h")
        self.write("heterodyne/io/x_test.cc", '#include "heterodyne/io/fixtures.h"\n')
        self.write("heterodyne/io/x.cc", '#include "heterodyne/io/fixtures.h"\n')
        self.complains('heterodyne/io/x.cc:1: "heterodyne/io/fixtures.h": only tests and benchmarks include it')
