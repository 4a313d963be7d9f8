"""The benchmarks compare what is comparable: every participant does the same work."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmarks.__main__
from autograd import Value, jit
from benchmarks import c_by_hand, naive, workloads
from benchmarks.__main__ import check_losses, compiling_table, present, summary
from benchmarks.participants import BY_HAND, IN_TIME, JAX, NATIVE, PARTICIPANTS, Participant
from benchmarks.scalar import leaves, lift
from benchmarks.workloads import WORKLOADS
from tests.jit.programs import disagreement

pytest.importorskip("numpy")
ROOT = Path(__file__).resolve().parent.parent
COMPARED = ["moons", "gpt", "conv", "mixture", "lstm", "bundle", "rosenbrock", "mlp-24"]
LARGE = ("big", "big-32", "chain")
COMPARED += [name for name in IN_TIME if name not in ("ode", "heat", "gru")]  # seconds to compile


def compare(workload: str, names: Any = None) -> None:
    """Two steps of all participants, or of those named, that can take part here."""
    if workload in ("conv", "digits"):
        pytest.importorskip("sklearn")
    present = [p for p in PARTICIPANTS if p.collector and p.threads == 1 and not p.missing()]
    present = [p for p in present if workload not in p.without and p.name in (names or p.name)]
    assert len(present) >= 2
    numbers = WORKLOADS[workload].make(random.Random(42))
    steps = [(p, p.build(workload, numbers)) for p in present]
    first, second = [[(p, {"loss": step()}) for p, step in steps] for _ in range(2)]
    check_losses(workload, first)
    check_losses(workload, second)
    assert second[0][1]["loss"] < first[0][1]["loss"]


@pytest.mark.parametrize("workload", COMPARED)
def test_participants_have_the_same_losses_step_by_step(workload: str) -> None:
    compare(workload, [p.name for p in PARTICIPANTS if p.name not in (JAX, NATIVE)])


@pytest.mark.slow
@pytest.mark.parametrize("workload", [name for name in WORKLOADS if name not in LARGE])
def test_all_participants_have_the_same_losses_step_by_step(workload: str) -> None:
    compare(workload)


def test_a_participant_that_does_other_work_stops_the_benchmark() -> None:
    p, q = PARTICIPANTS[:2]
    check_losses("moons", [(p, {"loss": 1.0}), (q, {"loss": 1.0 + 1e-12})])
    with pytest.raises(SystemExit, match=q.name):
        check_losses("moons", [(p, {"loss": 1.0}), (q, {"loss": 1.001})])


def test_the_same_numbers_come_out_of_every_run() -> None:
    make = WORKLOADS["moons"].make
    assert make(random.Random(42)) == make(random.Random(42))
    assert make(random.Random(42)) != make(random.Random(43))


MAKERS = {  # program of naive.py -> its numbers: so many points, observations or dimensions
    naive.mixture: workloads.mixture,
    naive.lstm: workloads.lstm,
    naive.bundle: lambda rng, n: workloads.bundle(rng, 4, n),
    naive.rosenbrock: workloads.rosenbrock,
    naive.mlp: workloads.moons,
}
programs = pytest.mark.parametrize("program", MAKERS, ids=lambda program: program.__name__)


def arguments(program: Any, n: int) -> Any:
    numbers = MAKERS[program](random.Random(n), n)
    return lift(numbers["params"], Value), *numbers["data"].values()


@pytest.mark.parametrize("backend", ["numpy", "python"])
@programs
def test_naive_code_has_the_same_value_and_gradients_eager_and_jitted(
    program: Any, backend: str
) -> None:
    def outcome(f: Any) -> list[float]:
        for p in leaves(params):
            p.grad = 0.0
        result = f(params, *data)
        result.backward()
        return [result.data, *[p.grad for p in leaves(params)]]

    params, *data = arguments(program, 6)
    eager = outcome(program)
    assert len({g for g in eager if g}) > 5
    assert disagreement(outcome(jit(program, backend=backend)), eager) < 1e-10


def test_who_lacks_something_is_left_out_with_one_line(monkeypatch: Any, capsys: Any) -> None:
    absent = Participant("Fortran by hand", PARTICIPANTS[0].build, needs="no_such_package")
    monkeypatch.setattr(benchmarks.__main__, "PARTICIPANTS", [PARTICIPANTS[0], absent])
    assert present(["hand"]) == [PARTICIPANTS[0]]
    assert capsys.readouterr().err == "Fortran by hand is left out: it needs no_such_package.\n"
    with pytest.raises(SystemExit, match="Algol"):
        present(["Algol"])


def test_without_a_compiler_c_is_left_out(monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "")
    (c,) = [p for p in PARTICIPANTS if p.needs == "C"]
    assert "C compiler" in c.missing()
    with pytest.raises(RuntimeError, match="C compiler"):
        c_by_hand.compiled("moons.c", {"N": 1})


@programs
def test_naive_code_compiles_to_a_few_dozen_array_operations_however_much_data(
    program: Any,
) -> None:
    counts = []
    for n in (12, 24):
        compiled = jit(program)
        compiled(*arguments(program, n))
        counts.append(compiled.stats["array ops"])
    # (74 for the LSTM cell: exact slopes in the tails of tanh cost it 16 of them)
    assert counts[0] == counts[1] <= 80


def test_a_worker_answers_each_turn_and_tells_what_compiling_took(tmp_path: Path) -> None:
    file, name = tmp_path / "numbers.json", "glassgrad, jit"
    file.write_text(json.dumps(workloads.rosenbrock(random.Random(0), 20)))
    command = [sys.executable, "-m", "benchmarks.worker", "rosenbrock", name, str(file)]
    done = subprocess.run(command, input="0.0\n0.01\n", capture_output=True, text=True, cwd=ROOT)
    ready, *turns = done.stdout.splitlines()
    assert (ready, len(turns)) == ("ready", 2), done.stderr
    first, *_ = answers = [json.loads(turn) for turn in turns]
    facts, eager = summary(answers) | {"first": first}, {"median": 1.0}
    *_, row = compiling_table({"rosenbrock": {BY_HAND: eager, name: facts}})
    stats = first["stats"]
    assert f"| {stats['nodes']} | {stats['array ops']} | {first['lines']} |" in row
    assert f"| {first['seconds'] * 1e3:.3g} ms | {first['seconds']:.3g} |" in row
