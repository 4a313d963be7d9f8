"""One case tried on one solution: what was observed, as plain numbers, and what is wrong in it."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from autograd.exercises import shield
from autograd.exercises.shield import Trouble
from autograd.exercises.task import Case, Outcome, Targets

MOST = 20_000  # numbers and words in one outcome; no case asks for more than a few hundred


@dataclass(frozen=True)
class Observation:
    """What a case gave: an outcome, or why there is none; and what was printed on the way."""

    outcome: Outcome | None
    trouble: Trouble | None
    printed: str


@dataclass(frozen=True)
class Answer(Observation):
    """An observation, and where it is wrong."""

    wrong: tuple[tuple[str, Any, Any], ...]  # (name, got, expected)

    @property
    def right(self) -> bool:
        return self.trouble is None and not self.wrong


def compared(observation: Observation, expected: Outcome, tolerance: float) -> Answer:
    """The observation beside what should have come out."""
    got, parts = (
        observation.outcome,
        (observation.outcome, observation.trouble, observation.printed),
    )
    if got is None:
        return Answer(*parts, ())
    names = [*expected, *(name for name in got if name not in expected)]
    pairs = [(name, got.get(name), expected.get(name)) for name in names]
    return Answer(*parts, tuple(p for p in pairs if not same(p[1], p[2], tolerance)))


def observe(case: Case, targets: Targets) -> Observation:
    """Try the case, shielded from all that the targets may do."""
    result, trouble, printed = shield.run(lambda: plain(case.run(*targets)), case.seconds)
    return Observation(None if trouble else result, trouble, printed)


def plain(x: Any) -> Any:
    """Numbers, truth, text, lists and dicts of them; anything else as a description of it."""
    return _plain(x, [MOST])


def _plain(x: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise OverflowError(f"the answer holds more than {MOST:,} numbers")
    if x is None or type(x) in (bool, str):
        return x
    if isinstance(x, Real):
        return float(x)
    if isinstance(x, dict):
        return {str(k): _plain(v, left) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(v, left) for v in x]
    return f"a {type(x).__name__}"


def same(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Is `a`, which came out, as good as `b`? (`x > 0` will do for a slope of 1 or 0.)"""
    if isinstance(a, bool) and isinstance(b, float):
        a = float(a)
    if isinstance(a, float) and isinstance(b, float):
        if math.isfinite(a) and math.isfinite(b):
            return math.fabs(a - b) <= tolerance * max(1.0, math.fabs(b))
        return a == b or (a != a and b != b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(lambda x, y: same(x, y, tolerance), a, b))
    return type(a) is type(b) and bool(a == b)
