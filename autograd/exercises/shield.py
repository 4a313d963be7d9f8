"""Run what a student wrote so that nothing in it can hang, stop, fool or spoil the checker.

In a notebook the student's class lives in our own process, so the shield is made of a timer, a
net under every exception, captured printing, and a comparison of the world before and after. A
student's file is, besides, run in a process of its own (see `files.py`), which can be ended.
"""

import builtins
import io
import linecache
import math
import operator
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

import autograd
from autograd import graph, ops, value

TODO, ENDLESS, EXIT, ERROR, TAMPERED = "todo", "endless", "exit", "error", "tampered"


@dataclass(frozen=True)
class Trouble:
    """Why there is no outcome: its kind (one of the words above) and a sentence."""

    kind: str
    text: str
    where: str = ""  # in the student's code: "line 5, in Value.__init__"
    code: str = ""  # that line, if it can be found


class _TooLong(BaseException):  # not an Exception: `except Exception` must not catch it
    pass


def run(function: Callable[[], Any], seconds: float) -> tuple[Any, Trouble | None, str]:
    """Call `function`: (its result, what went wrong or None, what it printed)."""
    printed = io.StringIO()
    world = _World(printed)
    result, trouble = None, None
    try:
        with _time_limit(seconds), _nobody_peeks():
            result = function()
    except _TooLong:
        trouble = Trouble(ENDLESS, f"it was still running after {seconds:g} s")
    except SystemExit:
        trouble = Trouble(EXIT, "it called exit(): a solution returns instead of ending Python")
    except NotImplementedError as error:
        trouble = Trouble(TODO, _words(error), *_line(error))
    except RecursionError as error:
        text = "RecursionError: a function went on calling itself"
        trouble = Trouble(ERROR, text, *_line(error))
    except KeyboardInterrupt:  # of whoever waits for the answer
        world.restore()
        raise
    except BaseException as error:
        trouble = Trouble(ERROR, _words(error), *_line(error))
    changed = world.restore()
    if changed:
        trouble = Trouble(TAMPERED, f"it changed {', '.join(changed)}, which others use as well")
    return result, trouble, printed.getvalue()[-2000:]


def _words(error: BaseException) -> str:
    """The error as Python shows it. Its `__str__` may be the student's, and wrong as well."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        return f"{name}, whose text cannot be shown: its __str__ raises"
    return f"{name}: {text[:2000]}" if text else name


def _line(error: BaseException) -> tuple[str, str]:
    """Where the student's code failed, the innermost frame that is not ours, and the line there."""
    where, line, trace = "", "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.split(".")[0] not in ("autograd", "nn") and code.co_filename != "<string>":
            name = getattr(code, "co_qualname", code.co_name)  # Python 3.10 has no qualname
            where = f"line {trace.tb_lineno}, in {re.sub(r'[.]<[a-z]+>', '', name)}"
            line = linecache.getline(code.co_filename, trace.tb_lineno).strip()
        trace = trace.tb_next
    return where, line


# --- time ---------------------------------------------------------------------------------------


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise _TooLong in the code inside after `seconds`, even if that code catches everything."""

    def bomb(frame: FrameType, event: str, arg: Any) -> Any:
        module = str(frame.f_globals.get("__name__"))
        if module == "contextlib" or is_ours(module):
            return None  # our own cleaning up must not be disturbed
        if event == "line":
            raise _TooLong
        return bomb

    def ring(number: int, frame: FrameType | None) -> None:
        # `while True: try ... except: pass` swallows one exception; so the next line that runs,
        # that of the `except`, must raise as well.
        sys.settrace(bomb)
        while frame is not None and frame.f_code is not run.__code__:
            frame.f_trace = bomb
            frame = frame.f_back
        raise _TooLong

    def watch(frame: FrameType, event: str, arg: Any) -> Any:
        if time.monotonic() > end:
            raise _TooLong
        return watch

    trace = sys.gettrace()
    timer = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if timer:
        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    else:
        # No alarm here (a thread, Windows, the browser): look at the clock at each line. (Before
        # Python 3.12 `while True: pass` on ONE line passes unseen; a file's own process ends it.)
        end = time.monotonic() + seconds
        sys.settrace(watch)
    try:
        yield
    finally:
        if timer:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        sys.settrace(trace)


# --- the world before and after -----------------------------------------------------------------

_GUARDED = {  # what the checker and the next solution rely on
    "math": math,
    "builtins": builtins,
    "operator": operator,
    "autograd": autograd,
    "autograd.ops": ops,
    "autograd.value": value,
    "autograd.graph": graph,
    "autograd.Value": autograd.Value,
    "autograd.ops.Op": ops.Op,
}


class _World:
    """The guarded names as they are now."""

    def __init__(self, printed: io.StringIO) -> None:
        self.names = {name: dict(vars(owner)) for name, owner in _GUARDED.items()}
        self.random = random.getstate()
        self.depth = sys.getrecursionlimit()
        self.streams = sys.stdin, sys.stdout, sys.stderr
        sys.stdin = io.StringIO()
        sys.stdout = sys.stderr = printed
        # A notebook's own input() asks its page, and its own exit() ends the kernel: not here.
        builtins.input = _ask_nobody
        self.shell = getattr(builtins, "get_ipython", lambda: None)()
        if self.shell is not None:
            self.shell.ask_exit = _leave

    def restore(self) -> list[str]:
        """Undo what was changed, and name it. (Random state and recursion limit: just undo.)"""
        changed = []
        if builtins.input is _ask_nobody:
            builtins.input = self.names["builtins"]["input"]
        if self.shell is not None:
            vars(self.shell).pop("ask_exit", None)
        for name, before in self.names.items():
            owner, now = _GUARDED[name], dict(vars(_GUARDED[name]))
            if now == before:
                continue
            for key in before.keys() | now.keys():
                if before.get(key) is now.get(key) or key in _FREE:
                    continue
                if isinstance(now.get(key), ModuleType) and key not in before:
                    continue  # a submodule was imported
                changed.append(f"{name}.{key}")
                if key in before:
                    setattr(owner, key, before[key])
                else:
                    delattr(owner, key)
        random.setstate(self.random)
        sys.setrecursionlimit(self.depth)
        sys.stdin, sys.stdout, sys.stderr = self.streams
        return sorted(changed)


def _ask_nobody(prompt: object = "") -> str:
    raise EOFError("input() has nobody to ask")


def _leave() -> None:
    raise SystemExit


_FREE = ("_", "__warningregistry__", "exercises")  # Python itself, and we, write these


@contextmanager
def _nobody_peeks() -> Iterator[None]:
    """Hide this package while the student's code runs: a `check` is there, and says nothing."""
    ours = {name: module for name, module in sys.modules.items() if is_ours(name)}
    package = vars(autograd).get("exercises")
    sys.modules.update(dict.fromkeys(ours))  # type: ignore[arg-type]  # None: import raises
    sys.modules["autograd.exercises"] = vars(autograd)["exercises"] = _silent_package()
    try:
        yield
    finally:
        sys.modules.update(ours)
        if "autograd.exercises" not in ours:
            del sys.modules["autograd.exercises"]
        if package is not None:
            vars(autograd)["exercises"] = package
        else:
            del vars(autograd)["exercises"]


class _Silence:
    """What `check` gives while somebody else is checking: true, and nothing to see."""

    def __repr__(self) -> str:
        return "(not checked here)"


def _silent_package() -> ModuleType:
    """For an exported notebook that still holds its own import of `check`, and calls it."""
    package = ModuleType("autograd.exercises")
    vars(package).update({name: lambda *_, **__: _Silence() for name in ("check", "progress")})
    return package


def is_ours(name: str) -> bool:
    return name == "autograd.exercises" or name.startswith("autograd.exercises.")
