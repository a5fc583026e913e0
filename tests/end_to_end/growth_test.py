"""Experts that come and go while a run trains: what is said, what is kept, and that a killed run goes on exactly."""

import json
import re
import signal
import unittest

import program
from program import DONE, INPUT, USAGE, ProgramTest, wait_for

RUN = "run"
MOE = (
    'model.moe={router={kind="top_any"},experts=[{kind="mlp",hidden=24,count=3},{kind="conv1d",channels=4}],'
    'balancers=[{kind="diversity"},{kind="efficiency"}]}'
)
GROWER = '{kind="top_any_window",start=2,length=3,period=8,max_experts=6}'
GROWING = {
    "train.epochs": 8,
    "train.grower": GROWER,
    "train.average": "{decay=0.9,validate=true}",
    "train.log_every": 7,
}


def growing(changes: dict | None = None) -> list[str]:
    return [*program.small(GROWING | (changes or {})), "--set", MOE]


class GrowthTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.done = cls.shared.run("train", *growing(), "--out", RUN)
        assert cls.done.code == DONE, cls.done.stderr
        cls.unbroken = cls.shared.path(RUN)
        cls.events = [json.loads(line) for line in (cls.unbroken / "experts.jsonl").read_text().splitlines()]

    def test_each_change_is_said_and_kept(self):
        self.assertTrue(self.events)
        first = self.events[0]
        self.assertEqual((first["layer"], (first["step"] - 5) % 8), (0, 0))  # windows end at step 5 and every 8 later
        added = [event for event in self.events if event["event"] == "add"]
        self.assertTrue(added, self.events)
        said = f"step {added[0]['step']}  layer 0: "
        line = next(line for line in self.done.stderr.splitlines() if line.startswith(said))
        self.assertIn(f"added expert {added[0]['id']} {added[0]['reason']}; active ", line)
        self.assertRegex(added[0]["reason"], r"^from [\d,]+ unrouted tokens?$")
        # Ids are given once, and loads are told under them.
        self.assertEqual(len({event["id"] for event in added}), len(added))
        loads = [line["layers.0"]["id"] for line in program.metrics(self.unbroken) if line["kind"] == "experts"]
        self.assertEqual(loads[0], [0, 1, 2, 3])
        self.assertIn(added[0]["id"], loads[-1] + [event["id"] for event in self.events if event["event"] == "remove"])

    def test_a_killed_run_ends_like_an_unbroken_one(self):
        run, words = self.program.path(RUN), growing()
        for step in (4, 14, 22):
            process = self.program.start("train", *words, *(() if words[0] == "--resume" else ("--out", RUN)))
            wait_for(lambda: process.poll() is not None or program.last_step(run) >= step, f"step {step}")
            process.send_signal(signal.SIGKILL)
            if self.program.finish(process).code == DONE:
                break
            words = ["--resume", RUN]
        self.succeeds("train", "--resume", RUN)
        self.assert_same_run(run, self.unbroken)
        self.assertEqual((run / "experts.jsonl").read_bytes(), (self.unbroken / "experts.jsonl").read_bytes())

    def test_the_grown_model_can_be_used_and_reported(self):
        evaluated = json.loads(self.program_in_shared("eval", RUN, "--format", "json"))
        self.assertIn("params.active", evaluated["metrics"])
        text = self.program_in_shared("report", RUN, "--format", "table")
        self.assertRegex(text, r"layers\.0   steps 0 \.\. 40   active 4 -> \d")
        self.assertRegex(text, r"\d+ added from [\d,]+ unrouted tokens?")
        text = self.program_in_shared("report", RUN, "--format", "md")
        for title in ("Experts from birth to end", "Experts per token", "Tokens without expert", "Parameters"):
            self.assertIn(title, text)

    def program_in_shared(self, *words: str) -> str:
        done = self.shared.run(*words)
        self.assertEqual(done.code, DONE, done.stderr)
        return done.stdout

    def test_a_dry_run_tells_of_the_experts_that_there_are(self):
        plan = self.program_in_shared("train", "--resume", RUN, "--set", "train.epochs=9", "--dry-run")
        rows = json.loads(self.program_in_shared("experts", "ls", f"{RUN}/{self.newest()}", "--format", "json"))
        self.assertNotEqual(len(rows), 4)
        self.assertIn(f"of {len(rows)} experts", plan)

    def test_pruning_judges_the_weights_that_are_used(self):
        # Those of validation and of `route`: the averages.
        layer = json.loads(self.program_in_shared("route", RUN, "valid", "--format", "json"))["layers"][0]
        share = {expert["id"]: expert["share"] for expert in layer["experts"]}
        text = self.program_in_shared("experts", "prune", RUN, "--by", "load", "--keep", "2", "--out", "pruned")
        removed = re.findall(r"removed expert (\d+) \(load ([\d.e-]+),", text)
        self.assertTrue(removed, text)
        for expert, load in removed:
            self.assertEqual(load, f"{share[int(expert)]:.4g}")

    def newest(self) -> str:
        return f"checkpoints/step-{program.last_step(self.unbroken):08}"

    def test_what_cannot_grow_is_refused_before_a_folder_is_made(self):
        says = ["grower", "expected the first window to end by step 40, the run's last, got start = 50"]
        late = {"train.grower": GROWER.replace("start=2", "start=50")}
        self.refuses(USAGE, says, "train", *growing(late), "--out", "late")
        says = ["max_experts: expected at least the 4 experts that layers.0 has, got 3"]
        self.refuses(USAGE, says, "train", *growing({"train.grower": GROWER.replace("6}", "3}")}), "--out", "late")
        self.refuses(USAGE, says, "config", "check", "synthetic/dmmoe", "--set", MOE, "--set",
                     "train.grower=" + GROWER.replace("6}", "3}"))
        says = ['got router "top_k" in layers.0']
        self.refuses(USAGE, says, "train", *program.small(GROWING), "--out", "late")
        self.assertFalse(self.program.path("late").exists())

    def test_a_run_that_grew_does_not_go_on_with_a_fixed_pool(self):
        done = self.shared.run("train", "--resume", RUN, "--set", 'train.grower={kind="none"}')
        self.assertEqual(done.code, USAGE, done.stderr)
        self.assertIn('cannot resume: train.grower.kind was "top_any_window"', done.stderr)


class ExpertsTest(ProgramTest):
    """heterodyne experts: the same by hand, on any checkpoint."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        moe = 'model.moe={router={kind="top_k",k=2},experts=[{kind="mlp",hidden=24,count=4},{kind="lstm_cell"}]}'
        done = cls.shared.run("train", *program.small(), "--set", moe, "--out", RUN)
        assert done.code == DONE, done.stderr
        cls.path = str(cls.shared.path(RUN))

    def ids(self, model: str) -> list[int]:
        rows = json.loads(self.succeeds("experts", "ls", model, "--format", "json").stdout)
        return [row["expert"] for row in rows]

    def change(self, *words: str, out: str = "new") -> str:
        return self.succeeds("experts", words[0], self.path, *words[1:], "--out", out).stdout

    def test_it_lists_what_there_is(self):
        rows = json.loads(self.succeeds("experts", "ls", self.path, "--format", "json").stdout)
        self.assertEqual([row["kind"] for row in rows], ["mlp"] * 4 + ["lstm_cell"])
        self.assertEqual(rows[0]["parameters"], 2 * 16 * 24 + 24 + 16)

    def test_experts_come_and_go_and_the_model_stays(self):
        before = program.digests(self.shared.path(RUN))
        self.assertIn("split expert 5 off expert 1", self.change("split", "--expert", "1", out="split"))
        self.assertEqual(self.ids("split"), [0, 1, 2, 3, 5, 4])
        self.assertIn("added expert 5 like expert 1 by hand", self.change("add", "--expert", "1", out="added"))
        self.assertIn("removed expert 2", self.change("remove", "--expert", "2", "--expert", "4", out="removed"))
        self.assertEqual(self.ids("removed"), [0, 1, 3])
        text = self.change("merge", "--expert", "0", "--expert", "3", out="merged")
        self.assertIn("merged expert 3 into 0", text)
        self.assertRegex(text, r"valid split: loss \d\.\d+ -> \d\.\d+, accuracy [\d.]+ -> [\d.]+ %")
        self.assertEqual(self.ids("merged"), [0, 1, 2, 4])
        for model in ("split", "removed", "merged"):
            self.succeeds("eval", model)
            self.succeeds("verify", model)
        self.assertEqual(program.digests(self.shared.path(RUN)), before)

    def test_a_split_copy_starts_where_its_parent_is(self):
        self.change("split", "--expert", "1", "--spread", "0", out="twin")
        rows = json.loads(self.succeeds("experts", "ls", "twin", "--format", "json").stdout)
        self.assertEqual(rows[4]["parameters"], rows[1]["parameters"])

    def test_pruning_tells_what_each_removal_does(self):
        for by in ("load", "reap", "knockout"):
            text = self.change("prune", "--by", by, "--keep", "3", out=by)
            removals = [line for line in text.splitlines() if "removed expert" in line]
            self.assertEqual(len(removals), 2, text)
            for line in removals:
                self.assertRegex(line, rf"^layers\.0: removed expert \d \({by} -?[\d.e-]+, loss [+-]\d\.\d+\)$")
            self.assertEqual(len(self.ids(by)), 3)
        params = json.loads(self.succeeds("eval", "load", "--format", "json").stdout)["metrics"]["params"]
        self.change("prune", "--budget-params", str(params), out="budget")
        self.assertLessEqual(len(self.ids("budget")), 3)

    def test_steps_that_were_put_off_are_taken_before_anything_is_measured(self):
        moe = 'model.moe={router={kind="top_k",k=1},experts=[{kind="mlp",hidden=24,count=16}]}'
        late = {"train.optimizer.idle_experts": "replay", "train.checkpoint.every_steps": 21, "data.batch": 2,
                "train.epochs": 0.25}
        self.succeeds("train", *program.small(late), "--set", moe, "--out", "late")
        model = "late/checkpoints/step-00000021"
        loss = json.loads(self.succeeds("eval", model, "--split", "valid", "--format", "json").stdout)["metrics"]["loss"]
        text = self.succeeds("experts", "freeze", model, "--expert", "1", "--out", "new").stdout
        self.assertIn(f"valid split: loss {loss:.4f} -> {loss:.4f}", text)

    def test_a_frozen_expert_says_so(self):
        self.change("freeze", "--expert", "1", "--split", "none", out="frozen")
        rows = json.loads(self.succeeds("experts", "ls", "frozen", "--format", "json").stdout)
        self.assertEqual([row["expert"] for row in rows if row["frozen"]], [1])

    def test_what_cannot_be_is_refused(self):
        out = ("--out", "new")
        self.refuses(USAGE, ["prune expects either --keep N or --budget-params P"], "experts", "prune", self.path, *out)
        self.refuses(USAGE, ["remove expects --out DIR"], "experts", "remove", self.path, "--expert", "1")
        self.refuses(USAGE, ["merge expects two experts"], "experts", "merge", self.path, "--expert", "1", *out)
        self.refuses(USAGE, ["expected the number of one of layers.0, got 7"], "experts", "remove", self.path, "--layer",
                     "7", "--expert", "1", *out)
        self.refuses(INPUT, ["no such run"], "experts", "ls", "nowhere")
        one = ("--expert", "1")
        self.refuses(USAGE, ["expected one of 0, 1, 2, 3, 4, the experts of layers.0, got 9"], "experts", "remove",
                     self.path, "--expert", "9", *out)
        self.refuses(USAGE, ["expert: 1 is named twice"], "experts", "merge", self.path, *one, *one, *out)
        self.refuses(USAGE, ["keep: has no effect while the action is not prune"], "experts", "split", self.path, *one,
                     "--keep", "3", *out)
        done = self.program.run("experts", "prune", self.path, "--keep", "1", *out)
        self.assertEqual(done.code, USAGE)
        self.assertIn("keep: 1 experts cannot be reached: 2 of layers.0 are left when none can be spared", done.stderr)
        done = self.program.run("experts", "merge", self.path, "--expert", "0", "--expert", "4", *out)
        self.assertIn("merge: expected feed-forward experts, expert 4 is of kind lstm_cell", done.stderr)
        self.program.write("taken", "")
        self.refuses(USAGE, ["taken: exists already"], "experts", "remove", self.path, "--expert", "1", "--out", "taken")
        self.assertFalse(self.program.path("new").exists())


if __name__ == "__main__":
    unittest.main()
