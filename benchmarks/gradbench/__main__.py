"""`python -m benchmarks.gradbench`: answers GradBench's messages, lines of JSON on standard input,
until they end. `--backend eager` does without autograd.jit, `--backend python` without NumPy."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterable
from typing import Any, TextIO

from benchmarks.gradbench.functions import FUNCTIONS, Run


def answer(message: Any, backend: str = "numpy") -> dict[str, Any]:
    """The response to one message. An error is an answer, too: a benchmark goes on."""
    respond = {"start": start, "define": define, "evaluate": evaluate}.get(message["kind"])
    return {"id": message["id"]} | (respond(message, backend) if respond else {})


def start(message: Any, backend: str) -> dict[str, Any]:
    return {"tool": "glassgrad", "config": {"backend": backend}}


def define(message: Any, backend: str) -> dict[str, Any]:
    if message["module"] in FUNCTIONS:
        return {"success": True}
    there = ", ".join(FUNCTIONS)
    return {"success": False, "error": f"no module {message['module']!r}; there are {there}"}


def evaluate(message: Any, backend: str) -> dict[str, Any]:
    try:
        make, given = FUNCTIONS[message["module"]][message["function"]], message["input"]
        runs, seconds = (given.get(key, 0) if isinstance(given, dict) else 0
                         for key in ("min_runs", "min_seconds"))  # fmt: skip
        output, timings = repeated(make(given, backend), runs, seconds)
    except Exception:
        return {"success": False, "error": traceback.format_exc()}
    return {"success": True, "output": output, "timings": timings}


def repeated(run: Run, runs: int, seconds: float) -> tuple[Any, list[dict[str, Any]]]:
    """So many runs at least, and for so long; one in any case. The first one compiles."""
    timings: list[dict[str, Any]] = []
    spent = 0
    while not timings or len(timings) < runs or spent < seconds * 1e9:
        before = time.perf_counter_ns()
        output = run()
        elapsed = time.perf_counter_ns() - before
        timings.append({"name": "evaluate", "nanoseconds": elapsed})
        spent += elapsed
    return output, timings


def serve(lines: Iterable[str], out: TextIO, backend: str) -> None:
    for line in lines:
        print(json.dumps(answer(json.loads(line), backend)), file=out, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gradbench", description=__doc__)
    parser.add_argument("--backend", default="numpy", help='"eager", or one of autograd.jit\'s')
    serve(sys.stdin, sys.stdout, parser.parse_args().backend)
