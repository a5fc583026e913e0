"""Tests tools/check_docs: a page that names what exists, and pages that each name one thing that does not."""

from scratch_tree import ScratchTree

GOOD = """# A page

Read `heterodyne/layer/router.h`, `layer/router.h`, `router.h`, `routers/`, `layer/routers/x.cc`, `router.{h,cc}`,
`_test.cc`, `routers/*.cc`, `docs/`, `ROOMS`; see [the other page](docs/other.md#top), [a site](https://example.org/x)
and [here](#a-page).
Outputs are `runs/demo/state`, `build/dev/`, `RUN/resolved.toml`, `resolved.toml`, `checkpoints/`; yours is `my.toml`.
Run `make test`, `make`, `tools/setup --check`, `heterodyne train demo --out RUN`, `heterodyne VERB`, `--dry-run`,
`heterodyne --help`, `heterodyne ls routers`, `heterodyne ls -v router.top_k`, `cmake --preset dev`, `git rm --cached`.
Settings: `model.moe.router.k`, `k = 2`, `router.kind = "top_k"`, `layers.0.router`, `v0.1`; `text/html`.
Code: `Router`, `TopKRouter`, `heterodyne::Router::route()`, `route(input)`, `Registry<Router>`, `num_tokens`,
`prob_TE`, `layer_tests`, `torch::Tensor`, `std::list<int>`, `HETERODYNE_TORCH`, `[T, D]`, `x + y`, `-O2`.

```sh
make demo && tools/setup   # not `make nothing`
OMP_NUM_THREADS=1 build/release/heterodyne train configs/demo.toml --set model.moe.router.k=1 --out runs/x | tee log
```

```console
$ heterodyne train demo
heterodyne nothing of this is a command
```

```toml
[model.moe]
router = { kind = "top_k", k = 2 }
```

```cpp
#include "heterodyne/layer/router.h"
Nothing here;
```
"""


class CheckDocs(ScratchTree):
    tool = "check_docs"
    files = {
        "README.md": GOOD,
        "docs/other.md": "Back to [the start](../README.md); see `other.md`.\n",
        "Makefile": "demo: build\ntest:\n",
        "tools/setup": "# --check HETERODYNE_TORCH\n",
        "configs/demo.toml": "[model.moe]\nrouter = { kind = 'top_k', k = 2 }\nlayers = 2\n",
        "heterodyne/ROOMS": "layer:\n",
        "heterodyne/layer/router.h": "class Router { Routing route(const Input& num_tokens, prob_TE); }; Registry",
        "heterodyne/layer/router.cc": 'write(run / "resolved.toml"); make(run + "/checkpoints");',
        "heterodyne/layer/router_test.cc": "",
        "heterodyne/layer/routers/top_k.cc": 'class TopKRouter { field("k", k, "experts"); };',
        "cli/commands/train.cc": 'namespace heterodyne { field("out"); field("set"); field("dry_run"); }',
        "cli/commands/ls.cc": "",
        "cli/main.cc": "",
    }

    def reports(self, text: str, *messages: str) -> None:
        self.write("docs/other.md", f"\n{text}\n")
        self.complains(*messages)

    def test_accepts_what_exists_and_what_is_none_of_its_business(self):
        self.accepts()

    def test_paths(self):
        self.reports(
            "`layer/balancer.h` `balancers/` `router.hh` `heterodyne/layer/gone` `routers/*.h` `GONE.md`",
            "docs/other.md:2: layer/balancer.h: there is no such file or folder",
            "balancers/: ",
            "heterodyne/layer/gone: ",
            "routers/*.h: ",
            "GONE.md: ",
            "router.hh: no setting",
        )

    def test_names_in_braces(self):
        self.reports("`router.{h,cc,cu}`", "docs/other.md:2: router.cu: there is no such file")

    def test_make_rules(self):
        self.reports("`make test` `make tset`", "make tset: the Makefile has no such rule")

    def test_verbs_and_families(self):
        self.reports(
            "`heterodyne tarin x` `heterodyne ls rooters`",
            "there is no cli/commands/tarin.cc",
            "heterodyne ls rooters: there is no family rooters",
        )

    def test_flags(self):
        self.reports(
            "`heterodyne train --dryrun`, `--quiet`, `tools/setup --dry-run`",
            "--dryrun: there is no such flag in cli/",
            "--quiet: there is no such flag in cli/ or tools/",
            "--dry-run: there is no such flag in tools/setup",
        )

    def test_scripts(self):
        self.reports("`tools/setpu`", "tools/setpu: there is no such file")

    def test_commands_of_code_blocks(self):
        self.reports(
            "```sh\nmake tset; FOO=1 heterodyne tarin\n```\n"
            "```console\n$ heterodyne train --oops\nmake no command\n```",
            "docs/other.md:3: make tset",
            "docs/other.md:3: heterodyne tarin",
            "docs/other.md:6: --oops",
        )

    def test_configurations_that_a_command_names(self):
        self.reports("`heterodyne train configs/gone.toml`", "configs/gone.toml: there is no such file")

    def test_settings(self):
        self.reports(
            "`model.moe.rooter.k` `q = 2` `heterodyne train demo --set model.moe.z=1`",
            "model.moe.rooter.k: no setting or member is called rooter",
            "q: no setting or member is called q",
            "model.moe.z: no setting or member is called z",
        )

    def test_members(self):
        self.reports('`router.kind = "top_p"`', 'router.kind = "top_p": no member is called top_p')

    def test_toml_blocks(self):
        self.reports(
            '```toml\n[model.moe]\nrouter = { kind = "top_p", kk = 2 }\n```\n```toml\na = ...\n```',
            "docs/other.md:2: kk: no setting",
            'docs/other.md:2: kind = "top_p"',
            "docs/other.md:6: this is no valid TOML",
        )

    def test_identifiers(self):
        self.reports(
            "`Rooter` `Router::rout()` `heterodyne::Rooter` `no_such_word` `gone()` `HETERODYNE_GONE`",
            "Rooter: the sources have no Rooter",
            "Router::rout(): the sources have no rout",
            "heterodyne::Rooter: the sources have no Rooter",
            "no_such_word: ",
            "gone(): ",
            "HETERODYNE_GONE: ",
        )

    def test_includes_of_code_blocks(self):
        self.reports('```cpp\n#include "heterodyne/layer/gone.h"\n```', "docs/other.md:3: heterodyne/layer/gone.h")

    def test_links(self):
        self.reports("[x](gone.md) `[y](gone.md)`", "docs/other.md:2: the link to gone.md leads nowhere")

    def test_links_to_generated_pages(self):
        self.write("mkdocs.yml", "nav:\n  - Kinds: kinds/routers.md\n")
        self.reports("[x](kinds/routers.md) [y](kinds/gone.md)", "docs/other.md:2: the link to kinds/gone.md leads")

    def test_pages_that_are_read(self):
        for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/deep/page.md"):
            self.write(name, "`gone.cc`\n")
        self.complains("ARCHITECTURE.md:1: ", "CONTRIBUTING.md:1: ", "CHANGELOG.md:1: ", "docs/deep/page.md:1: ")
