"""The benchmarks compare what is comparable: every participant does the same work."""

import importlib.util
import random

import pytest

from benchmarks.__main__ import check_losses
from benchmarks.participants import PARTICIPANTS
from benchmarks.workloads import WORKLOADS

NEEDED = {"micrograd": "micrograd", "PyTorch": "torch"}  # not installed for the tests


def installed(name: str) -> bool:
    return all(importlib.util.find_spec(m) for word, m in NEEDED.items() if word in name)


@pytest.mark.parametrize("workload", ["moons", "gpt", "conv"])
def test_all_participants_have_the_same_losses_step_by_step(workload: str) -> None:
    if workload == "conv":
        pytest.importorskip("sklearn")
    present = [p for p in PARTICIPANTS if p.collector and workload not in p.without]
    present = [p for p in present if installed(p.name)]
    assert len(present) >= 3
    numbers = WORKLOADS[workload].make(random.Random(42))
    steps = [(p, p.build(workload, numbers)) for p in present]
    first, second = [[(p, {"loss": step()}) for p, step in steps] for _ in range(2)]
    check_losses(workload, first)
    check_losses(workload, second)
    assert second[0][1]["loss"] < first[0][1]["loss"]


def test_a_participant_that_does_other_work_stops_the_benchmark() -> None:
    p, q = PARTICIPANTS[:2]
    check_losses("moons", [(p, {"loss": 1.0}), (q, {"loss": 1.0 + 1e-12})])
    with pytest.raises(SystemExit, match=q.name):
        check_losses("moons", [(p, {"loss": 1.0}), (q, {"loss": 1.001})])


def test_the_same_numbers_come_out_of_every_run() -> None:
    make = WORKLOADS["moons"].make
    assert make(random.Random(42)) == make(random.Random(42))
    assert make(random.Random(42)) != make(random.Random(43))
