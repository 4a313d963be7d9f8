"""Who takes part: one entry each. `build(workload, numbers)` returns the step to be timed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


def _layers(workload: str, numbers: Any) -> Step:
    from benchmarks import ours

    return ours.build(workload, numbers)


def _jitted(workload: str, numbers: Any) -> Step:
    from benchmarks import jitted

    return jitted.build(workload, numbers)


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
JIT = "glassgrad, jit"
NAIVE = tuple(PROGRAMS)  # those without nn
PARTICIPANTS = [
    Participant(BY_HAND, _by_hand),
    Participant(LAYERS, _layers, without=("chain", *NAIVE)),
    Participant(JIT, _jitted, without=("chain",)),
    Participant("NumPy by hand, float64", _numpy, without=("chain", "lstm", "bundle")),
    Participant("micrograd, as shipped", _micrograd, without=NAIVE),
    Participant("micrograd, collector off", _micrograd, collector=False, without=NAIVE),
    Participant("microgpt-style Value", _microgpt_style, without=NAIVE),
    Participant("microgpt-style, collector off", _microgpt_style, collector=False, without=NAIVE),
]
for threads in (1, 2):
    without = ("chain",) if threads > 1 else ()  # scalars, one after the other
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-4)):
        name = f"PyTorch {dtype}, {threads} thread{'s' * (threads > 1)}"
        PARTICIPANTS.append(Participant(name, _torch(dtype), True, tolerance, without, threads))
