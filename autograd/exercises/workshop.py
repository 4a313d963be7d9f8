"""For whoever writes a task: `task new NAME` writes one to start from, `task test DIR` tests it.

A task is as good as its laws. So its solution is changed in one place at a time, and what the laws
let pass is shown: either a law is missing, or the change makes no difference.
"""

import ast
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograd.exercises.files import write
from autograd.exercises.folder import BadTask, read_task, tasks_below
from autograd.exercises.judge import judge
from autograd.exercises.mutants import mutants
from autograd.exercises.task import Task, load

MISTAKES, ALTERNATES = 5, 2  # that a finished task has at least
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Finding:
    """One thing about a task: is it a fault, or only still missing?"""

    fault: bool
    text: str


def new(path: str) -> int:
    """Write the folder of a task that passes its tests; 0, or 2 if there is something already."""
    folder = Path(path)
    if folder.exists():
        print(f"{folder} is there already; nothing was written.", file=sys.stderr)
        return 2
    name = folder.name
    folder.mkdir(parents=True)
    (folder / "alternates").mkdir()
    for file, text in SKELETON.items():
        (folder / file).write_text(text.replace("NAME", name), encoding="utf-8")
    try:
        read_task(folder)
    except BadTask as error:
        print(error, file=sys.stderr)
        return 2
    write(
        f"{folder} is a task that works: `triple(x)`, to be made into yours.\n"
        f"Test it:  python -m autograd task test {folder}\n"
        f'Use it:   check("{folder}", triple), or python -m autograd check student.py '
        f"--tasks {folder.parent}"
    )
    return test(path)


def test(path: str) -> int:
    """Test the task in the folder, or all in the folders below it: 0 if there is no fault."""
    folder = Path(path)
    try:
        single = (folder / "task.md").is_file()
        tasks = [read_task(folder)] if single else [*tasks_below(folder).values()]
    except (BadTask, SyntaxError) as error:
        print(error, file=sys.stderr)
        return 2
    faults = 0
    for task in tasks:
        found = list(findings(task))
        faults += sum(f.fault for f in found)
        lines = [f"{'✗' if f.fault else '·'} {f.text}" for f in found]
        write("\n".join([f"{task.heading}: {task.title}", *(lines or ["✓ nothing is missing"])]))
    return 1 if faults else 0


def findings(task: Task) -> Iterator[Finding]:
    """What is wrong with a task, and what is still missing."""
    yield from _of_the_solution(task)
    yield from _of_the_neighbour(task)
    yield from _of_the_mistakes(task)
    yield from _of_the_alternates(task)
    yield from _of_the_mutants(task)


def _of_the_solution(task: Task) -> Iterator[Finding]:
    for seed in SEEDS:
        verdict = judge(task, load(task.reference, task.targets), seed, explain=False)
        if not verdict.passed:
            yield Finding(True, f"solution.py itself is rejected (seed {seed}):\n{verdict}")
            return
    if task.stub == task.solution:
        yield Finding(True, "solution.py has no `### BEGIN SOLUTION` and `### END SOLUTION`.")
    elif not judge(task, load(task.stub, task.targets)).todo:
        yield Finding(True, "the stub doesn't count as not written: does a law not call it?")
    if not task.hints:
        yield Finding(False, "task.md has no hints (## Hints, a list).")


def _of_the_neighbour(task: Task) -> Iterator[Finding]:
    try:
        exec(compile(task.neighbour, "neighbour.py", "exec"), {"__name__": "neighbour"})
    except Exception as error:
        yield Finding(True, f"neighbour.py cannot be run: {type(error).__name__}: {error}")


def _of_the_mistakes(task: Task) -> Iterator[Finding]:
    for mistake in task.mistakes:
        try:
            verdict = judge(task, load(task.wrong(mistake), task.targets))
        except Exception as error:  # the source that its diff makes is none
            yield Finding(True, f"the mistake {mistake.name!r} is no code: {error}")
            continue
        if verdict.passed:
            yield Finding(True, f"the mistake {mistake.name!r} passes: a law is missing.")
        elif mistake.name not in verdict.mistake.split(" or "):
            named = verdict.mistake or "nothing of the catalogue"
            yield Finding(True, f"the mistake {mistake.name!r} is taken for {named}.")
    if len(task.mistakes) < MISTAKES:
        yield Finding(False, f"mistakes.md has {len(task.mistakes)} of at least {MISTAKES}.")


def _of_the_alternates(task: Task) -> Iterator[Finding]:
    """Right solutions that are written differently: a checker must not ask for one's own style."""
    assert task.folder
    files = sorted((task.folder / "alternates").glob("*.py"))
    for file in files:
        verdict = judge(task, load(file.read_text(encoding="utf-8"), task.targets, file.name))
        if not verdict.passed:
            yield Finding(True, f"alternates/{file.name} is rejected:\n{verdict}")
    if len(files) < ALTERNATES:
        text = f"alternates/ has {len(files)} of at least {ALTERNATES} other right solutions."
        yield Finding(False, text)


def _of_the_mutants(task: Task) -> Iterator[Finding]:
    tried, survivors = 0, []
    for what, source in mutants(task.reference):
        tried += 1
        if survives(task, source):
            survivors.append((what, source))
    if not survivors:
        return
    smallest = min((_diff(task.reference, source) for _, source in survivors), key=len)
    yield Finding(
        False,
        f"{len(survivors)} of {tried} small changes of the solution pass all laws. The smallest:\n"
        f"{smallest}\n"
        "  If it is wrong, write a law that it breaks; if it is right as well, leave it.",
    )


def survives(task: Task, source: str) -> bool:
    """Do the laws let this source pass?"""
    try:
        targets = load(source, task.targets)
    except Exception:  # it does not even load: rejected
        return False
    return judge(task, targets, explain=False).passed


def _diff(before: str, after: str) -> str:
    """Only the lines that differ. (A mutant is printed from its tree, so both are.)"""
    old, new = (ast.unparse(ast.parse(text)).splitlines() for text in (before, after))
    lines = difflib.unified_diff(old, new, n=0, lineterm="")
    return "\n".join(f"      {line}" for line in list(lines)[2:] if not line.startswith("@@"))


SKELETON = {
    "task.md": """\
# Three times as much

Targets: `triple`

Write `triple(x)`: three times `x`. (Say here what to write, in Markdown.)

## Hints

- What is `x + x`? And what is one more?
""",
    "neighbour.py": """\
# A neighbour: something close to the task, solved. Its last line says what comes out.
def double(x):
    return x + x


double(4)  # 8
""",
    "solution.py": """\
def triple(x):
    \"\"\"Three times x.\"\"\"
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
""",
    "mistakes.md": """\
# Known mistakes

## doubled

That is `x` twice; it should be three times `x`.

```diff
-    return 3 * x
+    return 2 * x
```

## cubed

`x ** 3` is `x * x * x`; three times `x` is `x + x + x`.

```diff
-    return 3 * x
+    return x**3
```
""",
    "laws.py": """\
\"\"\"What must hold for `triple`. The smallest cases first: students see the first to fail.\"\"\"

from autograd.exercises import Case, Law


def case(x):
    # The text is what a student could type in; run(*targets) does it and says what it observed.
    return Case(f"triple({x:g})", lambda triple: {"result": triple(x)}, lambda: {"result": 3 * x})


LAWS = (
    Law("Three times nothing is nothing.", lambda rng: [case(0.0)]),
    Law("It is three times the number.", lambda rng: [case(1.0), case(-2.0)]),
    Law("It holds for any number.", lambda rng: [case(rng.uniform(-9, 9)) for _ in range(5)]),
)
""",
    "alternates/by_adding.py": """\
def triple(x):
    return x + x + x
""",
}
