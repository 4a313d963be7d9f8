"""Run many random programs on the back ends: `python -m tests.jit.soak FIRST COUNT [--jobs N]`.

One of the back ends is the reference interpreter of the IR. A program counts as equal if value and
gradients are within 1e-10 relative of the eager engine's, for two sets of numbers. Other programs
are counted by what rounding does to them:

- "ill-conditioned": it alone moves the eager result by more than that, as is found by running it
  on parameters moved by one part in 1e15.
- "cancellation": the gradient is what is left of terms that cancel, and agrees within 1e-12 of
  their absolute sum. (A sum's rounding error is bounded by that: Higham, Accuracy and Stability of
  Numerical Algorithms, section 4.2.)
- "sign of zero": it divides by a sum that is exactly 0. Arrays add up in another order, and -0.0
  may be 0.0 there, so that infinities have another sign, become NaN, or are squashed to 0 or 1.
- "NaN loss": the loss itself is NaN, and a gradient is infinite in one and NaN in the other. Equal
  nodes are computed once, so 0 * inf + 1 * inf may become (0 + 1) * inf.

All others are wrong: they are made smaller, a step or a difficulty at a time, as long as they stay
wrong, and printed with what reproduces them (`--show SEED`); the smallest come last, again.
"""

import argparse
import ast
import math
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from autograd import Value, jit, topological_order
from tests.jit import interpreter
from tests.jit.programs import Cut, Program, disagreement, outcome, random_program, smaller

FINE = ("equal", "ill-conditioned", "cancellation", "sign of zero", "NaN loss")
BACKENDS = ("numpy", "python", interpreter.NAME)
CHUNK, PATIENCE, SHOWN = 50, 30, 10  # programs, seconds for a program, the smallest failures


@dataclass
class Failure:
    seed: int
    backend: str
    verdict: str
    cut: Cut
    size: int  # steps and difficulties left

    def __str__(self) -> str:
        program = random_program(self.seed, self.cut)
        again = f'--show {self.seed} --backends {self.backend} --cut "{written(self.cut)}"'
        return f"{self.verdict}\n    {program}\n    {again}"


def compare(seed: int, backend: str = "numpy", cut: Cut | None = None) -> str:
    """One of FINE, or what differs."""
    interpreter.install()
    program = random_program(seed, cut)
    compiled, verdict = jit(program.f, backend=backend), "equal"
    for k in (0, 1):
        found = verdict_of(program, compiled, k)
        if found not in FINE:
            return f"seed {seed}, {backend}: {found}"
        verdict = found if found != "equal" else verdict
    if compiled.stats["programs"] != 1 and not program.changes:
        return f"seed {seed}, {backend}: traced again for new numbers"
    return verdict


def verdict_of(program: Program, compiled: Any, k: int) -> str:
    arguments = program.arguments(k)
    eager = outcome(program.f, arguments, program.trained)
    found = outcome(compiled, arguments, program.trained)
    error = disagreement(found, eager)
    if error <= 1e-10:
        return "equal"
    if error == math.inf and nan_with_nan(found, eager):
        return "NaN loss"
    if moves(program, arguments, eager) * 1e4 > error:
        return "ill-conditioned"
    arguments = program.arguments(k)
    if cancels(program.f(*arguments), program.trained, found, eager):
        return "cancellation"
    if divides_by_zero(program.f(*program.arguments(k, traced=True))):
        return "sign of zero"
    return f"relative error {error:.2g}"


def moves(program: Program, arguments: Any, eager: list[float]) -> float:
    """How far the eager result goes if the parameters move by a few parts in 1e16."""
    trained, largest = program.trained, 0.0
    data = [p.data for p in trained]
    for sign in (1, -1):
        for i, x in enumerate(data):
            trained[i].data = x * (1 + sign * 3e-16 * (i + 1))
        moved = outcome(program.f, arguments, trained)
        largest = max(largest, disagreement(moved, eager))
    return largest


def nan_with_nan(found: list[float], eager: list[float]) -> bool:
    """Both losses are NaN, and the gradients agree as far as they are finite."""
    return all(map(math.isnan, (found[0], eager[0]))) and all(
        abs(a - b) <= 1e-10 * abs(b) if math.isfinite(b) else not math.isfinite(a)
        for a, b in zip(found, eager)
    )


def cancels(root: Any, parameters: list[Value], found: list[float], eager: list[float]) -> bool:
    """The losses agree, and the gradients as far as their terms, |dy/dv| along each path, allow."""
    sizes = {id(root): 1.0}
    for v in reversed(topological_order(root)):
        for parent, partial in zip(v.parents, v.partials):
            term = abs(sizes[id(v)] * partial)
            sizes[id(parent)] = sizes.get(id(parent), 0.0) + term
    bounds = [abs(root.data) * 1e-10, *[1e-12 * sizes.get(id(p), 0.0) for p in parameters]]
    return all(abs(a - b) <= bound for a, b, bound in zip(found, eager, bounds))


def divides_by_zero(root: Any) -> bool:
    """Here, in a derivative, or among the plain numbers: then a zero's sign decides the result."""
    return any(
        v.parents[-1 if v.op == "/" else 0].data == 0.0
        if v.op in ("/", "**", "log", "sqrt")
        else not v.parents and math.isinf(v.data)
        for v in topological_order(root)
    )


class TookTooLong(Exception):
    pass


def judged(seed: int, backend: str, cut: Cut | None = None) -> str:
    """As `compare`, but an exception is a verdict, and so is a program that takes too long."""

    def stop(*_: Any) -> None:
        raise TookTooLong(f"more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        return compare(seed, backend, cut)
    except Exception as error:  # a soak goes on, and reports
        return f"seed {seed}, {backend}: {type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def shrunk(seed: int, backend: str, verdict: str, cut: Cut) -> Failure:
    """The same failure with as little of its program as keeps it wrong."""
    shrinking = True
    while shrinking:
        shrinking = False
        for candidate in smaller(random_program(seed, cut)):
            found = judged(seed, backend, candidate)
            if found not in FINE and kind_of(found) == kind_of(verdict):
                cut, verdict, shrinking = candidate, found, True
                break
    size = len(random_program(seed, cut).steps) + cut.structures + cut.hidden + cut.endings
    return Failure(seed, backend, verdict, cut, size)


def kind_of(verdict: str) -> str:
    """What went wrong, without numbers: the words after the seed and the back end."""
    what = verdict.partition(": ")[2]
    return "relative error" if what.startswith("relative error") else what[:60]


def soak(seeds: range, backends: list[str], cut: Cut) -> tuple[Counter[str], list[Failure]]:
    tally: Counter[str] = Counter()
    failures = []
    for seed in seeds:
        for backend in backends:
            verdict = judged(seed, backend, cut)
            if verdict not in FINE:
                failures.append(shrunk(seed, backend, verdict, cut))
                verdict = f"wrong: {kind_of(verdict)}"
            tally[f"{backend}: {verdict}"] += 1
    return tally, failures


def written(cut: Cut) -> str:
    return str((cut.steps, cut.structures, cut.hidden, cut.endings))


def chunks(seeds: range) -> Iterator[range]:
    for i in range(0, len(seeds), CHUNK):
        yield seeds[i : i + CHUNK]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.jit.soak", description=__doc__)
    parser.add_argument("first", type=int, nargs="?", default=0, help="the first seed")
    parser.add_argument("count", type=int, nargs="?", default=1000, help="how many")
    parser.add_argument("--backends", nargs="+", default=BACKENDS)
    parser.add_argument("--jobs", type=int, default=1, help="so many processes")
    parser.add_argument("--show", type=int, metavar="SEED", help="one program, and its verdict")
    parser.add_argument("--cut", type=ast.literal_eval, default=(), help="what is left of all")
    options = parser.parse_args()
    cut = Cut(*options.cut)
    if options.show is not None:
        print(random_program(options.show, cut))
        print(*[compare(options.show, backend, cut) for backend in options.backends], sep="\n")
        return
    seeds, tally, failures = range(options.first, options.first + options.count), Counter(), []
    with ProcessPoolExecutor(options.jobs) as pool:
        parts = [pool.submit(soak, part, options.backends, cut) for part in chunks(seeds)]
        for part in parts:
            counted, found = part.result()
            tally += counted
            failures += found
            for failure in found:
                print(failure, flush=True)
    report(seeds, tally, failures)


def report(seeds: range, tally: Counter[str], failures: list[Failure]) -> None:
    print(f"seeds {seeds[0]} to {seeds[-1]}:")
    for verdict, count in sorted(tally.items()):
        print(f"    {count:9,} {verdict}")
    if failures:
        print(f"The smallest of {len(failures)} failures:")
    for failure in sorted(failures, key=lambda f: f.size)[:SHOWN]:
        print(failure)


if __name__ == "__main__":
    main()
