"""A process for a student's code, as the judge sees it: asked, waited for, and ended."""

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import autograd
from autograd.exercises.outcome import Observation
from autograd.exercises.shield import Trouble
from autograd.exercises.student import MEMORY, source_of
from autograd.exercises.subject import Place
from autograd.exercises.task import Task

MOST_NEW = 128  # processes and threads that a student's code may have of its own
LONGEST = 2**22  # characters in one line of its answers


class Gone(Exception):
    """The process is no more: it ended by itself, or its time was over."""


class Process:
    """`with Process(seconds) as process:` and nothing of it is left afterwards.

    seconds: how long its answers may be waited for, all together; what the judge does in between
    is not counted. files: for how many files that is allowed, one after another (`left` is set
    anew for each).
    """

    def __init__(self, seconds: float, files: int = 1) -> None:
        self.seconds = self.left = seconds
        self.most = int(seconds * files) + 2
        self.gone = False
        self.text = ""  # of the file that is loaded

    def __enter__(self) -> "Process":
        self.folder = TemporaryDirectory(prefix="student-", ignore_cleanup_errors=True)
        self.key = secrets.token_hex(16)
        names = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self.folder.name)
        limits = MEMORY, _threads_of_mine() + MOST_NEW, self.most
        self.child = subprocess.Popen(
            [sys.executable, "-m", "autograd.exercises.student", *map(str, limits)],
            cwd=Path(autograd.__file__).parent.parent,
            env={**os.environ, **names, "GLASSGRAD_STUDENT": self.key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        _end_group(self.child)
        _end_strays(self.key)
        self.child.wait()
        assert self.child.stdin
        with suppress(OSError):  # what was still to be written finds no reader
            self.child.stdin.close()
        self.folder.cleanup()

    def _listen(self) -> None:
        """Into a queue, since only a queue can be waited for a given time on every system."""
        assert self.child.stdout
        with self.child.stdout as stdout:
            while line := stdout.readline(LONGEST):
                self.lines.put(line)
        self.lines.put(None)

    def ask(self, what: str, *details: object) -> dict[str, Any]:
        """Its answer. Raises Gone if there is none, or none in time."""
        number = secrets.token_hex(8)  # so that an answer cannot be there before the question
        question = json.dumps({"number": number, "do": what, "with": details})
        assert self.child.stdin
        try:
            self.child.stdin.write(question.encode() + b"\n")
            self.child.stdin.flush()
        except OSError:
            raise self._ended() from None
        while True:
            reply = _read(self._next_line())
            if reply.get("to") == number:
                return reply

    def _next_line(self) -> bytes:
        start = time.monotonic()
        try:
            line = self.lines.get(timeout=max(self.left, 0.0))
        except queue.Empty:
            self.gone = True
            text = f"it was still running after {self.seconds:g} s"
            raise Gone(f"{text}, so there must be an endless loop") from None
        finally:
            self.left -= time.monotonic() - start
        if line is None:
            raise self._ended()
        return line

    def _ended(self) -> Gone:
        self.gone = True
        return Gone(f"Python itself ended (status {self.child.wait()}) while it ran")

    def load(self, path: Path) -> dict[str, Any]:
        """Let it run the file."""
        with suppress(OSError, ValueError):  # the process will say what is wrong with it
            self.text = source_of(path)
        return self.ask("load", str(path.resolve()))

    # What the judge asks of a subject:

    def source(self) -> str:
        return self.text

    def begin(self, task: Task, seed: int) -> str:
        return str(self.ask("begin", str(task.folder), seed).get("refused", ""))

    def answer(self, place: Place) -> Observation:
        reply = self.ask("answer", *place)
        trouble, outcome = reply.get("trouble"), reply.get("outcome")
        text = str(reply.get("printed", ""))
        if isinstance(trouble, dict):
            parts = [str(trouble.get(name, "")) for name in ("kind", "text", "where", "code")]
            return Observation(None, Trouble(*parts), text)
        return Observation(outcome if isinstance(outcome, dict) else {}, None, text)


def _read(line: bytes) -> dict[str, Any]:
    """The line as an answer; {} if it is none, whoever wrote it."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return reply if isinstance(reply, dict) else {}


# --- the end ------------------------------------------------------------------------------------


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """The process, and those that it started."""
    if os.name == "nt":
        tree: Sequence[str] = ("taskkill", "/F", "/T", "/PID", str(child.pid))
        subprocess.run(tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return
    try:
        os.killpg(child.pid, signal.SIGKILL)  # its session is its group: nobody else is in it
    except (ProcessLookupError, PermissionError):
        child.kill()


def _end_strays(key: str) -> None:
    """Those that left the group: on Linux they still carry the key in their environment."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"GLASSGRAD_STUDENT={key}".encode() in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except OSError:  # another user's, or just gone
            pass


def _threads_of_mine() -> int:
    """Processes and threads of this user, as the system's limit counts them; many, if unknown."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == os.getuid():
                count += len(list((entry / "task").iterdir()))
        except OSError:
            pass
    return count or 4096
