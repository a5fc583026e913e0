"""Run folders and checkpoints that are in the way, damaged or of another kind: nothing that is sound is lost."""

import hashlib
import json
import pathlib
import shutil
import unittest

import program
from program import DONE, FAILED, INPUT, USAGE, ProgramTest

RUN = "run"


class CheckpointTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        for name, width in ((RUN, 16), ("other", 8)):
            done = cls.shared.run("train", *program.small({"model.width": width}), "--out", name)
            assert done.code == DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)
        shutil.copytree(self.shared.path(RUN), self.run_folder)
        self.best = program.checkpoint(self.run_folder, "BEST").relative_to(self.program.folder)
        self.last = program.checkpoint(self.run_folder).relative_to(self.program.folder)

    def truncate(self, name: pathlib.Path) -> None:
        path = self.program.path(name)
        path.write_bytes(path.read_bytes()[:-100])

    def flip_a_bit(self, name: pathlib.Path) -> None:
        path = self.program.path(name)
        contents = bytearray(path.read_bytes())
        contents[-1000] ^= 1
        path.write_bytes(contents)

    def edit(self, name: pathlib.Path, old: str, new: str) -> None:
        path = self.program.path(name)
        self.assertIn(old, path.read_text())
        path.write_text(path.read_text().replace(old, new))

    def sign_again(self, folder: pathlib.Path) -> None:
        """Makes the manifest fit the files, as if they had been saved together."""
        path = self.program.path(folder) / "manifest.json"
        manifest = json.loads(path.read_text())
        for name, entry in manifest["files"].items():
            contents = (path.parent / name).read_bytes()
            entry.update(bytes=len(contents), sha256=hashlib.sha256(contents).hexdigest())
        path.write_text(json.dumps(manifest))

    def refuses_evaluation(self, *says: str) -> None:
        before = program.digests(self.run_folder)
        self.refuses(INPUT, list(says), "eval", RUN)
        self.assertEqual(program.digests(self.run_folder), before)

    def refuses_resume(self, *says: str) -> None:
        before = program.digests(self.run_folder / "checkpoints")
        logged = (self.run_folder / "metrics.jsonl").read_text()
        self.refuses(INPUT, list(says), "train", "--resume", RUN)
        self.assertEqual(program.digests(self.run_folder / "checkpoints"), before)
        self.assertEqual((self.run_folder / "metrics.jsonl").read_text(), logged)

    def test_a_run_folder_that_exists_is_refused_with_the_ways_on(self):
        before = program.digests(self.run_folder)
        ways = ["run: expected a new folder", "train --resume run", "--out DIR", "--set name=NAME"]
        self.refuses(USAGE, ways, "train", *program.small(), "--out", RUN)
        self.assertEqual(program.digests(self.run_folder), before)

    def test_an_empty_folder_may_be_used(self):
        self.program.path("empty").mkdir()
        self.succeeds("train", *program.small(), "--out", "empty")

    def test_a_folder_that_cannot_be_made_is_refused(self):
        self.program.write("file", "")
        says = ["file/run: cannot be made: Not a directory"]
        self.refuses(FAILED, says, "train", *program.small(), "--out", "file/run")
        self.refuses(USAGE, ["file: expected a new folder"], "train", *program.small(), "--out", "file")

    def test_what_is_no_run_is_refused(self):
        self.program.path("empty").mkdir()
        self.refuses(INPUT, ["none: no such run"], "train", "--resume", "none")
        self.refuses(INPUT, ["empty: is not a run's folder: it has no resolved.toml"], "train", "--resume", "empty")
        self.refuses(INPUT, ["none: no such run or checkpoint"], "eval", "none")
        says = ["empty: is neither a run's folder with a checkpoint nor a checkpoint"]
        self.refuses(INPUT, says, "eval", "empty")

    def test_a_truncated_checkpoint_is_refused(self):
        self.truncate(self.best / "model.safetensors")
        says = f"{self.best}/model.safetensors: expected 44,660 bytes as in manifest.json, got 44,560"
        self.refuses_evaluation(says, "the checkpoint is damaged")

    def test_a_flipped_bit_is_noticed(self):
        self.flip_a_bit(self.best / "model.safetensors")
        self.refuses_evaluation(f"{self.best}/model.safetensors: its SHA-256 differs", "the checkpoint is damaged")

    def test_a_missing_file_is_noticed(self):
        self.program.path(self.best / "state.json").unlink()
        self.refuses_evaluation(f"{self.best}/state.json: cannot be read: No such file")

    def test_a_damaged_manifest_is_noticed(self):
        self.truncate(self.best / "manifest.json")
        self.refuses_evaluation(f"{self.best}/manifest.json: byte ")

    def test_hostile_tensor_files_are_refused(self):
        path = self.program.path(self.best / "model.safetensors")
        path.write_bytes((1 << 40).to_bytes(8, "little") + path.read_bytes()[8:])
        self.sign_again(self.best)
        says = "byte 0: header length: expected at most 104,857,600, got 1,099,511,627,776"
        self.refuses_evaluation(f"{self.best}/model.safetensors: ", says)

    def test_a_newer_format_is_refused(self):
        for name in ("state.json", "manifest.json"):
            self.edit(self.best / name, '"format": 1', '"format": 2')
            if name == "state.json":
                self.sign_again(self.best)
            says = f"{self.best}/{name}: format: expected at most 1, got 2; it was written by a newer heterodyne"
            self.refuses_evaluation(says)

    def test_the_weights_of_another_network_are_refused(self):
        other = program.checkpoint(self.shared.path("other"), "BEST") / "model.safetensors"
        shutil.copy(other, self.program.path(self.best / "model.safetensors"))
        self.sign_again(self.best)
        shapes = "stem.conv.weight: expected [16, 1, 4, 4], got [8, 1, 4, 4]"
        self.refuses_evaluation(f"{self.best}/model.safetensors: ", shapes, "it belongs to another network")

    def test_resume_refuses_the_checkpoint_of_another_network(self):
        shutil.rmtree(self.run_folder / "checkpoints")
        shutil.copytree(self.shared.path("other/checkpoints"), self.run_folder / "checkpoints")
        before = program.digests(self.run_folder)
        done = self.program.run("train", "--resume", RUN)
        self.assertIn(done.code, (USAGE, INPUT), done.stderr)
        self.assertRegex(done.stderr, "belongs to another network|cannot resume: model.width was 8 when step 10 was saved, is 16 now")
        self.assertEqual(program.digests(self.run_folder), before)

    def test_resume_goes_back_to_an_older_checkpoint_with_a_warning(self):
        for harm in (self.truncate, self.flip_a_bit):
            harm(self.last / "optimizer.safetensors")
            done = self.succeeds("train", "--resume", RUN)
            self.assertEqual(len(done.warnings), 1, done.stderr)
            self.assertIn(f"warning: {self.last}/optimizer.safetensors: ", done.warnings[0])
            self.assertIn("going back to an older checkpoint", done.warnings[0])
            self.assertIn("going on at step 8 of 10", done.stderr)
            self.assert_same_run(self.run_folder, self.shared.path(RUN))

    def test_resume_passes_over_a_checkpoint_that_was_not_finished(self):
        self.program.path(self.last / "manifest.json").unlink()
        done = self.succeeds("train", "--resume", RUN)
        self.assertIn("going on at step 8 of 10", done.stderr)
        self.assert_same_run(self.run_folder, self.shared.path(RUN))

    def test_resume_does_not_begin_again_when_every_checkpoint_is_damaged(self):
        # Beginning again would clear the damaged ones away, and with them all that was trained.
        for step in program.steps(self.run_folder):
            self.truncate(self.last.parent / f"step-{step:08}/model.safetensors")
        self.refuses_resume(f"{RUN}/checkpoints", "none of the 4 checkpoints")

    def test_resume_does_not_begin_again_when_every_checkpoint_is_of_a_newer_format(self):
        for step in program.steps(self.run_folder):
            self.edit(self.last.parent / f"step-{step:08}/manifest.json", '"format": 1', '"format": 2')
        self.refuses_resume(f"{RUN}/checkpoints", "none of the 4 checkpoints")

    def test_evaluation_says_when_it_takes_another_checkpoint_than_the_best(self):
        self.program.path(self.best / "manifest.json").unlink()
        done = self.program.run("eval", RUN)
        self.assertTrue(done.code == INPUT or str(self.last) in done.stderr, done.stdout + done.stderr)

    def test_a_damaged_resolved_configuration_is_refused(self):
        self.edit(pathlib.Path(RUN) / "resolved.toml", "[model]", "[model")
        self.refuses(USAGE, ["run/resolved.toml:"], "train", "--resume", RUN)


if __name__ == "__main__":
    unittest.main()
