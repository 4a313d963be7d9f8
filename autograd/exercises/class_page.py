"""The class at a glance, as one HTML page: who has what, what goes wrong most often, who is stuck.

The page holds all that it shows and asks nothing of any network.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from autograd.exercises.handed_in import Result
from autograd.exercises.roster import Record
from autograd.exercises.task import Task

EXAMPLES = 6  # students named beside a misconception


@dataclass(frozen=True)
class Misconception:
    """One cause, and all who have it."""

    task: Task
    cause: str
    mistake: str
    found: tuple[tuple[str, Result], ...]  # (student, result), the smallest case first


def misconceptions(records: Sequence[Record], tasks: Mapping[str, Task]) -> list[Misconception]:
    """The causes of all failures, the commonest first."""
    groups: dict[tuple[str, str], list[tuple[str, Result]]] = {}
    for record in records:
        for name, result in record.results.items():
            if result.mark == "✗":
                groups.setdefault((name, result.cause), []).append((record.student, result))
    found = []
    for (name, cause), members in groups.items():
        members.sort(key=lambda member: len(member[1].case) or 9999)
        found.append(Misconception(tasks[name], cause, members[0][1].mistake, tuple(members)))
    return sorted(found, key=lambda m: (-len(m.found), m.task.number or 0))


def stuck(record: Record, tasks: Mapping[str, Task]) -> Task | None:
    """The first task on the ladder at which a student has failed, and nothing later holds."""
    names = [name for name in tasks if name in record.results]
    held = [i for i, name in enumerate(names) if record.results[name].passed]
    later = names[max(held, default=-1) + 1 :]
    return next((tasks[n] for n in later if record.results[n].mark == "✗"), None)


def class_page(records: Sequence[Record], tasks: Mapping[str, Task]) -> str:
    """The whole page, as HTML."""
    columns = [tasks[name] for name in tasks if any(name in r.results for r in records)]
    causes = misconceptions(records, tasks)
    sections = "".join(map(_cause, causes)) or "<p>Nothing: no solution is wrong.</p>"
    parts = [
        _summary(records, columns),
        f'<h2>What goes wrong most often</h2><div class="causes">{sections}</div>',
        "<h2>Who is stuck where</h2>" + _stuck(records, tasks),
        "<h2>Students and tasks</h2>" + _table(records, columns),
    ]
    head = f"<title>The class at a glance</title><style>{STYLE}</style>"
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    body = "<h1>The class at a glance</h1>" + "".join(parts)
    return f'<!doctype html><html lang="en"><head>{meta}{head}</head><body>{body}</body></html>\n'


def _summary(records: Sequence[Record], columns: Sequence[Task]) -> str:
    marks = Counter(result.mark for record in records for result in record.results.values())
    everything = sum(
        all(result.passed for result in record.results.values()) and bool(record.results)
        for record in records
    )
    date = datetime.now().strftime("%Y-%m-%d %H:%M")
    return (
        f"<p>{len(records)} students, {len(columns)} tasks, checked on {date}. "
        f"{marks['✓']} solutions hold, {marks['✗']} are wrong, {marks['·']} are not written yet. "
        f"All that they handed in is right: {everything} students.</p>"
    )


# --- students and tasks -------------------------------------------------------------------------


def _table(records: Sequence[Record], columns: Sequence[Task]) -> str:
    heads = "".join(
        f'<th class="task"><span>{escape(_short(task))}</span></th>' for task in columns
    )
    rows = "".join(_row(record, columns) for record in records)
    shares = "".join(_share(records, task) for task in columns)
    return (
        '<div class="wide"><table class="class"><thead><tr><th>student</th>'
        f"{heads}<th>held</th></tr></thead><tbody>{rows}</tbody>"
        f"<tfoot><tr><th>holds for</th>{shares}<td></td></tr></tfoot></table></div>"
    )


def _short(task: Task) -> str:
    return f"{task.number} {task.name}" if task.number else task.name


def _row(record: Record, columns: Sequence[Task]) -> str:
    cells = "".join(_cell(record.results.get(task.name)) for task in columns)
    held = sum(result.passed for result in record.results.values())
    return f"<tr><th>{escape(record.student)}</th>{cells}<td>{held}</td></tr>"


KINDS = {"✓": "held", "✗": "wrong", "·": "empty"}


def _cell(result: Result | None) -> str:
    if result is None:
        return "<td></td>"
    return f'<td class="{KINDS[result.mark]}" title="{escape(result.text)}">{result.mark}</td>'


def _share(records: Sequence[Record], task: Task) -> str:
    results = [record.results[task.name] for record in records if task.name in record.results]
    return f"<td>{sum(r.passed for r in results)} of {len(results)}</td>"


# --- what goes wrong ----------------------------------------------------------------------------


def _cause(what: Misconception) -> str:
    """A misconception with its smallest failing case; whose it is, is in the closed part."""
    names = ", ".join(escape(student) for student, _ in what.found[:EXAMPLES])
    more = len(what.found) - EXAMPLES
    names += f" and {more} more" if more > 0 else ""
    name = f" <code>{escape(what.mistake)}</code>" if what.mistake else ""
    n = len(what.found)
    count = f"{n} student{'s' if n > 1 else ''}"
    result = what.found[0][1]
    law = f"<p><b>Breaks the law:</b> {_code(result.law)}</p>" if result.law else ""
    return (
        f'<section><h3><b class="count">{count}</b> {escape(_short(what.task))}{name}</h3>'
        f"<p>{_code(what.cause)}</p>{law}"
        + (
            f"<p><b>Smallest failing case</b></p><pre>{escape(result.case)}</pre>"
            * bool(result.case)
        )
        + _excerpt(result)
        + f"<details><summary>Whose</summary><p>{names}</p></details></section>"
    )


def _excerpt(result: Result) -> str:
    """A solution that has it, without a name."""
    if not result.code:
        return ""
    summary = "A solution of this kind (without its comments)"
    return f"<details><summary>{summary}</summary><pre>{escape(result.code)}</pre></details>"


def _code(text: str) -> str:
    parts = escape(text).split("`")  # `a` -> <code>a</code>
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))


# --- who is stuck -------------------------------------------------------------------------------


def _stuck(records: Sequence[Record], tasks: Mapping[str, Task]) -> str:
    where: dict[str, list[Record]] = {}
    for record in records:
        task = stuck(record, tasks)
        if task:
            where.setdefault(task.name, []).append(record)
    if not where:
        return "<p>Nobody: whoever failed at a task has mastered a later one.</p>"
    rows = "".join(
        f"<tr><th>{escape(_short(tasks[name]))}</th><td>{len(where[name])}</td>"
        f"<td>{', '.join(map(_since, where[name]))}</td></tr>"
        for name in tasks
        if name in where
    )
    head = "<tr><th>task</th><th>students</th><th>who, and when the file was last changed</th></tr>"
    return f'<table class="stuck"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def _since(record: Record) -> str:
    date = f" <small>{record.changed:%Y-%m-%d}</small>" if record.changed else ""
    return escape(record.student) + date


STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
h3 { font-size: 1rem; margin: 0 0 .3rem }
.wide { overflow-x: auto }
table { border-collapse: collapse }
th, td { padding: .15rem .5rem; border-bottom: 1px solid var(--line); text-align: left }
.class td { text-align: center; min-width: 1.6rem }
.class thead th { vertical-align: bottom } .class tfoot td { font-size: .8rem }
.task span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 600 }
.held { background: #2e7d3230 } .wrong { background: #c6282840; font-weight: bold }
.empty { color: #888 }
.causes { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 1rem }
section { min-width: 0; border-left: 4px solid #c62828; padding: .1rem 1rem }
section p { margin: .4rem 0; max-width: 60rem }
.count { background: #c62828; color: #fff; border-radius: .7rem; padding: 0 .6rem }
pre { background: var(--soft); padding: .5rem .8rem; margin: .3rem 0; overflow-x: auto }
"""
