"""`python -m autograd`: what the demo prints and writes, and what it says of absent extras."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograd import __main__ as cli

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {"graph.svg", "neuron.svg", "loss.svg", "digits.svg"}


@pytest.fixture(autouse=True)
def _extras() -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("pygraphviz")


@pytest.fixture
def test_set_of_40(monkeypatch: pytest.MonkeyPatch) -> None:
    training, (xs, ys) = cli.digits()
    small = (training[0][:160], training[1][:160]), (xs[:40], ys[:40])
    monkeypatch.setattr(cli, "digits", lambda: small)


@pytest.mark.usefixtures("test_set_of_40")
def test_the_demo_writes_its_pictures_and_its_last_lines_name_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "folder"
    cli.main(["demo", "--out", str(folder)])
    assert {path.name for path in folder.iterdir()} == PICTURES
    for path in folder.iterdir():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    lines = capsys.readouterr().out.splitlines()
    assert {Path(line.split()[0]).name for line in lines[-5:-1]} == PICTURES
    assert "graph.svg" in lines[-1]
    assert "d loss/d x = 4.2852, d loss/d w = -4.8379, d loss/d b = -2.4189" in lines[1]


@pytest.mark.slow
def test_the_demo_reads_95_percent_of_the_test_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["demo", "--out", str(tmp_path)])
    line = next(line for line in capsys.readouterr().out.splitlines() if "%" in line)
    assert float(line.split("%")[0]) >= 95


def test_training_and_test_digits_do_not_overlap() -> None:
    training, test = cli.digits()
    assert (len(training[0]), len(test[0])) == (1437, 360)
    assert not {tuple(x) for x in training[0]} & {tuple(x) for x in test[0]}


def test_absent_extras_are_named_in_one_line_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", "--out", str(tmp_path / "out")])
    message = str(stopped.value)
    assert "scikit-learn" in message
    assert "pygraphviz" in message
    assert 'pip install "glassgrad[demo]"' in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()


def test_the_module_runs_and_names_its_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograd", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "demo" in done.stdout


def test_a_command_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["dmeo"])
    assert stopped.value.code == 2
    assert "demo" in capsys.readouterr().err
