"""A verdict, and it in words: text for the terminal, a page with the graph drawn for a notebook."""

import html
import re
import unicodedata
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Any

from autograd import Value
from autograd.exercises.outcome import Answer
from autograd.exercises.shield import Trouble
from autograd.exercises.task import Case, Law, Task


@dataclass(frozen=True)
class Verdict:
    """The checker's answer: prints as text, and as a page with the graph drawn in a notebook."""

    task: Task
    laws_held: int
    cases: int = 0  # tried and right
    law: Law | None = None  # that failed
    case: Case | None = None  # the smallest on which it failed
    answer: Answer | None = None
    cause: str = ""
    mistake: str = ""  # its name in the catalogue, if the diagnosis found it there
    evidence: str = ""
    refused: str = ""  # why nothing was tried
    todo: bool = False

    @property
    def passed(self) -> bool:
        return self.law is None and not self.refused

    @property
    def mark(self) -> str:
        """✓ passed, ✗ failed, · not written yet."""
        return "✓" if self.passed else "·" if self.todo else "✗"

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)


def printable(text: str) -> str:
    """The text without what steers a terminal: what students wrote or printed may hold escapes."""
    return "".join(c if c.isprintable() or c == "\n" else _shown(c) for c in text)


def _shown(c: str) -> str:
    if unicodedata.category(c) == "Zs":
        return " "
    return "    " if c == "\t" else c.encode("unicode_escape").decode()


def as_text(v: Verdict) -> str:
    """The whole verdict, without the drawing."""
    return printable(_as_text(v))


def _as_text(v: Verdict) -> str:
    task = v.task.heading
    if v.passed:
        return f"✓ {task}: all {len(v.task.laws)} laws hold ({v.cases} cases)."
    if v.refused:
        return f"✗ {task}: {v.refused}."
    assert v.law is not None and v.case is not None and v.answer is not None
    if v.todo:
        assert v.answer.trouble is not None
        so_far = f" So far {v.laws_held} of {len(v.task.laws)} laws hold." if v.laws_held else ""
        place = f": `raise NotImplementedError` still stands there ({v.answer.trouble.where})"
        return f"· {task}: not written yet{place if v.answer.trouble.where else ''}.{so_far}"
    lines = [
        f"✗ {task}: law {v.laws_held + 1} of {len(v.task.laws)} fails.",
        f"  The law: {v.law.says}",
        "  The smallest case that breaks it:",
        indent(v.case.text, "      "),
    ]
    if v.answer.trouble:
        lines.append(_wrapped(f"What happened: {_what_happened(v.answer.trouble)}"))
        if v.answer.trouble.code:
            lines.append(f"      {v.answer.trouble.code}")
    for name, got, expected in v.answer.wrong[:8]:
        lines.append("      {}: got {}, expected {}".format(name, *show_both(got, expected)))
    if len(v.answer.wrong) > 8:
        lines.append(f"      ... and {len(v.answer.wrong) - 8} more")
    if v.cause:
        lines.append(_wrapped(f"Likely cause: {v.cause}"))
    if v.evidence:
        lines.append(f"  (That mistake was tried: {v.evidence}.)")
    if v.answer.printed:
        lines += ["  Your code printed:", indent(v.answer.printed.rstrip()[-300:], "      ")]
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return fill(
        text,
        width=98,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def as_html(v: Verdict) -> str:
    """The same with colours, a table and, where the case has a graph, both answers drawn."""
    e = html.escape
    colour = "#2e7d32" if v.passed else "#757575" if v.todo else "#c62828"
    first = as_text(v).split("\n")[0]
    page = [f'<div style="border-left:4px solid {colour};padding:2px 12px">']
    page.append(f'<p style="color:{colour};margin:4px 0"><b>{_code(e(first))}</b></p>')
    if not (v.passed or v.refused or v.todo):
        assert v.law is not None and v.case is not None and v.answer is not None
        page.append(f"<p><b>The law.</b> {_code(e(v.law.says))}</p>")
        page.append("<p><b>The smallest case that breaks it</b></p>")
        page.append(_pre(v.case.text))
        if v.answer.trouble:
            page.append(f"<p><b>What happened.</b> {e(_what_happened(v.answer.trouble))}</p>")
            if v.answer.trouble.code:
                page.append(_pre(v.answer.trouble.code))
        if v.answer.wrong:
            rows = [["", "<b>got</b>", "<b>expected</b>"]]
            for name, got, want in v.answer.wrong[:8]:
                rows.append([f"<code>{e(name)}</code>", *map(e, show_both(got, want))])
            if len(v.answer.wrong) > 8:
                rows.append([f"... and {len(v.answer.wrong) - 8} more", "", ""])
            page.append(f"<table>{''.join(map(_row, rows))}</table>")
        for title, svg in () if v.answer.trouble else drawings(v.case, v.answer):
            page.append(
                '<figure style="display:inline-block;margin:4px 16px 4px 0">'
                f"<figcaption>{title}</figcaption>{svg}</figure>"
            )
        if v.cause:
            page.append(f"<p><b>Likely cause.</b> {_code(e(v.cause))}")
            page.append(
                f"<br><small>That mistake was tried: {e(v.evidence)}.</small></p>"
                if v.evidence
                else "</p>"
            )
        if v.answer.printed:
            page.append("<p>Your code printed:</p>" + _pre(v.answer.printed[-300:]))
    return "".join([*page, "</div>"])


def _row(cells: list[str]) -> str:
    style = "padding:3px 10px;text-align:left"  # not every page has a style for tables
    return "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"


def _pre(text: str) -> str:
    style = "margin:4px 16px;font-family:monospace"  # notebooks show plain <pre> in their own font
    return f'<pre style="{style}">{html.escape(text)}</pre>'


def _code(text: str) -> str:
    parts = text.split("`")  # `a` -> <code>a</code>, and *a* outside of it -> <em>a</em>
    return "".join(
        f"<code>{p}</code>" if i % 2 else re.sub(r"\*(\w+)\*", r"<em>\1</em>", p)
        for i, p in enumerate(parts)
    )


def _what_happened(trouble: Trouble) -> str:
    """A sentence: the error, and where."""
    text = trouble.text.rstrip(".")
    return f"{text} ({trouble.where})." if trouble.where else f"{text}."


def show_both(got: Any, expected: Any) -> tuple[str, str]:
    """Both as a reader would write them, with as many digits as tell them apart."""
    for digits in (6, 9, 12):
        both = show(got, digits), show(expected, digits)
        if both[0] != both[1]:
            return both
    return show(got, 17), show(expected, 17)


def show(x: Any, digits: int = 6) -> str:
    """A number, truth, text or list as a reader would write it."""
    if isinstance(x, float):
        return f"{x:.{digits}g}"
    if isinstance(x, list):
        return "[" + ", ".join(show(item, digits) for item in x) + "]"
    return {None: "nothing", True: "yes", False: "no"}.get(x, str(x))


def drawings(case: Case, answer: Answer) -> list[tuple[str, str]]:
    """(title, SVG) of the case's graph with the student's gradients and with the right ones, the
    nodes in question lit; or once, if the gradients are not in question. [] if the case has no
    graph, or there is no Graphviz: the words do without it.
    """
    if case.program is None:
        return []
    from autograd.draw import NoGraphviz, draw

    wrong = {name: (got, want) for name, got, want in answer.wrong if name.endswith(".grad")}
    if not all(isinstance(got, float) for got, _ in wrong.values()):
        return []
    pictures = []
    for which, title in enumerate(
        ("your gradients", "the right ones") if wrong else ("the graph",)
    ):
        nodes, lit = case.program.run(Value), []
        for name, node in nodes.items():
            node.label, key = name, f"{name}.grad"
            pair = wrong.get(key) or ((answer.outcome or {}).get(key, 0.0),) * 2
            node.grad = pair[which]
            lit += [node] if key in wrong else []
        try:
            pictures.append((title, draw(nodes[case.program.root], lit=lit).svg))
        except NoGraphviz:
            return []
    return pictures
