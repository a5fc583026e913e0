"""Runs the program many times and loads it once: tests/warm_start/warm_start.cc holds it right before its main(), and a
copy of that process runs each command. What is run is the same file with the same arguments, folder and environment."""

import array
import os
import signal
import socket
import struct
import subprocess
from typing import IO


class WarmStart:
    """One loaded program. One command at a time."""

    def __init__(self, program: str, preloaded: str):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._program = program
        with theirs:
            variables = os.environ | {"LD_PRELOAD": preloaded, "HETERODYNE_WARM_START": str(theirs.fileno())}
            self._process = subprocess.Popen([program], env=variables, pass_fds=[theirs.fileno()])

    def close(self) -> None:
        self._socket.close()
        self._process.wait()

    def run(self, words: list[str], folder: str, variables: dict[str, str], streams: list[IO], seconds: float) -> int:
        """As subprocess.Popen(...).wait(seconds) with these streams as stdin, stdout and stderr: the exit code, or minus
        the signal that ended it; subprocess.TimeoutExpired when it takes longer, and then it is killed."""
        texts = [folder, str(len(words) + 1), self._program, *words, *(f"{k}={v}" for k, v in variables.items())]
        rights = array.array("i", [stream.fileno() for stream in streams])
        self._socket.settimeout(seconds)
        self._socket.sendmsg([b"".join(os.fsencode(text) + b"\0" for text in texts)],
                             [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        number = self._answer()
        try:
            return os.waitstatus_to_exitcode(self._answer())
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            self._socket.settimeout(None)
            self._answer()
            raise subprocess.TimeoutExpired([self._program, *words], seconds)

    def _answer(self) -> int:
        data = self._socket.recv(4)
        assert data, f"{self._program}: it ended when it should have waited for commands"
        return struct.unpack("i", data)[0]
