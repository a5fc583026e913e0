"""bench/peers/ggml.py against programs that print what the real ones are documented to print."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench/peers/ggml.py"

# The fields and samples of the example in llama-bench's README, what is not read left out.
LLAMA_BENCH = r"""#!/usr/bin/env python3
import json, sys
words = sys.argv[1:]
value = lambda flag, default: words[words.index(flag) + 1] if flag in words else default
with open(sys.argv[0] + ".log", "a") as log:
    log.write(json.dumps(words) + "\n")
prompt, made = int(value("-p", 512)), int(value("-n", 128))
tests = []
if prompt:
    tests.append({"model_type": "qwen2 7B", "n_threads": 8, "n_prompt": prompt, "n_gen": 0, "n_depth": 0,
                  "avg_ts": 7100.002165, "samples_ns": [74601900, 71632900, 71745200, 71952700, 70745500],
                  "samples_ts": [6863.1, 7147.55, 7136.37, 7115.79, 7237.21]})
if made:
    tests.append({"model_type": "qwen2 7B", "n_threads": 8, "n_prompt": 0, "n_gen": made, "n_depth": int(value("-d", 0)),
                  "avg_ts": 118.881588, "samples_ns": [1075361300, 1065089400, 1071761200, 1081934900, 1089692600],
                  "samples_ts": [119.03, 120.178, 119.43, 118.307, 117.464]})
print(json.dumps(tests))
"""

HETERODYNE = r"""#!/usr/bin/env python3
import json, pathlib, sys
if sys.argv[1] == "export":
    pathlib.Path(sys.argv[3]).mkdir()
    sys.exit()
rates = {"float32": (3568.185, 59.515), "bf16": (7136.37, 238.06), "int8": (14272.74, 238.06)}
print(json.dumps({"points": [
    {"weights": weights, "prompt": 128, "made": 32, "prompt_tokens_per_s": prompt, "made_tokens_per_s": made}
    for weights, (prompt, made) in rates.items()]}))
"""

CONVERT = r"""import pathlib, sys
assert pathlib.Path(sys.argv[1]).is_dir() and sys.argv[2] == "--outtype" and sys.argv[4] == "--outfile"
pathlib.Path(sys.argv[5]).write_text(sys.argv[3])
"""


class GgmlTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.write("heterodyne", HETERODYNE)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run_script(self, *words, cwd=None):
        # No site packages: whether llama_cpp is installed here must not matter.
        command = [sys.executable, "-S", "-E", str(SCRIPT), "model", "--heterodyne", str(self.folder / "heterodyne"), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={"PATH": os.environ["PATH"]})

    def test_without_ggml_it_says_so_and_nothing_fails(self):
        done = self.run_script()
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.startswith("skipped: no ggml given"), done.stdout)

    def test_compares_medians_of_each_pass(self):
        bench = self.write("llama/build/bin/llama-bench", LLAMA_BENCH)
        self.write("llama/convert_hf_to_gguf.py", CONVERT)
        done = self.run_script("--llama-cpp", str(self.folder / "llama"), "--repeats", "1", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {(row["form"], row["pass"]): row for row in json.loads(done.stdout)}
        self.assertEqual(set(rows), {(f, p) for f in ("f32", "bf16", "q8_0") for p in ("prefill", "decode")})
        self.assertAlmostEqual(rows["f32", "prefill"]["ggml tokens/s"], 7136.37)  # the middle one of five
        self.assertAlmostEqual(rows["f32", "decode"]["ggml tokens/s"], 119.03)
        self.assertAlmostEqual(rows["f32", "prefill"]["ours / ggml"], 0.5)
        self.assertAlmostEqual(rows["bf16", "decode"]["ours / ggml"], 2.0)
        self.assertAlmostEqual(rows["q8_0", "prefill"]["ours / ggml"], 2.0)
        self.assertEqual(rows["q8_0", "decode"]["ours"], "int8")
        calls = [json.loads(line) for line in pathlib.Path(f"{bench}.log").read_text().splitlines()]
        self.assertEqual(len(calls), 6)
        self.assertEqual(calls[1][-6:], ["-p", "0", "-n", "32", "-d", "128"])  # new tokens come after the prompt

    def test_takes_files_that_are_given(self):
        self.write("llama/llama-bench", LLAMA_BENCH)
        gguf = self.write("model.gguf", "")
        # A program in a folder that is given as "." is not looked for in the search path.
        done = self.run_script("--llama-cpp", ".", "--gguf", f"f16={gguf}", "--repeats", "1", cwd=self.folder / "llama")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split()[:3] for line in done.stdout.splitlines()[1:]],
                         [["f16", "bf16", "prefill"], ["f16", "bf16", "decode"]])

    def test_says_what_is_missing(self):
        llama = ["--llama-cpp", str(self.folder / "llama")]
        self.assertIn("expected llama-bench in", self.run_script(*llama).stderr)
        self.write("llama/llama-bench", LLAMA_BENCH)
        self.assertIn("expected --gguf FORM=FILE for f32, bf16, q8_0", self.run_script(*llama).stderr)
        self.assertIn("none.gguf: no such file", self.run_script(*llama, "--gguf", "f32=none.gguf").stderr)
        self.assertIn("with a form of f32, f16, bf16, q8_0, got q4=x", self.run_script(*llama, "--gguf", "q4=x").stderr)

    def test_refuses_what_is_no_list_of_tests(self):
        gguf = ["--gguf", f"f32={self.write('model.gguf', '')}", "--llama-cpp", str(self.folder / "llama")]
        for text, said in (("'no JSON'", "expected a JSON list of tests"), ("'[{}]'", "KeyError"), ("'[]'", "got none")):
            self.write("llama/llama-bench", f"#!/bin/sh\necho {text}\n")
            done = self.run_script(*gguf, "--repeats", "1")
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        self.write("llama/llama-bench", "#!/bin/sh\necho cannot open model >&2\nexit 3\n")
        self.assertIn("exit 3: cannot open model", self.run_script(*gguf).stderr)


if __name__ == "__main__":
    unittest.main()
