"""Check what students hand in: Python files and notebooks, each in a process of its own.

Whatever is in such a file, an endless loop in C or an `os._exit` even, the answer comes within
seconds: the parent process reads what the child reports, line by line, and ends it in time.
"""

import json
import linecache
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import autograd
from autograd.exercises import shield
from autograd.exercises.judge import judge
from autograd.exercises.ladder import TASKS

SECONDS = 8.0  # for a whole file; each single experiment has 1 to 3 seconds
MEMORY = 4 * 2**30  # bytes that the child may ask for


@dataclass(frozen=True)
class Result:
    """What became of one task: its mark (✓ passed, ✗ failed, · not written) and the report."""

    mark: str
    text: str

    @property
    def passed(self) -> bool:
        return self.mark == "✓"


def check_files(
    paths: Sequence[str | Path], names: Iterable[str] = (), seed: int = 0, seconds: float = SECONDS
) -> dict[str, Result]:
    """A result for each task, in the order of the ladder.

    names: the tasks to check; without them, a notebook is checked for those that it contains, and
    a Python file for all. Raises ValueError for an unknown task and OSError for a missing file.
    """
    names = list(names)
    for name in names:
        if name not in TASKS:
            raise ValueError(f"there is no task {name!r}; the tasks are: {', '.join(TASKS)}")
    found: dict[str, Result] = {}
    for path in map(Path, paths):
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        inside = tasks_in(path)
        wanted = [name for name in names or TASKS if name in inside]
        if wanted:
            results = _in_a_child(path, wanted, seed, seconds)
            found |= {k: v for k, v in results.items() if k not in found or v.passed}
    return {
        name: found.get(name) or Result("·", f"· {TASKS[name].heading}: not handed in.")
        for name in TASKS
        if name in (names or TASKS)
    }


def tasks_in(path: Path) -> list[str]:
    """The tasks that a file may answer: a notebook says so in its cells, a Python file may any."""
    if path.suffix != ".ipynb":
        return list(TASKS)
    ids = {
        cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "") for cell in _cells(path)
    }
    return [name for name in TASKS if f"{name}-solution" in ids]


def source_of(path: Path) -> str:
    """The student's code: a Python file, or all cells of a notebook that students may change."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    code = []
    for cell in _cells(path):
        ours = cell.get("metadata", {}).get("nbgrader", {"solution": True})
        if cell["cell_type"] == "code" and ours.get("solution"):
            code.append(re.sub(r"^[%!].*$", "", "".join(cell["source"]), flags=re.MULTILINE))
    return "\n\n".join(code)


def _cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8")).get("cells", []))


# --- the parent ---------------------------------------------------------------------------------


def _in_a_child(path: Path, names: list[str], seed: int, seconds: float) -> dict[str, Result]:
    path = path.resolve()
    key = secrets.token_hex(16)  # marks the child's own lines: nobody else knows it
    package_folder = Path(autograd.__file__).parent.parent
    child = subprocess.Popen(
        [sys.executable, "-m", "autograd.exercises.files", str(path), str(seed), *names],
        cwd=package_folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        lines, _ = child.communicate(key.encode() + b"\n", timeout=seconds)
        ended = f"Python itself ended (status {child.returncode}) while it ran"
    except subprocess.TimeoutExpired:
        child.kill()
        lines, _ = child.communicate()
        ended = f"it was still running after {seconds:g} s, so there must be an endless loop"
    results: dict[str, Result] = {}
    begun = ""
    for line in lines.decode(errors="replace").splitlines():
        if line.startswith(key):
            message = json.loads(line[len(key) :])
            begun = message["task"]
            if "mark" in message:
                results[begun] = Result(message["mark"], message["text"])
    for name in names:
        if name not in results:
            task = TASKS[name].heading
            at_fault = name == begun or not begun
            why = ended if at_fault else f"not tried, since task {begun!r} came to no end"
            results[name] = Result("✗", f"✗ {task}: {why}.")
    return results


# --- the child ----------------------------------------------------------------------------------


def _child(path: Path, seed: int, names: list[str]) -> None:
    """Check the file, and report on the standard output: a line when a task begins and ends."""
    key = sys.stdin.readline().strip()
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    _limit_memory()

    def send(**message: Any) -> None:
        report.write(f"{key}{json.dumps(message)}\n")
        report.flush()

    module, problem = _load(path)
    for name in names:
        task = TASKS[name]
        send(task=name)
        missing = [t for t in task.targets if t not in module]
        if problem:
            send(task=name, mark="✗", text=f"✗ {path.name}: {problem}.")
            continue
        if missing:
            text = f"· {task.heading}: {path.name} defines no {', no '.join(missing)}."
            send(task=name, mark="·", text=text)
            continue
        verdict = judge(task, tuple(module[t] for t in task.targets), seed)
        send(task=name, mark=verdict.mark, text=str(verdict))


def _load(path: Path) -> tuple[dict[str, Any], str]:
    """Run the student's file: the names that it defines, and what is wrong with it, or ""."""
    try:
        source = source_of(path)
        linecache.cache[path.name] = len(source), None, source.splitlines(True), path.name
        code = compile(source, path.name, "exec")
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return {}, f"this is not Python: {error.args[0]}{line}"
    name = shield.peeks(code)
    if name:
        return {}, f"it uses {name!r} to look into the checker; take that out"
    module = sys.modules["student"] = ModuleType("student")
    sys.path.append(str(path.parent))
    os.chdir(path.parent)
    _, trouble, _ = shield.run(lambda: exec(code, vars(module)), 2.0)
    if trouble:
        where = f" ({trouble.where})" if trouble.where else ""
        return {}, f"it cannot be run: {trouble.text}{where}"
    return vars(module), ""


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # Windows has no limits, and macOS not this one: the clock stops what grows, too


# --- the command line ---------------------------------------------------------------------------


def ladder(results: dict[str, Result]) -> str:
    """The ladder with a mark for each task, and how many hold."""
    rows = [f"{r.mark} {TASKS[k].number:2}  {k:<10}  {TASKS[k].title}" for k, r in results.items()]
    held = sum(r.passed for r in results.values())
    return "\n".join([*rows, f"{held} of {len(results)} tasks hold."])


def command(paths: Sequence[str], names: Sequence[str], seed: int) -> int:
    """`python -m autograd check`: print the reports and the ladder; 0 only if everything holds."""
    try:
        results = check_files(paths, names, seed)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    unwritten = names or not any(r.mark != "·" for r in results.values())
    for text in dict.fromkeys(  # what ails a whole file is said once
        r.text for r in results.values() if r.mark == "✗" or (r.mark == "·" and unwritten)
    ):
        print(text, end="\n\n")
    print(ladder(results))
    return 0 if all(r.passed for r in results.values()) else 1


if __name__ == "__main__":
    _child(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
