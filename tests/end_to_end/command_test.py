"""The verbs that train nothing: what they print, in which form, and how a line that is wrong is refused."""

import csv
import io
import json
import tomllib
import unittest

from program import FAILED, INPUT, SOURCE, USAGE, ProgramTest

RECIPES = {str(path.relative_to(SOURCE / "configs"))[:-5] for path in (SOURCE / "configs").rglob("*.toml")
           if path.parent.name not in ("studies", "tasks")}
FAMILIES = ["routers", "experts", "balancers", "dispatchers", "networks", "datasets", "optimizers", "schedules",
            "growers"]


class CommandTest(ProgramTest):
    def prints(self, *words: str) -> str:
        done = self.succeeds(*words)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_version_names_the_program_and_its_libtorch(self):
        line = self.prints("version")
        self.assertRegex(line, r"^heterodyne \d+\.\d+\.\d+ \(.*\) LibTorch 2\.\d+\.\d+ .*\n$")
        self.assertEqual(self.prints("--version"), line)
        entry = json.loads(self.prints("version", "--format", "json"))[0]
        self.assertIn(f"heterodyne {entry['version']} ", line)

    def test_help_shows_every_verb_and_every_flag(self):
        page = self.prints("help")
        self.assertEqual(self.prints("--help"), page)
        self.assertEqual(self.prints(), page)
        for verb in ("compare", "config", "eval", "help", "inspect", "ls", "runs", "train", "verify", "version"):
            self.assertIn(f"  {verb} ", page)
        page = self.prints("help", "train")
        self.assertEqual(self.prints("train", "--help"), page)
        for flag in ("--resume", "--out", "--set", "--seed", "--data", "--threads", "--quiet", "--no-progress"):
            self.assertIn(flag, page)

    def test_an_unknown_verb_is_refused_with_the_nearest(self):
        self.refuses(USAGE, ['unknown command "trian"', 'nearest: "train"', "heterodyne help"], "trian", "demo")
        self.refuses(USAGE, ['unknown command "trian"'], "help", "trian")

    def test_an_unknown_flag_is_refused_with_the_nearest(self):
        self.refuses(USAGE, ["train: unknown flag --ouut", "nearest: --out"], "train", "demo", "--ouut", "x")
        self.refuses(USAGE, ["unknown flag --spilt", "nearest: --split"], "eval", "x", "--spilt=valid")

    def test_what_is_missing_or_too_much_on_the_line_is_refused(self):
        self.refuses(USAGE, ["train: expected a configuration file or a recipe"], "train")
        self.refuses(USAGE, ['train: unexpected argument "b"'], "train", "demo", "b")
        self.refuses(USAGE, ["--out"], "train", "demo", "--out")
        self.refuses(USAGE, ["config check: expected a configuration file or recipe"], "config", "check")

    def test_a_wrong_choice_is_refused_with_the_nearest(self):
        says = ["--format", "expected one of table, json, csv, md", 'got "jsn"', 'nearest: "json"']
        self.refuses(USAGE, says, "ls", "routers", "--format", "jsn")
        self.refuses(USAGE, ["expected one of show, check, cp, diff, schema", 'nearest: "check"'], "config", "chek", "demo")
        self.refuses(USAGE, ["expected one of train, valid, test"], "eval", "x", "--split", "vali")

    def test_threads_are_a_number_of_threads(self):
        threads = ["HETERODYNE_THREADS: expected 1 .. 1024", 'got "abc"']
        self.refuses(USAGE, threads, "train", "synthetic/dmmoe", env={"HETERODYNE_THREADS": "abc"})
        self.refuses(USAGE, ["HETERODYNE_THREADS"], "train", "synthetic/dmmoe", env={"HETERODYNE_THREADS": "0"})
        self.refuses(USAGE, ["--threads", "got 5000"], "train", "synthetic/dmmoe", "--threads", "5000")
        self.assertEqual(list(self.program.folder.glob("runs/*")), [])

    def test_output_that_finds_no_room_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = self.program.run("ls", "routers", stdout=full)
        self.assertEqual(done.code, FAILED)
        self.assertEqual(done.stderr, "heterodyne: error: standard output: expected room for all that was printed, "
                                      "some of it could not be written\n")

    def test_ls_as_json_is_a_list_of_names_and_summaries(self):
        for family in ["recipes", *FAMILIES]:
            entries = json.loads(self.prints("ls", family, "--format", "json"))
            self.assertTrue(entries)
            for entry in entries:
                self.assertEqual(list(entry), ["name", "summary"])
                self.assertTrue(entry["name"] and entry["summary"], family)

    def test_ls_recipes_names_every_shipped_configuration(self):
        entries = json.loads(self.prints("ls", "recipes", "--format", "json"))
        self.assertEqual({entry["name"] for entry in entries}, RECIPES)

    def test_ls_says_the_same_in_every_form(self):
        entries = json.loads(self.prints("ls", "routers", "--format", "json"))
        rows = list(csv.DictReader(io.StringIO(self.prints("ls", "routers", "--format", "csv"))))
        self.assertEqual(rows, entries)
        lines = self.prints("ls", "routers", "--format", "md").splitlines()
        self.assertEqual(lines[:2], ["| name | summary |", "|---|---|"])
        self.assertEqual(lines[2:], [f"| {entry['name']} | {entry['summary']} |" for entry in entries])
        table = self.prints("ls", "routers").splitlines()
        self.assertEqual([line.split()[0] for line in table[1:]], [entry["name"] for entry in entries])

    def test_ls_v_lists_the_settings_of_a_member_and_of_a_section(self):
        rows = json.loads(self.prints("ls", "-v", "router.top_k", "--format", "json"))
        self.assertEqual(list(rows[0]), ["setting", "type", "default", "range", "meaning"])
        self.assertIn("noise_scale", [row["setting"] for row in rows])
        self.assertIn("checkpoint.every_steps", self.prints("ls", "-v", "train"))

    def test_an_unknown_family_or_member_is_refused_with_the_nearest(self):
        self.refuses(USAGE, ['got "router"', 'nearest: "routers"'], "ls", "router")
        self.refuses(USAGE, ['got "router.topk"', 'nearest: "router.top_k"'], "ls", "-v", "router.topk")

    def test_config_check_gives_the_published_numbers_of_parameters(self):
        for recipe, params, experts in [
            ("cifar10/dmmoe", "357,611", "4 experts of 4 kinds (mlp, conv1d, vit_block, lstm_cell)"),
            ("cifar10/homogeneous", "290,442", "4 experts of 1 kind (mlp)"),
            ("cifar10/dense_vit", "291,210", "no experts"),
            ("cifar10/routing", "9,881,326", "10 experts of 1 kind (norm_mlp)"),
        ]:
            expected = f"{recipe}: ok  {experts}  {params} parameters  352 steps/epoch (nominal, 45,000 images)\n"
            self.assertEqual(self.prints("config", "check", recipe), expected)
        numbers = json.loads(self.prints("config", "check", "cifar10/dmmoe", "--format", "json"))
        self.assertEqual((numbers["params"], numbers["steps_per_epoch"], numbers["examples"]), (357611, 352, 45000))

    def test_every_recipe_is_sound(self):
        for recipe in sorted(RECIPES):
            self.assertIn(f"{recipe}: ok  ", self.prints("config", "check", recipe))

    def test_config_show_is_a_configuration_that_trains(self):
        flags = ["--set", "train.epochs=0.1", "--set", "data.examples=200", "--seed", "7"]
        shown = self.prints("config", "show", "synthetic/dmmoe", *flags)
        self.program.write("shown.toml", shown)
        self.assertEqual(tomllib.loads(self.prints("config", "show", "shown.toml")), tomllib.loads(shown))
        self.succeeds("train", "shown.toml", "--quiet")
        resolved = self.program.path("runs/synthetic-dmmoe/resolved.toml").read_text()
        self.assertEqual(tomllib.loads(resolved), tomllib.loads(shown))

    def test_config_show_as_json_says_the_same(self):
        shown = tomllib.loads(self.prints("config", "show", "cifar10/homogeneous"))
        self.assertEqual(json.loads(self.prints("config", "show", "cifar10/homogeneous", "--format", "json")), shown)

    def test_config_cp_copies_a_recipe_word_for_word(self):
        done = self.succeeds("config", "cp", "cifar10/dmmoe", "my.toml")
        self.assertEqual(self.program.path("my.toml").read_text(), (SOURCE / "configs/cifar10/dmmoe.toml").read_text())
        self.assertEqual(done.stdout, "")
        self.assertIn("357,611 parameters", self.prints("config", "check", "my.toml"))

    def test_config_cp_of_a_recipe_with_a_base_stands_alone(self):
        self.succeeds("config", "cp", "cifar10/homogeneous", "my.toml")
        self.assertNotIn("base", tomllib.loads(self.program.path("my.toml").read_text()))
        self.assertIn("290,442 parameters", self.prints("config", "check", "my.toml"))
        shown = self.prints("config", "show", "my.toml", "--format", "json")
        self.assertEqual(shown, self.prints("config", "show", "cifar10/homogeneous", "--format", "json"))

    def test_config_cp_writes_the_settings_of_the_line_into_the_copy(self):
        self.succeeds("config", "cp", "cifar10/dmmoe", "my.toml", "--set", "model.width=64", "--seed", "4")
        self.prints("config", "check", "my.toml")
        written = tomllib.loads(self.program.path("my.toml").read_text())
        self.assertEqual((written["model"]["width"], written["seed"]), (64, 4))

    def test_config_cp_overwrites_nothing_and_copies_nothing_unknown(self):
        self.program.write("my.toml", "mine")
        self.refuses(USAGE, ["my.toml: exists already"], "config", "cp", "demo", "my.toml")
        self.assertEqual(self.program.path("my.toml").read_text(), "mine")
        self.refuses(USAGE, ["dmo: no such", 'nearest: "demo"', "ls recipes"], "config", "cp", "dmo", "new.toml")
        self.refuses(USAGE, ["width: expected a whole number"], "config", "cp", "demo", "x", "--set", "model.width=a")
        self.assertEqual([path.name for path in self.program.folder.glob("[nx]*")], [])

    def test_config_diff_shows_the_settings_that_differ(self):
        rows = json.loads(self.prints("config", "diff", "cifar10/dmmoe", "cifar10/dense_vit", "--format", "json"))
        found = {row["setting"]: (row["a"], row["b"]) for row in rows}
        self.assertEqual(found["name"], ("cifar10-dmmoe", "cifar10-dense-vit"))
        self.assertEqual(found["model.moe.layers"], ([0], []))
        self.assertEqual(found["model.dense.hidden"][0], None)
        self.assertNotIn("train.epochs", found)
        lines = self.prints("config", "diff", "cifar10/dmmoe", "cifar10/dense_vit").splitlines()
        self.assertEqual(lines[0].split(), ["setting", "cifar10/dmmoe", "cifar10/dense_vit"])
        self.assertEqual([line.split()[0] for line in lines[1:]], [row["setting"] for row in rows])

    def test_config_diff_of_a_run_and_its_recipe_is_what_its_line_changed(self):
        flags = ["--set", "train.epochs=0.1", "--set", "data.examples=200", "--quiet"]
        self.succeeds("train", "synthetic/dmmoe", *flags, "--out", "runs/mine")
        table = self.prints("config", "diff", "synthetic/dmmoe", "runs/mine", "--format", "csv")
        rows = list(csv.reader(io.StringIO(table)))
        self.assertEqual(rows[0], ["setting", "synthetic/dmmoe", "runs/mine"])
        self.assertEqual(rows[1:], [["data.examples", "4000", "200"], ["train.epochs", "4.0", "0.1"]])

    def test_config_diff_of_equals_says_so_and_what_cannot_be_compared_is_refused(self):
        done = self.succeeds("config", "diff", "demo", "demo")
        self.assertEqual((done.stdout, done.stderr), ("", "no setting differs\n"))
        self.assertEqual(json.loads(self.prints("config", "diff", "demo", "demo", "--format", "json")), [])
        self.refuses(USAGE, ["config diff: expected two configurations", "got 1"], "config", "diff", "demo")
        self.program.path("empty").mkdir()
        self.refuses(INPUT, ["empty: expected a run's folder", "no resolved.toml"], "config", "diff", "demo", "empty")

    def test_config_schema_lists_every_setting(self):
        rows = json.loads(self.prints("config", "schema", "--format", "json"))
        listed = {(row["where"], row["setting"]) for row in rows}
        for setting in [("", "seed"), ("", "train.epochs"), ("router.top_k", "noise"), ("dataset.synthetic", "size")]:
            self.assertIn(setting, listed)


if __name__ == "__main__":
    unittest.main()
