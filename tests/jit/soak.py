"""Run many random programs on both back ends: `python -m tests.jit.soak FIRST COUNT`.

A program counts as equal if value and gradients are within 1e-10 relative of the eager engine's,
for two sets of numbers. Other programs are counted by what rounding does to them:

- "ill-conditioned": it alone moves the eager result by more than that, as is found by running it
  on parameters moved by one part in 1e15.
- "cancellation": the gradient is what is left of terms that cancel, and agrees within 1e-12 of
  their absolute sum. (A sum's rounding error is bounded by that: Higham, Accuracy and Stability of
  Numerical Algorithms, section 4.2.)
- "sign of zero": it divides by a sum that is exactly 0. Arrays add up in another order, and -0.0
  may be 0.0 there, so that infinities have another sign, become NaN, or are squashed to 0 or 1.
- "NaN loss": the loss itself is NaN, and a gradient is infinite in one and NaN in the other. Equal
  nodes are computed once, so 0 * inf + 1 * inf may become (0 + 1) * inf.
"""

import math
import sys
from collections import Counter
from typing import Any

from autograd import Value, jit, topological_order
from tests.jit.programs import disagreement, outcome, random_program

FINE = ("equal", "ill-conditioned", "cancellation", "sign of zero", "NaN loss")


def compare(seed: int, backend: str = "numpy") -> str:
    """ "equal", "ill-conditioned", or what differs."""
    f, arguments = random_program(seed)
    compiled, verdict = jit(f, backend=backend), "equal"
    for k in (0, 1):
        parameters, data, indices = arguments(k)
        eager = outcome(f, parameters, data, indices)
        found = outcome(compiled, parameters, data, indices)
        error = disagreement(found, eager)
        if error == math.inf and nan_with_nan(found, eager):
            verdict = "NaN loss"
        elif error > 1e-10:
            for sign in (1, -1):
                for i, p in enumerate(arguments(k)[0]):
                    parameters[i].data = p.data * (1 + sign * 3e-16 * (i + 1))
                moved = outcome(f, parameters, data, indices)
                if disagreement(moved, eager) * 1e4 > error:
                    verdict = "ill-conditioned"
                    break
            else:
                parameters = arguments(k)[0]
                if cancels(f(parameters, data, indices), parameters, found, eager):
                    verdict = "cancellation"
                elif divides_by_zero(f(parameters, list(map(Value, data)), indices)):
                    verdict = "sign of zero"
                else:
                    return f"seed {seed}, {backend}: relative error {error:.2g}"
    if compiled.stats["programs"] != 1:
        return f"seed {seed}, {backend}: traced again for new numbers"
    return verdict


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


def main(first: int, count: int, backends: list[str]) -> None:
    tally: Counter[str] = Counter()
    for seed in range(first, first + count):
        for backend in backends:
            try:
                verdict = compare(seed, backend)
            except Exception as error:  # a soak goes on, and reports
                verdict = f"seed {seed}, {backend}: {type(error).__name__}: {error}"
            if verdict not in FINE:
                print(verdict, flush=True)
                verdict = "wrong"
            tally[f"{backend}: {verdict}"] += 1
    print(f"seeds {first} to {first + count - 1}: {dict(tally)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or ["numpy", "python"])
