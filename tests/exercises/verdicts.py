"""Write `verdicts.txt`: what the checker says of every wrong solution of every catalogue, of every
stub, and of every first attempt. A change in it is a change in what students read: look at it.

    python tests/exercises/verdicts.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from test_first_attempts import KINDS, entries, verdict_of  # noqa: E402

from autograd.exercises import TASKS  # noqa: E402
from autograd.exercises.judge import judge  # noqa: E402
from autograd.exercises.task import load  # noqa: E402

PATH = HERE / "verdicts.txt"


def verdicts() -> Iterator[tuple[str, str]]:
    """(what was judged, the verdict's text), in the order of the ladder."""
    for task in TASKS.values():
        sources = {"reference": task.reference, "stub": task.stub}
        sources |= {mistake.name: task.wrong(mistake) for mistake in task.mistakes}
        for name, source in sources.items():
            yield f"{task.name} {name}", str(judge(task, load(source, task.targets)))
    for kind in KINDS:
        for i, (name, _, changes) in enumerate(entries(kind)):
            yield f"{kind} {name} {i}", str(verdict_of(name, changes))


def as_text(judged: Iterator[tuple[str, str]]) -> str:
    return "".join(f"=== {what}\n{text}\n\n" for what, text in judged)


if __name__ == "__main__":
    PATH.write_text(as_text(verdicts()), encoding="utf-8")
