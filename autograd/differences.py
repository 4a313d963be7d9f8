"""`gradcheck`: what backpropagation says against finite differences, at a step that suits both.

The slope of `f` at x is about D(h) = (f(x + h) - f(x - h)) / 2h. Its error is about h**2 times a
derivative of third order, which a large step makes large, and eps * |f| / h from rounding, which
a small step makes large. No step suits all functions, so several are tried, each a quarter of the
one before. Two of them make a better one, (16 * D(h/4) - D(h)) / 15, whose error is about h**4
(Richardson's extrapolation). How far two such differ tells how good they are, and so what may be
asked of backpropagation: neither more nor less.
"""

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from autograd.functional import jacobian, leaves_of, map_leaves, number_of
from autograd.graph import topological_order
from autograd.recording import no_grad
from autograd.value import Constant, Value

EPSILON = sys.float_info.epsilon
TRUSTED = 1e-3  # an estimate whose error is a larger share of the slopes around does not count
Path: TypeAlias = tuple[Any, ...]
Pair: TypeAlias = tuple[float, float]


@dataclass(frozen=True, repr=False)
class GradcheckReport:
    """What `gradcheck` found; true (as in `assert`) when every derivative is right.

    input, output: where the worst derivative is (inputs[i][j] has the path (i, j)).
    analytic, numeric: what backpropagation says there, and what finite differences say.
    error: |analytic - numeric| / max(|analytic|, |numeric|). allowed: how much may be.
    count: how many derivatives were compared. reason: why it fails, if not by these numbers.
    """

    ok: bool
    input: Path
    output: Path
    analytic: float
    numeric: float
    error: float
    allowed: float
    count: int
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        place = "inputs" + "".join(f"[{i!r}]" for i in self.input)
        if self.output:
            place += " of output" + "".join(f"[{i!r}]" for i in self.output)
        numbers = (
            f"backpropagation says {self.analytic:.6g}, finite differences say "
            f"{self.numeric:.6g} (error {self.error:.1e}, allowed {self.allowed:.1e})"
        )
        if self.ok:
            return f"gradcheck passed, {self.count} compared; the worst, at {place}: {numbers}"
        return f"gradcheck FAILED at {place}: {numbers}" + f". {self.reason}" * bool(self.reason)


def gradcheck(
    f: Callable[..., Any], inputs: Any, tolerance: float = 1e-6, raises: bool = False
) -> GradcheckReport:
    """Compare the derivatives of f(*inputs) with finite differences.

    inputs: the list of f's arguments, each a number or nested lists of numbers (a single number
    may stand alone): gradcheck(f, [1.0, 2.0]) calls f(1.0, 2.0), gradcheck(f, [[1.0, 2.0]])
    calls f([1.0, 2.0]). f returns a Value or nested lists of them.
    Or the leaves that a function without arguments computes with, as in
    gradcheck(lambda: loss(model, data), model.parameters()).

    tolerance: how much of the derivative may be wrong; on top comes what rounding in f hides. If
    it hides too much to tell, the check fails, and so it does when no result depends on an input.
    raises: AssertionError with the report when the check fails. At a kink (relu at 0) the two
    rightly disagree, and where f is not finite the check fails: choose another point.
    Raises ValueError if f is random.
    """
    given = list(inputs) if isinstance(inputs, Iterable) and _is_series(inputs) else [inputs]
    subject = _Model(f, given) if _takes_nothing(f, given) else _Function(f, given)
    if not subject.numbers:
        raise ValueError("gradcheck needs at least one number among the inputs: there is none.")
    here = subject.outputs()
    for where, y in subject.results.items():
        if not math.isclose(here[where], y, rel_tol=1e-9) and y == y:
            raise ValueError(
                f"the function gave {y!r} and then, for the same inputs, {here[where]!r}: what is "
                "random or changes can't be checked. A model with Dropout wants model.eval()."
            )
    reports = [r for path in subject.numbers for r in _compared(subject, path, here, tolerance)]
    worst = max(reports, key=lambda r: (not r.ok, r.error != r.error, r.error))
    if raises and not worst.ok:
        raise AssertionError(repr(worst))
    return worst


# --- what is checked: a function of its arguments, or of the leaves that it computes with ---------


class _Function:
    """f(*arguments). numbers: the inputs by path. results: f's results by path. depends: whether
    any result depends on any input."""

    def __init__(self, f: Callable[..., Any], inputs: list[Any]) -> None:
        self.f, self.arguments = f, map_leaves(number_of, inputs)
        self.numbers: dict[Path, float] = dict(leaves_of(self.arguments))
        self.exact = dict(leaves_of(jacobian(self.watched)(self.arguments))) if self.numbers else {}

    def watched(self, arguments: list[Any]) -> Any:
        y = self.f(*arguments)
        results = dict(leaves_of(y))
        roots = [v for v in results.values() if isinstance(v, Value)]
        reached = set(topological_order(*roots))
        # A Constant is what grad and its relatives give where a derivative is the same everywhere.
        is_known = all(type(v) is Constant for v in roots)
        self.depends = is_known or not reached.isdisjoint([v for _, v in leaves_of(arguments)])
        self.results = {path: number_of(v) for path, v in results.items()}
        return y

    def slope(self, where: Path, path: Path) -> float:
        return number_of(self.exact[where + path])

    def outputs(self, at: Path | None = None, x: float = 0.0) -> dict[Path, float]:
        """f's results; with x in the place of the number at a path."""
        paths = iter(self.numbers)

        def moved(old: float) -> Value:
            return Value(x if next(paths) == at else old)

        with no_grad():
            results = self.f(*map_leaves(moved, self.arguments))
        return {path: number_of(y) for path, y in leaves_of(results)}


class _Model:
    """The same for f(), which computes with these leaves."""

    def __init__(self, f: Callable[[], Any], leaves: list[Value]) -> None:
        self.f, self.leaves = f, leaves
        self.numbers: dict[Path, float] = {(i,): v.data for i, v in enumerate(leaves)}
        loss = f()
        if not isinstance(loss, Value):
            raise TypeError(f"the function must return one Value, not {loss!r:.60}")
        order = topological_order(loss)
        before = {v: v.grad for v in (*order, *leaves)}
        for v in before:
            v.grad = 0.0
        try:
            loss.backward()
            self.slopes = [v.grad for v in leaves]
        finally:
            for v, grad in before.items():
                v.grad = grad
        self.results: dict[Path, float] = {(): loss.data}
        self.depends = any(self.slopes) or not set(leaves).isdisjoint(order)

    def slope(self, where: Path, path: Path) -> float:
        return self.slopes[path[0]]

    def outputs(self, at: Path | None = None, x: float = 0.0) -> dict[Path, float]:
        leaf = self.leaves[at[0] if at else 0]
        earlier = leaf.data
        leaf.data = x if at else earlier
        try:
            with no_grad():
                return {(): number_of(self.f())}
        finally:
            leaf.data = earlier


def _is_series(inputs: Any) -> bool:
    """Is it the list of arguments? (An array and a dict are one argument.)"""
    return not (hasattr(inputs, "shape") or isinstance(inputs, dict | str | Value))


def _takes_nothing(f: Callable[..., Any], inputs: list[Any]) -> bool:
    """Do we have a function without arguments, and leaves for it to compute with?"""
    if not inputs or not all(isinstance(v, Value) for v in inputs):
        return False
    try:
        return not inspect.signature(f).parameters
    except (TypeError, ValueError):  # a built-in
        return False


# --- finite differences ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A slope, how wrong it may be, and the steepest slope that was seen around."""

    slope: float
    error: float
    around: float


def _compared(
    subject: _Function | _Model, path: Path, here: dict[Path, float], tolerance: float
) -> list[GradcheckReport]:
    """A report for each result of f, on its derivative in the number at `path`."""
    x, seen = subject.numbers[path], dict[float, tuple[dict[Path, float], ...]]()
    reports: list[GradcheckReport] = []
    for steps in (_first_steps(x), _all_steps(x)):  # most often the first few will do
        for h in steps:
            if h not in seen:
                seen[h] = (subject.outputs(path, x + h), subject.outputs(path, x - h))
        reports = []
        for where, y in here.items():
            pairs = [(above[where], below[where]) for above, below in map(seen.__getitem__, steps)]
            found = _estimate(x, y, steps, pairs)
            reports.append(_judged(subject, where, path, found, tolerance, len(here)))
        if all(r.ok and r.allowed <= 2 * tolerance for r in reports):
            break
    return reports


def _first_steps(x: float) -> list[float]:
    size = math.ldexp(1.0, math.frexp(x)[1]) if x else 1.0
    return [size * 2.0**-8, size * 2.0**-10, size * 2.0**-12]


def _all_steps(x: float) -> list[float]:
    """From as large as x, or 1, down to where x + h is hardly another number than x."""
    h = math.ldexp(1.0, math.frexp(max(abs(x), 1.0))[1] - 1)
    smallest = max(1e-9 * min(abs(x), 1.0) or 1e-15, 64 * EPSILON * abs(x))
    steps = [h]
    while steps[-1] > smallest:
        steps.append(steps[-1] / 4)
    return steps


def _estimate(x: float, y: float, steps: Sequence[float], pairs: Sequence[Pair]) -> Estimate:
    """The best slope that f(x + h) and f(x - h), a pair for each step, give; y is f(x)."""
    if all(a == b == y for a, b in pairs):
        return Estimate(0.0, 0.0, 0.0)
    slopes, rounding = [], []
    for h, (a, b) in zip(steps, pairs):
        slopes.append((a - b) / ((x + h) - (x - h)))
        rounding.append(4 * EPSILON * max(abs(a), abs(b)) / h)
    better = [q + (q - p) / 15 for p, q in zip(slopes, slopes[1:])]
    around, wobble = _surroundings(x, y, steps, pairs)
    best = Estimate(math.nan, math.inf, around)
    for slope, next_one, noise in zip(better, better[1:], rounding[1:]):
        error = abs(slope - next_one) + noise + wobble
        if error <= best.error and math.isfinite(slope):  # never for NaN
            best = Estimate(slope, error, around)
    return best


def _surroundings(
    x: float, y: float, steps: Sequence[float], pairs: Sequence[Pair]
) -> tuple[float, float]:
    """The steepest slope that the steps show clearly, above their rounding; and how much a slope
    moves because x is rounded in what f computes from it: about eps * x * the second derivative.
    """
    around = wobble = 0.0
    for h, (a, b) in zip(steps, pairs):
        clear = 40 * EPSILON * max(abs(a), abs(y), abs(b))
        rise, bend = max(abs(a - y), abs(b - y)), abs(a - 2 * y + b)
        if clear < rise < math.inf:
            around = max(around, rise / h)
        if clear < bend < math.inf:
            wobble = max(wobble, 4 * EPSILON * (abs(x) / h) * (bend / h))
    return around, wobble


def _judged(
    subject: _Function | _Model,
    where: Path,
    path: Path,
    found: Estimate,
    tolerance: float,
    count: int,
) -> GradcheckReport:
    exact, slope = subject.slope(where, path), found.slope
    size = max(abs(exact), abs(slope))
    gap = abs(exact - slope)
    hidden = found.error / size if size else 0.0
    error, allowed = gap / size if size else gap, tolerance + hidden
    reason = ""
    if not subject.depends:
        reason = (
            "No result depends on an input: compute with the arguments themselves, not with "
            ".data, detach() or math"
        )
    elif found.error > TRUSTED * max(size, found.around):
        reason = "Rounding in f hides the slope: leave out large constants, or scale the inputs"
    ok = error <= allowed and not reason  # False for NaN
    count *= len(subject.numbers)
    return GradcheckReport(ok, path, where, exact, slope, error, allowed, count, reason)
