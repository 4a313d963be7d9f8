"""Running a function unseen: what it changes is put back, what it prints is lost."""

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from autograd.runtime.iterators import Twins
from autograd.runtime.watch import Watch


@dataclass
class Effects:
    """What a function did besides returning. changed: names of variables, attributes and the like.
    read: iterators. drew: random numbers. printed: anything."""

    changed: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    drew: bool = False
    printed: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed or self.read or self.drew or self.printed)


@contextmanager
def transaction(watch: Watch) -> Iterator[Effects]:
    """Afterwards, whatever happened inside, all that the watch reaches is as it was before."""
    states = list(watch.states())
    twins = Twins(watch.live) if watch.iterators else None
    effects = Effects()
    try:
        with _silent(effects):
            yield effects
    finally:  # also after Ctrl-C
        if twins is not None:
            effects.read = twins.back()
        effects.changed = watch.changed()
        watch.restore()
        effects.drew = _reset(states, watch)


def _reset(states: list[Any], watch: Watch) -> bool:
    """Set the random generators back. Was anything drawn?"""
    before = pickle.dumps([state for _, state in states])
    if watch.drawn() == before:
        return False
    for put, state in states:
        put(state)
    return True


# --- standard output -------------------------------------------------------------------------

_silenced: ContextVar[Effects | None] = ContextVar("autograd.silenced", default=None)
_lock = RLock()
_users = 0  # how many silent blocks there are, in all threads


class _Output:
    """Stands in for sys.stdout while any block is silent: it swallows what is printed there."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        effects = _silenced.get()
        if effects is None:
            return int(self.stream.write(text) or 0)
        effects.printed = True
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _silent(effects: Effects) -> Iterator[None]:
    global _users
    with _lock:
        _users += 1
        if not isinstance(sys.stdout, _Output):
            sys.stdout = _Output(sys.stdout)
    token = _silenced.set(effects)
    try:
        yield
    finally:
        _silenced.reset(token)
        with _lock:
            _users -= 1
            if not _users and isinstance(sys.stdout, _Output):
                sys.stdout = sys.stdout.stream
