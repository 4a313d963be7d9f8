"""The pages under docs/: their examples print what they say, and no public name is missing."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from docs import make_architecture, make_ops

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = ("contributing.md", "changelog.md")  # copies that a build of the site leaves behind
PAGES = [p for p in sorted(DOCS.rglob("*.md")) if p.name not in GENERATED]


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def claimed(code: str) -> list[str]:
    """What the comments beside the print calls say will be printed."""
    return re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_print_what_is_beside_them(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page run one after another, as a reader would run them. (A block marked py,
    not python, needs what the reader has, a folder say, and is not run.)"""
    pytest.importorskip("pygraphviz")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "docs"}
    for code in blocks(page, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        lines = printed.getvalue().splitlines()
        if claims := claimed(code):
            assert lines == claims, code
        elif lines:
            assert "\n".join([*lines, ""]) in blocks(page, "text"), code


MODULES = {
    "autograd": (autograd, ["autograd", "ops"]),
    "nn": (nn, ["nn"]),
    "nn.optim": (nn.optim, ["optim"]),
    "nn.init": (nn.init, ["init"]),
    "nn.schedules": (nn.schedules, ["schedules"]),
}


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_an_entry_with_an_example(name: str) -> None:
    module, pages = MODULES[name]
    found = {}
    for page in pages:
        text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
        for entry in text.split("\n## ")[1:]:
            found[entry.split("\n")[0].strip()] = entry
    public = getattr(module, "__all__", None) or [
        key
        for key, x in vars(module).items()
        if getattr(x, "__module__", "") == name and not key.startswith("_") and callable(x)
    ]
    modules = {key for key in public if type(getattr(module, key)).__name__ == "module"}
    assert sorted(set(public) - modules) == sorted(found)
    assert all("```python\n" in entry for entry in found.values())


def test_the_architecture_page_shows_what_the_stages_print() -> None:
    page = DOCS / "architecture.md"
    assert page.read_text(encoding="utf-8") == make_architecture.page(), (
        "run docs/make_architecture.py"
    )


def test_the_ops_are_those_of_the_table() -> None:
    page = DOCS / "reference" / "ops.md"
    assert page.read_text(encoding="utf-8") == make_ops.reference(), "run docs/make_ops.py"
