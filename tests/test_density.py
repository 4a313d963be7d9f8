"""How the code reads: short functions, about a dozen AST nodes a line, comprehensions two deep.

A line with many nodes is several lines joined. What is above the limits today is counted below, by
folder: the numbers may only go down. (micrograd's median is 9.6 nodes a line, and none above 18.)
"""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LENGTH, DENSITY, DEPTH = 40, 18.0, 2
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Folder: (how many functions are above a limit, the median of nodes a line). Lower them when you
# can; a folder that is not here has none, and a median of 12.
CEILINGS = {
    "autograd": (12, 12.3),
    "autograd/compiler": (130, 16.7),
    "autograd/draw": (35, 13.7),
    "autograd/exercises": (55, 13.0),
    "autograd/runtime": (25, 13.1),
    "nn": (28, 12.3),
}


def code_lines(f: Function, source: list[str]) -> list[str]:
    """Those of a function without blank ones, comments and the docstring."""
    skipped: set[int] = set()
    if ast.get_docstring(f) is not None:
        first = f.body[0]
        skipped = set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    end = f.end_lineno or f.lineno
    lines = [source[i - 1].strip() for i in range(f.lineno, end + 1) if i not in skipped]
    return [line for line in lines if line and not line.startswith("#")]


def depth(node: ast.AST) -> int:
    """How many comprehensions stand inside each other."""
    inside = max(map(depth, ast.iter_child_nodes(node)), default=0)
    return inside + isinstance(node, COMPREHENSIONS)


def functions(source: str) -> Iterator[tuple[Function, int, float, int]]:
    """Each function of five code lines or more: (it, its lines, nodes a line, depth)."""
    text = source.splitlines()
    for f in ast.walk(ast.parse(source)):
        if isinstance(f, Function):
            lines = len(code_lines(f, text))
            if lines >= 5:
                yield f, lines, len(list(ast.walk(f))) / lines, depth(f)


def folders() -> dict[str, list[Path]]:
    """The files of each package, those of its subfolders with them."""
    found: dict[str, list[Path]] = {}
    for top in ("autograd", "nn"):
        for path in sorted((ROOT / top).rglob("*.py")):
            below = path.parent.relative_to(ROOT).parts
            folder = "nn" if top == "nn" else "/".join(below[:2])
            found.setdefault(folder, []).append(path)
    return found


def measured(paths: list[Path]) -> tuple[list[str], float]:
    """What is above a limit, each with its figures, and the median density."""
    above, densities = [], []
    for path in paths:
        for f, lines, density, nested in functions(path.read_text(encoding="utf-8")):
            densities.append(density)
            if lines > LENGTH or density > DENSITY or nested > DEPTH:
                name = f"{path.relative_to(ROOT)}:{f.lineno} {f.name}"
                above.append(f"{name}: {lines} lines, {density:.1f} nodes a line, depth {nested}")
    return above, statistics.median(densities or [0.0])


@pytest.mark.parametrize("folder", folders())
def test_functions_are_short_and_their_lines_hold_one_idea(folder: str) -> None:
    above, median = measured(folders()[folder])
    most, highest = CEILINGS.get(folder, (0, 12.0))
    report = "\n".join(above)
    assert len(above) <= most, f"{len(above)} functions are above a limit, not {most}:\n{report}"
    assert median <= highest, f"the median is {median:.1f} nodes a line"


def test_the_measure_sees_what_it_should() -> None:
    joined = "def f(x):\n" + "    y = [a * b + c * d for a, b in zip(x, x) for c, d in x]\n" * 5
    ((_, lines, density, nested),) = functions(joined)
    assert (lines, nested) == (6, 1) and density > DENSITY
    plain = 'def f(x):\n    """Not\n    counted."""\n\n    # nor this\n' + "    x += 1\n" * 4
    ((_, lines, density, nested),) = functions(plain)
    assert (lines, nested) == (5, 0) and density < 6
    deep = (
        "def f(x):\n    return [\n        [\n            {a for a in b} for b in c\n"
        + "        ] for c in x]"
    )
    ((_, _, _, nested),) = functions(deep)
    assert nested == 3
