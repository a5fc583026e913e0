"""What a person at a terminal sees: colours, a redrawn line, Ctrl-C. The terminal is a pseudo-terminal of 80 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

import program
from program import DONE, INTERRUPTED, USAGE, ProgramTest

REDRAW = "\r\x1b[K"
COLOUR = re.compile(r"\x1b\[\d+m")
BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 80
LONGER = {"train.epochs": 50, "train.checkpoint.every_steps": 0, "train.checkpoint.every_epochs": 50}


class TerminalTest(ProgramTest):
    def run_in_terminal(self, *words: str, env: dict[str, str] | None = None, type_at: str = "") -> tuple[int, str]:
        """Standard error is a terminal. Ctrl-C is typed once the text `type_at` has appeared."""
        try:
            keyboard, screen = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal here: {error}")
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(screen, termios.TIOCSCTTY, 0)

        process = self.program.start(*words, env=env, stdin=screen, stderr=screen, preexec_fn=take_terminal)
        os.close(screen)
        seen = b""
        try:
            while piece := os.read(keyboard, 65536):
                seen += piece
                if type_at and type_at.encode() in seen:
                    os.write(keyboard, b"\x03")
                    type_at = ""
        except OSError:
            pass  # how a pseudo-terminal says that nobody holds it any more
        os.close(keyboard)
        try:
            return process.wait(program.SECONDS), seen.decode().replace("\r\n", "\n")
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def lines_drawn(self, seen: str) -> list[str]:
        """Every state of the redrawn line."""
        drawn = [re.split("[\r\n\x1b]", piece)[0] for piece in seen.split(REDRAW)[1:]]
        return [line for line in drawn if " eta " in line]

    def test_the_progress_line_is_redrawn_and_says_how_far_the_run_is(self):
        code, seen = self.run_in_terminal("train", *program.small(LONGER))
        self.assertEqual(code, DONE, seen)
        drawn = self.lines_drawn(seen)
        self.assertGreater(len(drawn), 1, seen)
        form = (
            r"^epoch \d+/50  step \d+/250  loss \d\.\d+  acc [\d.]+ %(  valid [\d.]+ %)?  ([\d,]+ img/s  )?eta [\dms ]+"
            rf"  \[[ {BARS}]{{4}}\]$"
        )
        self.assertRegex(drawn[0], form)
        self.assertNotIn("lr ", seen)  # the plain lines of a log stay away
        self.assertRegex(seen, r"(?m)epoch \d+/50  step \d+  valid [\d.]+ % .*$")

    def test_the_progress_line_fits_into_the_terminal(self):
        # A line that is wider wraps, and redrawing it leaves its upper part behind.
        many = {"model.moe.experts": '[{kind="mlp",hidden=8,count=60}]'}
        code, seen = self.run_in_terminal("train", *program.small(LONGER | many))
        self.assertEqual(code, DONE, seen)
        self.assertTrue(self.lines_drawn(seen))
        for line in self.lines_drawn(seen):
            self.assertLessEqual(len(line), COLUMNS, line)

    def test_nothing_of_the_progress_line_reaches_the_log(self):
        self.run_in_terminal("train", *program.small())
        log = self.program.path("runs/synthetic-dmmoe/log.txt").read_text()
        self.assertRegex(log, r"(?m)^done in ")
        self.assertNotRegex(log, "\x1b|\r")

    def test_no_progress_and_ci_give_plain_lines(self):
        for words, env in [(["--no-progress"], {}), ([], {"CI": "1"})]:
            code, seen = self.run_in_terminal("train", *program.small(), "--out", f"run{len(env)}", *words, env=env)
            self.assertEqual(code, DONE, seen)
            self.assertNotRegex(seen, "\x1b|\r")
            self.assertIn("step 10  loss", seen)

    def test_errors_are_red_unless_no_color_or_ci_is_set(self):
        code, seen = self.run_in_terminal("trian")
        self.assertEqual(code, USAGE)
        self.assertRegex(seen, COLOUR)
        for name in ("NO_COLOR", "CI"):
            code, seen = self.run_in_terminal("trian", env={name: "1"})
            self.assertEqual(code, USAGE)
            self.assertTrue(seen.startswith("heterodyne: error: "), seen)
            self.assertNotRegex(seen, COLOUR)

    def test_ctrl_c_saves_and_says_how_to_go_on(self):
        words = ["train", *program.small({"train.epochs": 10000}), "--out", "run"]
        code, seen = self.run_in_terminal(*words, type_at=" eta ")
        self.assertEqual(code, INTERRUPTED, seen)
        saved = re.search(r"saved step ([\d,]+)\.  Continue with: heterodyne train --resume run\n$", seen)
        self.assertTrue(saved, seen)
        self.assertEqual(program.last_step(self.program.path("run")), int(saved[1].replace(",", "")))
        self.assertEqual(program.state(self.program.path("run")), "interrupted")

    def test_evaluation_leaves_no_progress_line_behind(self):
        self.succeeds("train", *program.small())
        code, seen = self.run_in_terminal("eval", "runs/synthetic-dmmoe")
        self.assertEqual(code, DONE)
        self.assertIn("batch 16/16", seen)
        self.assertTrue(seen.endswith(REDRAW), seen)


if __name__ == "__main__":
    unittest.main()
