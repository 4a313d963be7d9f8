"""`python -m benchmarks`: every workload, every participant, interleaved; Markdown on the way out.

Each participant runs in a process of its own. In each round every participant has a turn, a fifth
of a second of steps (or one, if that takes longer), so that a slow moment of the machine hits them
all; the first round is one step to warm up, and is not counted. Whoever needs seconds for a step is
measured once, and whoever needs more than a turn five times. All start from the same numbers, and
the losses of the first two rounds are compared. What compiles does so in fresh processes first.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.participants import (
    BY_HAND,
    IN_TIME,
    JIT,
    LAYERS,
    NAIVE,
    PARTICIPANTS,
    Participant,
)
from benchmarks.workloads import WORKLOADS

TURN, SLOW = 0.2, 3.0  # seconds: of a turn, of a step that is made in one round only
ROUNDS, FEWER = 11, 5  # FEWER: for those whose step takes longer than a turn
FIRSTS = 3  # processes in which a first call is measured: with all, a full run takes half an hour
BASES = (BY_HAND, LAYERS, JIT)  # of the ratios
Results = dict[str, dict[str, Any]]  # workload -> participant -> what was measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small workloads, two rounds each")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, help="these workloads")
    parser.add_argument(
        "--participants", nargs="+", metavar="WORD", help="those whose names have one of the words"
    )
    parser.add_argument("--out", type=Path, help="write the report to this file, too")
    options = parser.parse_args()
    names = options.only or [n for n, w in WORKLOADS.items() if w.quick or not options.quick]
    chosen = present(options.participants or [""])
    results: Results = {}
    for name in names:
        results[name] = measure(name, chosen, 2 if options.quick else ROUNDS)
        if options.out:
            options.out.write_text(report(results), encoding="utf-8")
    print(report(results))


def present(words: list[str]) -> list[Participant]:
    """Those with one of the words in their names; who lacks something is left out with a line."""
    chosen = [p for p in PARTICIPANTS if any(w.lower() in p.name.lower() for w in words)]
    if not chosen:
        sys.exit(
            f"no participant's name has {' or '.join(words)}: {[p.name for p in PARTICIPANTS]}"
        )
    for p in chosen:
        if p.missing():
            print(f"{p.name} is left out: it needs {p.missing()}.", file=sys.stderr)
    return [p for p in chosen if not p.missing()]


def measure(workload: str, chosen: list[Participant], rounds: int) -> dict[str, Any]:
    """{participant: what `summary` says of it} for those who take part in this workload."""
    taking_part = [p for p in chosen if workload not in p.without]
    with tempfile.NamedTemporaryFile("w+") as file:
        command = [sys.executable, "-m", "benchmarks.workloads", workload]
        subprocess.run(command, stdout=file, check=True)
        # A process compiles only once; and while it does no others fill the memory.
        compiling = [p for p in taking_part if p.compiles]
        firsts = {p.name: first_calls(workload, p, file.name, rounds) for p in compiling}
        workers = {p.name: ready(workload, p, file.name) for p in taking_part}
        results = in_turns(workload, taking_part, workers, rounds)
        for worker in workers.values():
            worker.communicate()
    print(file=sys.stderr)
    for name, facts in firsts.items():
        results[name]["first"] = facts
    return results


def ready(workload: str, p: Participant, path: str) -> Any:
    """A worker that has imported all it needs, and waits."""
    command = [sys.executable, "-m", "benchmarks.worker", workload, p.name, path]
    threads = {"OMP_NUM_THREADS": str(p.threads)}  # NumPy's and PyTorch's
    threads["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"  # JAX's
    pipe, environment = subprocess.PIPE, os.environ | threads
    worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
    worker.stdout.readline()  # type: ignore[union-attr]
    return worker


def first_calls(workload: str, p: Participant, path: str, rounds: int) -> dict[str, Any]:
    """What the worker says of its first call: the median one of several processes."""
    found: list[dict[str, Any]] = []
    print(f"\r\033[K{workload}: {p.name} compiles", end="", file=sys.stderr)
    while not found or (len(found) < min(rounds, FIRSTS) and found[0].get("seconds", SLOW) < SLOW):
        worker = ready(workload, p, path)
        found.append(turn(worker, 0.0))
        worker.communicate()
    found.sort(key=lambda facts: facts.get("seconds", 0.0))
    return found[len(found) // 2]


def in_turns(
    workload: str, taking_part: list[Participant], workers: dict[str, Any], rounds: int
) -> dict[str, Any]:
    steps: dict[str, Any] = {p.name: [] for p in taking_part}
    for i in range(rounds + 1):
        for p in taking_part:
            seconds = steps[p.name][-1].get("seconds", 0.0) if i > 1 else 0.0
            if seconds > SLOW or (seconds > TURN and i > FEWER):
                continue
            print(f"\r\033[K{workload} {i}/{rounds} {p.name}", end="", file=sys.stderr)
            steps[p.name].append(turn(workers[p.name], TURN if i else 0.0))
        if i < 2:  # after that, some have made more steps than others
            check_losses(workload, [(p, steps[p.name][-1]) for p in taking_part])
    return {name: summary(facts) for name, facts in steps.items()}


def turn(worker: Any, seconds: float) -> dict[str, Any]:
    """What the worker says of its next steps; {"failed": why} if its process has died."""
    try:
        worker.stdin.write(f"{seconds}\n")
        worker.stdin.flush()
    except BrokenPipeError:
        pass
    if line := worker.stdout.readline():
        facts: dict[str, Any] = json.loads(line)
        return facts
    code = worker.wait()
    return {"failed": signal.Signals(-code).name if code < 0 else f"exit code {code}"}


def check_losses(workload: str, steps: list[Any]) -> None:
    """All do the same work only if their losses agree with the first one's."""
    finished = [(p, facts["loss"]) for p, facts in steps if "loss" in facts]
    for p, loss in finished:
        expected = finished[0][1]
        if not math.isclose(loss, expected, rel_tol=p.tolerance, abs_tol=p.tolerance):
            sys.exit(f"{workload}: {p.name} has the loss {loss}, not {expected}")


def summary(steps: list[Any]) -> dict[str, Any]:
    for facts in steps:
        if "failed" in facts:
            return dict(facts)
    times = [facts["seconds"] for facts in steps[1:]]  # the first is a warm-up
    return {
        "median": statistics.median(times),
        "fastest": min(times),
        "slowest": max(times),
        **{key: steps[-1][key] for key in steps[-1] if key not in ("seconds", "loss")},
    }


def report(results: Results) -> str:
    """The short tables, what compiling took, and then all, in Markdown."""
    networks = {name: facts for name, facts in results.items() if name not in NAIVE}
    in_time = {name: facts for name, facts in results.items() if name in IN_TIME}
    without_nn = {n: facts for n, facts in results.items() if n in NAIVE and n not in IN_TIME}
    lines = [
        "# Benchmarks",
        "",
        f"Made by `python -m benchmarks` on {machine()}.",
        "Times are medians of whole training steps: forward, backward, gradient descent.",
        "They are those of the clock on the wall; all have one thread, except where a name says 2.",
        "Rounds are interleaved: each participant, in a process of its own, makes steps for "
        f"{TURN} s (or one, if that takes longer), then it is the next one's turn; whoever "
        f"needs more than {SLOW:.0f} s for a step has one turn only. There are {ROUNDS} rounds, "
        f"{FEWER} for those whose step takes longer than a turn.",
        "All have the same numbers to start from, and their losses are compared.",
        "micrograd has no exp and log: `benchmarks/peers.py` adds them, in its style.",
        "",
        *(f"- **{name}**: {WORKLOADS[name].what}." for name in results),
        "",
    ]
    if networks:
        lines += [
            *short_table(networks),
            "",
            "† stopped with `RecursionError`; measured after raising Python's recursion limit.",
            "",
        ]
    if without_nn:
        lines += [
            "## Without nn",
            "",
            "Loops, operators and the built-in `sum`: the functions of `benchmarks/naive.py`, "
            "eager and jitted; NumPy and PyTorch run programs of their own.",
            "",
            *short_table(without_nn),
            "",
        ]
    if in_time:
        lines += [
            "## Loops in time",
            "",
            "The functions of `benchmarks/recurrences.py`, eager and jitted; NumPy, C, JAX (with "
            "`lax.scan`) and PyTorch (with a loop of Python) run programs of their own.",
            "",
            *short_table(in_time),
            "",
        ]
    lines += [
        "## Compiling",
        "",
        "The first call, the median of several fresh processes: in seconds, in eager steps of the "
        "same function, and what of it goes into tracing the function and analysing its graph, "
        "also for each scalar node (in nn's layers a node is a whole weighted sum).",
        "The source is that of a whole step; the memory is the process's peak after the first "
        "call, with all that it imports.",
        "",
        *compiling_table(results),
        "",
        "## In full",
        "",
        f"Ratios are to the same workload's {'; '.join(BASES)}: 2.0 takes twice as long.",
        "",
        *long_table(results),
    ]
    return "\n".join(lines) + "\n"


def short_table(results: Results) -> list[str]:
    lines = [f"| | {' | '.join(results)} |", "|-|" + "-:|" * len(results)]
    names = {name for by_name in results.values() for name in by_name}
    for p in [p for p in PARTICIPANTS if p.name in names]:
        cells = [short(facts.get(p.name)) for facts in results.values()]
        lines.append(f"| {p.name} | {' | '.join(cells)} |")
    return lines


def short(facts: dict[str, Any] | None) -> str:
    if facts is None:
        return "–"
    if "failed" in facts:
        return str(facts["failed"])
    return duration(facts["median"]) + " †" * facts["raised"]


def compiling_table(results: Results) -> list[str]:
    lines = [
        "| | | scalar nodes | array operations | lines of source | step | first call | eager steps "
        "| trace + analysis | a node | peak memory |",
        "|-|-|" + "-:|" * 9,
    ]
    for workload, by_name in results.items():
        for name, facts in by_name.items():
            if "first" in facts:
                cells = compiling_cells(facts, by_name.get(LAYERS) or by_name.get(BY_HAND))
                lines.append(f"| {' | '.join([workload, name, *cells])} |")
    return lines


def compiling_cells(facts: dict[str, Any], eager: dict[str, Any] | None) -> list[str]:
    first = facts["first"]
    if "failed" in first:
        return [str(first["failed"]), *[""] * 8]
    seconds, peak = first["seconds"], f"{first['peak_mb']:.0f} MB"
    times = [short(facts), duration(seconds), ratio({"median": seconds}, eager)]
    if not (stats := first.get("stats")):
        return ["–", "–", "–", *times, "–", "–", peak]
    sizes = [f"{stats['nodes']:,}", str(stats["array ops"]), str(first["lines"])]
    own = stats["trace seconds"] + stats["analysis seconds"]
    return [*sizes, *times, duration(own), duration(own / stats["nodes"]), peak]


def long_table(results: Results) -> list[str]:
    lines = [
        "| workload | | median | fastest | slowest | by hand | layers | jit | peak memory |",
        "|-|-|-:|-:|-:|-:|-:|-:|-:|",
    ]
    for workload, by_name in results.items():
        for name, facts in by_name.items():
            cells = [workload, name, short(facts)]
            if "failed" not in facts:
                cells += [duration(facts["fastest"]), duration(facts["slowest"])]
                cells += [ratio(facts, by_name.get(base)) for base in BASES]
                cells += [f"{facts['peak_mb']:.0f} MB"]
            lines.append("| " + " | ".join(cells + [""] * (9 - len(cells))) + " |")
    return lines


def ratio(facts: dict[str, Any], base: dict[str, Any] | None) -> str:
    return f"{facts['median'] / base['median']:.3g}" if base and "median" in base else "–"


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def machine() -> str:
    installed = [p for p in ("numpy", "micrograd", "torch", "jax") if importlib.util.find_spec(p)]
    packages = [f"{p} {version(p)}" for p in installed]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    chip = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{python}, {chip}, {', '.join(packages)}"


if __name__ == "__main__":
    main()
