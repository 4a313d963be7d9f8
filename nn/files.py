"""Models in files: whole or not at all, on the disk and in memory."""

import errno
import json
import math
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from nn.module import Module

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove a file that is open: that serves as a lock
    fcntl = None  # type: ignore[assignment]

_FORMAT = "glassgrad model 1"
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}  # JSON has no such


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model's parameters and buffers to the JSON file `path`.

    The file appears in one step, whole: whoever kills the process on the way, fills the disk or
    reads at the same time finds the old file or the new one. A file that is there keeps its
    permissions; through a symbolic link, the file that it leads to is written. Numbers that are
    not finite are written as the texts "NaN", "Infinity" and "-Infinity".
    """
    state = {name: _written(x) for name, x in model.state_dict().items()}
    content = {"format": _FORMAT, "model": repr(model), "state": state}
    write_whole(path, json.dumps(content, allow_nan=False))


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Set the model's parameters and buffers from a file that `save` wrote, for the same shape.

    Raises ValueError for a truncated, foreign or differently shaped file; then, and after an
    interrupt, the model is unchanged. The file is data only: reading it runs no code.
    """
    state, saved = _read(os.fspath(path))
    texts = {name: _NOT_FINITE[x] for name, x in state.items() if x in list(_NOT_FINITE)}
    try:
        model.load_state_dict(state | texts)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} holds {saved}, and it can't be loaded into {model!r}: {error}"
        ) from error


def _written(x: float) -> Any:
    return x if math.isfinite(x) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(x, "NaN")


def _read(path: str) -> tuple[dict[str, Any], Any]:
    """The state in the file, and the text of the model that was saved."""
    raw = Path(path).read_bytes()
    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_doubles)
    except _Doubled as error:
        raise ValueError(
            f"{path!r} gives {error} twice, and it is not clear which one counts: nn.save does not "
            "write such a file. Remove one. (The model is unchanged.)"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path!r} is not whole JSON: it was cut off, or nn.save did not write it. "
            f"Load another copy, or save the model again. ({error}; the model is unchanged)"
        ) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(
            f"{path!r} is JSON, but not a file of nn.save: there is no "
            f'"format": "{_FORMAT}" in it. Give the path that nn.save wrote. (The model is '
            "unchanged.)"
        )
    if not isinstance(content.get("state"), dict):
        raise ValueError(f"{path!r} holds no parameters. (The model is unchanged.)")
    return content["state"], content.get("model")


class _Doubled(ValueError):
    """A key that an object of a JSON file has twice."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, x in pairs:
        if key in found:
            raise _Doubled(repr(key))
        found[key] = x
    return found


# --- files that are whole -------------------------------------------------------------------------


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Make `text` the content of the file `path`, in one step: readers never see a part of it.

    It is written beside, under a name that nobody can guess or plant, and then renamed. What
    killed processes have left there is removed.
    """
    target = os.path.realpath(path)  # through a link, the file that it leads to
    if os.path.islink(target):
        raise OSError(errno.ELOOP, "symbolic links that lead to each other", os.fspath(path))
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, "a folder, where a file is to go", os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe, a terminal: no renaming
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        return
    if os.path.exists(target) and not os.access(target, os.W_OK):  # renaming would not ask
        raise PermissionError(errno.EACCES, "the file is read-only", os.fspath(path))
    _remove_left(target)
    _replace(target, text)


def _replace(target: str, text: str) -> None:
    beside = f"{_prefix(target)}{secrets.token_hex(8)}.tmp"
    descriptor, has_name = _new_file(target, beside)
    try:
        with open(descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        _as_before(descriptor, target)
        if not has_name:
            _name(descriptor, beside)
            has_name = True
        if fcntl is None:  # Windows renames no open file
            os.close(descriptor)
            descriptor = -1
        os.replace(beside, target)
        has_name = False
    finally:
        if has_name:
            with suppress(FileNotFoundError):  # interrupted just after the renaming
                os.remove(beside)
        if descriptor >= 0:  # only now: with it goes the lock
            os.close(descriptor)


def _new_file(target: str, beside: str) -> tuple[int, bool]:
    """A new file, open and locked, in the folder of `target`; and whether it has a name yet.

    Linux makes files without a name, which vanish with the process. Elsewhere it is `beside`,
    locked while the process lives: so an unlocked one was left by a process that died.
    """
    mode = 0o600 if os.path.exists(target) else 0o666  # less the umask, as for any new file
    with suppress(AttributeError, OSError):  # no such flag, or not on this file system
        descriptor = os.open(os.path.dirname(target), os.O_TMPFILE | os.O_WRONLY, mode)
        if os.path.exists(f"/proc/self/fd/{descriptor}"):
            _lock(descriptor)
            return descriptor, False
        os.close(descriptor)
    while True:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        descriptor = os.open(beside, flags, mode)  # O_EXCL: nothing planted there is followed
        _lock(descriptor)
        if os.fstat(descriptor).st_nlink or fcntl is None:
            return descriptor, True
        os.close(descriptor)  # somebody took it for a dead one's, before it was locked


def _name(descriptor: int, path: str) -> None:
    """Give a name to an open file that has none."""
    source = f"/proc/self/fd/{descriptor}"  # Python follows this link only if told a folder, too
    os.link(source, path, src_dir_fd=descriptor, follow_symlinks=True)


def _lock(descriptor: int) -> None:
    if fcntl:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _remove_left(target: str) -> None:
    """Remove what processes that died while they saved here have left: files with no lock."""
    folder, start = os.path.split(_prefix(target))
    for name in os.listdir(folder) if fcntl else ():
        if not (name.startswith(start) and re.fullmatch(r"[0-9a-f]{16}\.tmp", name[len(start) :])):
            continue
        with suppress(OSError):  # it is in use, gone already, or another user's
            left = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.remove(os.path.join(folder, name))
            finally:
                os.close(left)


def _prefix(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:40]}.")  # names of files have at most 255 bytes


def _as_before(descriptor: int, target: str) -> None:
    """Owner, group and permissions of the file that is there, as far as they may be given."""
    if os.path.exists(target) and hasattr(os, "fchmod"):
        old = os.stat(target)
        with suppress(PermissionError):  # only root gives files away
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
