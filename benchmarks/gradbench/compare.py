"""`python -m benchmarks.gradbench.compare`: GradBench's gradients at small sizes, beside PyTorch
and JAX where they have array programs for them; all answers are compared. Markdown on the way out.

All in one process, one after the other: the first call, which compiles where something is
compiled, and the median of those that follow in half a second. `--only MODULE ...` chooses.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.gradbench import inputs
from benchmarks.gradbench.functions import FUNCTIONS, Run
from benchmarks.scalar import leaves

SECONDS, TOLERANCE = 0.5, 1e-8
OURS = {"eager": "glassgrad, eager", "numpy": "glassgrad, jit", "python": "glassgrad, to Python"}
ROWS: list[tuple[str, str, Callable[[], Any]]] = [  # module, what is differentiated, its input
    ("det", "ell=5", lambda: inputs.det(5)),
    ("det", "ell=7", lambda: inputs.det(7)),
    ("llsq", "n=64, m=128", lambda: inputs.llsq(64)),
    ("lse", "n=2500", inputs.lse),
    ("ode", "n=50, s=20", lambda: inputs.ode(50, 20)),
    ("kmeans", "k=10, n=200, d=8", lambda: inputs.kmeans(10, 200)),
    ("gmm", "d=2, k=5, n=1000", inputs.gmm),
    ("lstm", "l=2, c=64", lambda: inputs.lstm(2, 64)),
    ("ba", "n=49, m=100, p=300", inputs.ba),
    ("ht", "20 points", inputs.ht),
    ("saddle", "rr", lambda: {"start": [1.0, 1.0]}),
    ("particle", "rr", lambda: {"w": 0.0}),
]
NAMES = {"kmeans": "dir", "gmm": "jacobian", "lstm": "jacobian", "ba": "jacobian"}
NAMES |= {"ht": "jacobian", "saddle": "rr", "particle": "rr"}  # the others: gradient
TRAINED = {"llsq": ("x",), "lse": ("x",), "ode": ("x",), "gmm": ("alpha", "mu", "q", "l")}
TRAINED |= {"lstm": ("main_params", "extra_params"), "kmeans": ("centroids",)}
NOT_COMPILED = ("kmeans", "saddle", "particle")  # a derivative inside of what is differentiated


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gradbench.compare")
    parser.add_argument("--only", nargs="+", choices=sorted(FUNCTIONS), help="these modules")
    options = parser.parse_args()
    columns = [*OURS.values(), "PyTorch", "JAX, jit"]
    print(f"| | | {' | '.join(columns)} |\n|-|-|{'-:|' * len(columns)}", flush=True)
    for module, size, make in ROWS:
        if module in (options.only or FUNCTIONS):
            measured = measure(module, make())
            cells = [measured.get(column, "–") for column in columns]
            print(f"| {module} | {size} | {' | '.join(cells)} |", flush=True)


def measure(module: str, given: Any) -> dict[str, str]:
    """{who: "first call, then median"}; raises ValueError where the answers differ."""
    found, expected = {}, None
    for who, run in participants(module, given).items():
        found[who], answer = timed(run)
        numbers = [float(x) for x in leaves(answer)]
        expected = expected or numbers
        if not close(numbers, expected):
            raise ValueError(f"{module}: {who} has another answer")
    return found


def participants(module: str, given: Any) -> dict[str, Run]:
    make = FUNCTIONS[module][NAMES.get(module, "gradient")]
    backends = ["eager"] if module in NOT_COMPILED else list(OURS)
    runs = {OURS[backend]: make(given, backend) for backend in backends}
    if module not in TRAINED:
        return runs
    params = {key: given[key] for key in TRAINED[module]}
    if importlib.util.find_spec("torch"):
        from benchmarks.gradbench import torch_programs

        runs["PyTorch"] = torch_programs.gradient(module, params, given)
    if importlib.util.find_spec("jax"):
        from benchmarks.gradbench import jax_programs

        runs["JAX, jit"] = jax_programs.gradient(module, params, given)
    return runs


def timed(run: Run) -> tuple[str, Any]:
    start = time.perf_counter()
    answer = run()
    first, times = time.perf_counter() - start, []
    while sum(times) < SECONDS and first < 10 * SECONDS:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    text = f"{first * 1e3:.3g} ms"
    return text + (f", then {statistics.median(times) * 1e3:.3g} ms" if times else ""), answer


def close(found: list[float], expected: list[float]) -> bool:
    scale = max(map(abs, expected))
    return len(found) == len(expected) and all(
        abs(a - b) <= TOLERANCE * scale for a, b in zip(found, expected)
    )


if __name__ == "__main__":
    main()
