"""Models in files: whole or not at all, whatever happens on the way."""

import json
import math
import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import nn
from autograd import Value

ROOT = Path(__file__).resolve().parents[2]


def test_save_and_load_keep_every_bit(tmp_path):
    a, b = nn.MLP(3, [4, 2]), nn.MLP(3, [4, 2])
    a.parameters()[0].data = 0.1 + 0.2
    a.parameters()[1].data = 1e-320
    a.parameters()[2].data = float("inf")
    nn.save(a, tmp_path / "model.json")
    nn.load(b, tmp_path / "model.json")
    assert a.state_dict() == b.state_dict()
    assert os.listdir(tmp_path) == ["model.json"]


def test_state_of_another_shape_names_both_and_changes_nothing(tmp_path):
    small, large = nn.MLP(2, [3, 1]), nn.MLP(2, [4, 1])
    before = small.state_dict()
    with pytest.raises(ValueError, match=r"13 parameters.*\n.*17 parameters.*\n.*neurons\.3\.w\.0"):
        small.load_state_dict(large.state_dict())
    nn.save(large, tmp_path / "large.json")
    with pytest.raises(ValueError, match=r"MLP\(2, \[4, 1\]\).*MLP\(2, \[3, 1\]\)"):
        nn.load(small, tmp_path / "large.json")
    assert small.state_dict() == before


@pytest.mark.parametrize("bad", ["text", None, [1.0], 1j])
def test_a_state_with_something_else_than_numbers_changes_nothing(bad):
    model = nn.MLP(2, [3, 1])
    before = model.state_dict()
    state = dict.fromkeys(before, 9.0)
    state[list(before)[-1]] = bad
    with pytest.raises(TypeError, match="number"):
        model.load_state_dict(state)
    assert model.state_dict() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cut off"),
        (b"\x80\x04\x95pickle", "cut off"),
        (b"[" * 100_000, "cut off"),
        (b"[1, 2]", "nn.save"),
        (b'{"weights": [1, 2]}', "nn.save"),
        (b'{"format": "glassgrad model 1"}', "no parameters"),
        (b'{"format": "glassgrad model 1", "model": "Net()", "state": {"x": 1}}', "Net"),
    ],
)
def test_a_foreign_file_teaches_and_changes_nothing(tmp_path, content, says):
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    model = nn.MLP(2, [3, 1])
    before = model.state_dict()
    with pytest.raises(ValueError, match=says):
        nn.load(model, path)
    assert model.state_dict() == before


def test_a_number_too_large_for_a_float_teaches_and_changes_nothing(tmp_path):
    model, path = nn.MLP(1, [1]), tmp_path / "model.json"
    nn.save(model, path)
    before = model.state_dict()
    path.write_text(
        path.read_text().replace(
            '"layers.0.neurons.0.b": 0.0', f'"layers.0.neurons.0.b": {10**400}'
        )
    )
    with pytest.raises(ValueError, match="too large"):
        nn.load(model, path)
    assert model.state_dict() == before


def test_a_truncated_file_teaches_and_changes_nothing_wherever_it_is_cut(tmp_path):
    model, path = nn.MLP(1, [2, 1]), tmp_path / "model.json"
    nn.save(nn.MLP(1, [2, 1]), path)
    whole = path.read_bytes()
    before = model.state_dict()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="cut off"):
            nn.load(model, path)
    assert model.state_dict() == before


def test_a_failing_save_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    nn.save(nn.MLP(1, [1]), path)
    old = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        nn.save(nn.MLP(1, [1]), path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["model.json"]


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_killing_the_process_during_save_leaves_the_old_file_whole(tmp_path, moment):
    model, path = nn.MLP(2, [3, 1]), tmp_path / "model.json"
    nn.save(model, path)
    old = path.read_bytes()
    code = f"""
        import builtins, os, signal, nn
        die = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        if {moment!r} == "write":  # half of the text is written, then the end
            real = builtins.open
            def opened(*args, **kwargs):
                file = real(*args, **kwargs)
                write = file.write
                class Dying:
                    def write(self, text):
                        write(text[: len(text) // 2]); file.flush(); die()
                    def __enter__(self): return self
                    def __exit__(self, *error): pass
                return Dying()
            builtins.open = opened
        else:
            setattr(os, {moment!r}, die)
        nn.save(nn.MLP(2, [3, 1]), {str(path)!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert path.read_bytes() == old
    twin = nn.MLP(2, [3, 1])
    nn.load(twin, path)
    assert twin.state_dict() == model.state_dict()


# --- what a file may hold --------------------------------------------------------------------


def strict_json(path):
    """The content, by a reader that knows no NaN."""
    return json.loads(path.read_text(), parse_constant=lambda x: pytest.fail(f"not JSON: {x}"))


def test_numbers_that_are_not_finite_are_json_and_come_back(tmp_path):
    path, model, twin = tmp_path / "model.json", nn.MLP(3, [1]), nn.MLP(3, [1])
    for p, x in zip(model.parameters(), [math.nan, math.inf, -math.inf]):
        p.data = x
    nn.save(model, path)
    assert list(strict_json(path)["state"].values())[:3] == ["NaN", "Infinity", "-Infinity"]
    nn.load(twin, path)
    assert str(twin.state_dict()) == str(model.state_dict())  # nan != nan


def test_a_file_of_an_older_save_with_bare_nan_still_loads(tmp_path):
    path, model = tmp_path / "model.json", nn.MLP(1, [1])
    nn.save(model, path)
    path.write_text(
        path.read_text().replace('"layers.0.neurons.0.b": 0.0', '"layers.0.neurons.0.b": NaN')
    )
    nn.load(model, path)
    assert math.isnan(model.layers[0].neurons[0].b.data)


@pytest.mark.parametrize("text", ["true", "false", "null", '"1.0"', '"nan"', "[1.0]", "{}"])
def test_what_is_no_number_in_a_file_is_refused(tmp_path, text):
    path, model = tmp_path / "model.json", nn.MLP(1, [1])
    nn.save(model, path)
    before = model.state_dict()
    path.write_text(path.read_text().replace('.b": 0.0', f'.b": {text}'))
    with pytest.raises(ValueError, match="number is needed"):
        nn.load(model, path)
    assert model.state_dict() == before


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    path, model = tmp_path / "model.json", nn.MLP(1, [1])
    nn.save(model, path)
    before = model.state_dict()
    path.write_text(
        path.read_text().replace('"state": {', '"state": {"layers.0.neurons.0.b": 7.0, ')
    )
    with pytest.raises(ValueError, match=r"'layers\.0\.neurons\.0\.b' twice"):
        nn.load(model, path)
    assert model.state_dict() == before


# --- whose file it is ------------------------------------------------------------------------


posix = pytest.mark.skipif(os.name != "posix", reason="links and permissions as POSIX has them")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666])
def test_a_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "model.json"
    nn.save(nn.MLP(1, [1]), path)
    path.chmod(mode)
    nn.save(nn.MLP(1, [1]), path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    earlier = os.umask(0o027)
    try:
        nn.save(nn.MLP(1, [1]), tmp_path / "model.json")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE((tmp_path / "model.json").stat().st_mode) == 0o640


@posix
@pytest.mark.parametrize("is_there", [True, False])
def test_through_a_link_the_file_behind_it_is_written(tmp_path, is_there):
    folder, link = tmp_path / "elsewhere", tmp_path / "model.json"
    folder.mkdir()
    if is_there:
        nn.save(nn.MLP(1, [1]), folder / "real.json")
    link.symlink_to(folder / "real.json")
    model, twin = nn.MLP(1, [1]), nn.MLP(1, [1])
    nn.save(model, link)
    assert link.is_symlink()
    assert not (folder / "real.json").is_symlink()
    nn.load(twin, link)
    assert twin.state_dict() == model.state_dict()
    assert os.listdir(folder) == ["real.json"]


@posix
def test_links_in_a_ring_and_folders_and_pipes(tmp_path):
    a, b, pipe = tmp_path / "a", tmp_path / "b", tmp_path / "pipe"
    a.symlink_to(b)
    b.symlink_to(a)
    with pytest.raises(OSError, match="lead to each other"):
        nn.save(nn.MLP(1, [1]), a)
    with pytest.raises(IsADirectoryError):
        nn.save(nn.MLP(1, [1]), tmp_path)
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    nn.save(nn.MLP(1, [1]), pipe)  # into it: the pipe is not replaced by a file
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(read[0])["format"] == "glassgrad model 1"
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "pipe"]


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_file_stays(tmp_path):
    path = tmp_path / "model.json"
    nn.save(nn.MLP(1, [1]), path)
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        nn.save(nn.MLP(1, [1]), path)


@posix
def test_nothing_planted_at_a_temporary_name_is_followed(tmp_path, monkeypatch):
    """Whoever guesses the name has a link there to a file of the user's."""
    precious, path = tmp_path / "precious.txt", tmp_path / "model.json"
    precious.write_text("mine")
    guesses = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr(nn.files.secrets, "token_hex", lambda n: next(guesses))
    (tmp_path / f".model.json.{'0' * 16}.tmp").symlink_to(precious)
    with pytest.raises(FileExistsError):
        nn.save(nn.MLP(1, [1]), path)
    nn.save(nn.MLP(1, [1]), path)
    assert precious.read_text() == "mine"


def test_threads_that_save_to_one_path_and_readers_meet_whole_files_only(tmp_path):
    path, errors = tmp_path / "model.json", []
    nn.save(nn.MLP(2, [2, 1]), path)

    def guarded(what, times):
        try:
            model = nn.MLP(2, [2, 1])
            for _ in range(times):
                what(model, path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(nn.save, 40)) for _ in range(4)]
    threads += [threading.Thread(target=guarded, args=(nn.load, 80)) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model.json"]


DYING = """
    import os, signal, sys, nn
    from nn import files
    if {named}:  # as where files without a name are not to be had
        del os.O_TMPFILE
    die = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    setattr(os, {moment!r}, die)
    nn.save(nn.MLP(2, [3, 1]), {path!r})
"""


@posix
@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("named", [False, True])
def test_what_a_killed_process_leaves_is_gone_after_the_next_save(tmp_path, moment, named):
    path = tmp_path / "model.json"
    code = textwrap.dedent(DYING.format(named=named, moment=moment, path=str(path)))
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -9
    nn.save(nn.MLP(1, [1]), path)
    assert os.listdir(tmp_path) == ["model.json"]


@posix
def test_a_file_that_another_process_is_writing_stays(tmp_path):
    import fcntl

    other = tmp_path / f".model.json.{'a' * 16}.tmp"
    with open(other, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        nn.save(nn.MLP(1, [1]), tmp_path / "model.json")
        assert other.exists()
    nn.save(nn.MLP(1, [1]), tmp_path / "model.json")
    assert not other.exists()


def test_a_file_without_a_name_is_not_asked_for_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(nn.files, "fcntl", None)  # as on Windows
    path, model, twin = tmp_path / "model.json", nn.MLP(1, [1]), nn.MLP(1, [1])
    nn.save(model, path)
    nn.save(model, path)
    nn.load(twin, path)
    assert twin.state_dict() == model.state_dict()
    assert os.listdir(tmp_path) == ["model.json"]


# --- interrupts ------------------------------------------------------------------------------


def interrupted_at(line, call):
    """Run `call`, with Ctrl-C before its `line`-th line in nn; whether it came to that."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if not frame.f_globals.get("__name__", "").startswith("nn."):
            return None
        if event == "line":
            count += 1
            if count == line:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


class Counting(nn.Module):
    def __init__(self):
        self.w = [Value(1.0), Value(2.0)]
        self.register_buffer("seen", [3.0, 4.0])


def test_an_interrupt_leaves_the_old_model_or_the_new_one_wherever_it_comes(tmp_path):
    path, new = tmp_path / "model.json", Counting()
    new.w[0].data, new.w[1].data, new.seen = -1.0, -2.0, [-3.0, -4.0]
    nn.save(new, path)
    ends, line = [], 0
    while True:
        model, line = Counting(), line + 1
        before = model.state_dict()
        if not interrupted_at(line, lambda model=model: nn.load(model, path)):
            break
        ends.append(model.state_dict())
        assert ends[-1] in (before, new.state_dict()), f"half a model at line {line}"
    assert line > 30
    assert model.state_dict() == new.state_dict()


def test_an_interrupted_save_leaves_the_old_file_or_the_new_one(tmp_path):
    path, old, new, twin = tmp_path / "m.json", Counting(), Counting(), Counting()
    new.w[0].data, line = -1.0, 0
    while True:
        nn.save(old, path)
        line += 1
        if not interrupted_at(line, lambda: nn.save(new, path)):
            break
        nn.load(twin, path)
        assert twin.state_dict() in (old.state_dict(), new.state_dict())
    assert line > 30
    assert os.listdir(tmp_path) == ["m.json"]
