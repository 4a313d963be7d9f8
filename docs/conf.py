"""The site: `python -m sphinx docs site` (extra `docs`). Pages are Markdown, the reference comes
from the docstrings, the lessons from their notebooks as they were run last."""

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

project = "glassgrad"
author = "the glassgrad founders"
copyright = "the glassgrad founders, MIT licence"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx-mathjax-offline"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "glassgrad"
html_copy_source = False
nb_execution_mode = "off"  # the notebooks are committed with their outputs
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]


def copied(app):
    """Pages that live elsewhere in the repository, where readers of the code look for them."""
    lessons = HERE / "lessons"
    shutil.rmtree(lessons, ignore_errors=True)
    lessons.mkdir()
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        shutil.copy(notebook, lessons)
    for name in ("CONTRIBUTING", "CHANGELOG"):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        text = re.sub(r"\[([^\]]*)\]\((?!http|#)[^)]*\)", r"`\1`", text)  # links to the code
        (HERE / f"{name.lower()}.md").write_text(text, encoding="utf-8")


def as_markup(app, what, name, obj, options, lines):
    """Our docstrings are plain text with `code` in backticks: nothing else in them is markup."""
    text = "\n".join(lines)
    parts = re.split(r"(`[^`]+`)", text)
    escaped = [
        f"`{part}`" if part.startswith("`") else re.sub(r"([*|\\_])", r"\\\1", part)
        for part in parts
    ]
    lines[:] = "".join(escaped).split("\n")


def setup(app):
    app.connect("builder-inited", copied)
    app.connect("autodoc-process-docstring", as_markup)
