"""Who takes part: one entry each. `build(workload, numbers)` returns the step to be timed."""

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import recurrences
from benchmarks.naive import PROGRAMS
from benchmarks.scalar import Step


@dataclass(frozen=True)
class Participant:
    name: str
    build: Callable[[str, Any], Step]
    collector: bool = True  # whether Python's garbage collector runs
    tolerance: float = 1e-9  # how near its losses must be to the first participant's
    without: tuple[str, ...] = ()  # workloads that it has no program for, or no use
    threads: int = 1
    compiles: bool = False  # the first call makes a program: measured in fresh processes
    needs: str = ""  # a package, or "C" for a compiler of that language

    def missing(self) -> str:
        """What must be installed before it can take part, or ""."""
        if self.needs == "C":
            found = any(map(shutil.which, ("cc", "gcc", "clang")))
            return "" if found else "a C compiler (cc, gcc or clang)"
        return self.needs if self.needs and not importlib.util.find_spec(self.needs) else ""


def _layers(workload: str, numbers: Any) -> Step:
    from benchmarks import ours

    return ours.build(workload, numbers)


def _jitted(**options: Any) -> Callable[[str, Any], Step]:
    def build(workload: str, numbers: Any) -> Step:
        from benchmarks import jitted

        return jitted.build(workload, numbers, **options)

    return build


def _jax(workload: str, numbers: Any) -> Step:
    from benchmarks import jax_arrays

    return jax_arrays.build(workload, numbers)


def _c(workload: str, numbers: Any) -> Step:
    from benchmarks import c_by_hand

    return c_by_hand.build(workload, numbers)


def _numpy(workload: str, numbers: Any) -> Step:
    from benchmarks import numpy_by_hand

    return numpy_by_hand.build(workload, numbers)


def _by_hand(workload: str, numbers: Any) -> Step:
    from autograd import Value, exp, log
    from benchmarks.scalar import Kit

    return Kit(Value, exp, log).build(workload, numbers)


def _micrograd(workload: str, numbers: Any) -> Step:
    from benchmarks.peers import micrograd

    return micrograd().build(workload, numbers)


def _microgpt_style(workload: str, numbers: Any) -> Step:
    from benchmarks.peers import microgpt_style

    return microgpt_style().build(workload, numbers)


def _torch(dtype: str) -> Callable[[str, Any], Step]:
    def build(workload: str, numbers: Any) -> Step:
        from benchmarks import tensors

        return tensors.build(workload, numbers, dtype)

    return build


LAYERS, BY_HAND = "glassgrad, nn's layers", "glassgrad, sums by hand"
JIT, NATIVE, JAX = "glassgrad, jit", "glassgrad, jit to machine code", "JAX, jit"
IN_TIME = tuple(recurrences.PROGRAMS)
NAIVE = tuple(PROGRAMS)  # those without nn, IN_TIME among them
NETWORKS = ("moons", "digits", "gpt", "conv", "rnn", "big", "digits-128", "rnn-100", "big-32")
C_LACKS = ("gpt", "conv", "big", "big-32", "mixture", "lstm", "bundle", "rosenbrock", "chain")
C_LACKS += tuple(name for name in IN_TIME if name != "lotka-volterra")
NUMPY_LACKS = ("chain", "lstm", "bundle", "lotka-volterra", "hmm", "kalman")
OUT_OF_REACH = ("digits-128", "big-32", "rnn-100")  # minutes a step, or more memory than there is
PEERS_LACK = (*NAIVE, *OUT_OF_REACH)
PARTICIPANTS = [
    Participant(BY_HAND, _by_hand, without=("big-32",)),
    Participant(LAYERS, _layers, without=("chain", *NAIVE)),
    Participant(JIT, _jitted(), without=("chain",), compiles=True, needs="numpy"),
    Participant(
        NATIVE,
        _jitted(backend="native"),
        without=("chain",),
        compiles=True,
        needs="llvmlite",
    ),
    Participant(
        "glassgrad, jit to Python",
        _jitted(backend="python"),
        without=tuple(n for n in (*NETWORKS, *NAIVE, "chain") if n not in IN_TIME),
        compiles=True,
        needs="numpy",  # of the benchmark, not of the program
    ),
    Participant("NumPy by hand, float64", _numpy, without=NUMPY_LACKS, needs="numpy"),
    Participant("C by hand, gcc -O3", _c, without=C_LACKS, needs="C"),
    Participant(JAX, _jax, without=("chain",), compiles=True, needs="jax"),
    Participant("micrograd, as shipped", _micrograd, without=PEERS_LACK, needs="micrograd"),
    Participant("micrograd, collector off", _micrograd, False, 1e-9, PEERS_LACK, needs="micrograd"),
    Participant("microgpt-style Value", _microgpt_style, without=PEERS_LACK),
    Participant("microgpt-style, collector off", _microgpt_style, False, without=PEERS_LACK),
]
for threads in (1, 2):
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-4)):
        PARTICIPANTS.append(
            Participant(
                f"PyTorch {dtype}, {threads} thread{'s' * (threads > 1)}",
                _torch(dtype),
                tolerance=tolerance,
                # Small arrays, one after the other: there is nothing to do for a second thread.
                without=("chain", *NAIVE) if threads > 1 else (),
                threads=threads,
                needs="torch",
            )
        )
