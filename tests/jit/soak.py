"""Run many random programs on both back ends: `python -m tests.jit.soak FIRST COUNT`.

A program counts as equal if value and gradients are within 1e-10 relative of the eager engine's,
for two sets of numbers. Where rounding alone moves the eager result by more than that (found by
running it on parameters moved by one part in 1e15), the program is counted as ill-conditioned.
"""

import sys
from collections import Counter

from autograd.jit import jit
from tests.jit.programs import disagreement, outcome, random_program


def compare(seed: int, backend: str = "numpy") -> str:
    """ "equal", "ill-conditioned", or what differs."""
    f, arguments = random_program(seed)
    compiled, verdict = jit(f, backend=backend), "equal"
    for k in (0, 1):
        parameters, data, indices = arguments(k)
        eager = outcome(f, parameters, data, indices)
        found = outcome(compiled, parameters, data, indices)
        error = disagreement(found, eager)
        if error > 1e-10:
            for sign in (1, -1):
                for i, p in enumerate(arguments(k)[0]):
                    parameters[i].data = p.data * (1 + sign * 3e-16 * (i + 1))
                moved = outcome(f, parameters, data, indices)
                if disagreement(moved, eager) * 1e4 > error:
                    verdict = "ill-conditioned"
                    break
            else:
                return f"seed {seed}, {backend}: relative error {error:.2g}"
    if compiled.stats["programs"] != 1:
        return f"seed {seed}, {backend}: traced again for new numbers"
    return verdict


def main(first: int, count: int, backends: list[str]) -> None:
    tally: Counter[str] = Counter()
    for seed in range(first, first + count):
        for backend in backends:
            try:
                verdict = compare(seed, backend)
            except Exception as error:  # a soak goes on, and reports
                verdict = f"seed {seed}, {backend}: {type(error).__name__}: {error}"
            if verdict not in ("equal", "ill-conditioned"):
                print(verdict, flush=True)
                verdict = "wrong"
            tally[f"{backend}: {verdict}"] += 1
    print(f"seeds {first} to {first + count - 1}: {dict(tally)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or ["numpy", "python"])
