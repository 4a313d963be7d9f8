"""Who may import whom, what the bare install needs, and what `__all__` promises."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*ROOT.glob("autograd/**/*.py"), *ROOT.glob("nn/**/*.py")])

ENGINE = {"autograd.number", "autograd.ops", "autograd.graph", "autograd.value"}
READERS = {
    "autograd.recording",
    "autograd.custom",
    "autograd.differences",
    "autograd.functional",
    "autograd.labels",
    "autograd.pickling",
    "autograd.steps",
    "autograd.diagnose",
}
MAY_IMPORT = {  # unit -> the units it may import; a unit is a module or a whole subpackage
    "autograd.number": set(),
    "autograd.graph": set(),
    "autograd.ops": {"autograd.number"},
    "autograd.value": ENGINE - {"autograd.value"},
    "autograd.recording": {"autograd.ops", "autograd.value"},
    "autograd.functional": ENGINE | {"autograd.recording"},
    "autograd.custom": ENGINE,
    "autograd.differences": ENGINE | {"autograd.recording", "autograd.functional"},
    "autograd.pickling": ENGINE,
    "autograd.labels": ENGINE,
    "autograd.steps": ENGINE | {"autograd.functional", "autograd.labels"},
    "autograd.diagnose": ENGINE | {"autograd.labels", "autograd.recording", "autograd.steps"},
    "autograd.draw": ENGINE | READERS,
    "autograd.compiler": ENGINE | {"autograd.recording"},
    "autograd.runtime": ENGINE | {"autograd.recording", "autograd.compiler"},
    "autograd.jit": ENGINE | {"autograd.compiler", "autograd.runtime"},
    "autograd": ENGINE | READERS | {"autograd.pickling", "autograd.draw", "autograd.jit"},
    "nn": ENGINE | READERS | {"autograd", "autograd.draw", "autograd.jit"},
}
ANYTHING = {"autograd.__main__", "autograd.exercises"}  # they stand on top of both packages


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    """autograd.draw.boxes -> autograd.draw; nn.layers -> nn; autograd -> autograd."""
    top, *rest = module.split(".")
    return f"autograd.{rest[0]}" if top == "autograd" and rest else top


def imports(source: str) -> set[str]:
    """The units of ours that a file imports anywhere, inside functions too."""
    return {unit(m) for m in files(source)}


def files(source: str) -> set[str]:
    """The modules of ours that it imports."""
    modules = {module_name(p) for p in FILES}
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            for alias in node.names:  # `from autograd import graph` imports the module
                full = f"{node.module}.{alias.name}"
                found.add(full if full in modules else str(node.module))
    return {m for m in found if m.split(".")[0] in ("autograd", "nn")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way_only(path: Path) -> None:
    importer = unit(module_name(path))
    if importer not in ANYTHING:
        assert importer in MAY_IMPORT, f"say in MAY_IMPORT what {importer} may import"
        assert imports(path.read_text(encoding="utf-8")) <= MAY_IMPORT[importer] | {importer}


def test_no_file_imports_itself_by_way_of_others() -> None:
    """File by file, with the imports inside of functions: a circle is two files that are one."""
    reads = {module_name(path): files(path.read_text(encoding="utf-8")) for path in FILES}
    assert circles(reads) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def circles(reads: dict[str, set[str]]) -> list[list[str]]:
    """Groups of files of which each reaches each: what is left when files that import nothing, and
    then those that nobody imports, are taken away again and again."""
    left = {name: found - {name} for name, found in reads.items()}
    while True:
        used = set().union(*left.values())
        kept = {name for name, found in left.items() if found & left.keys() and name in used}
        if kept == left.keys():
            return [sorted(kept)] if kept else []
        left = {name: left[name] & kept for name in kept}


def test_the_import_reader_sees_every_form_of_import() -> None:
    source = (
        "def f():\n  import nn.layers\n  from autograd import graph\n  from autograd.draw import x"
    )
    assert imports(source) == {"nn", "autograd.graph", "autograd.draw"}


BARE = """
import sys
before = set(sys.modules)
import autograd, nn
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(tops - set(sys.stdlib_module_names) - {"autograd", "nn", "graphviz"}))
"""


def test_importing_needs_only_the_standard_library_and_graphviz() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_all_is_exactly_what_the_package_offers(package: str) -> None:
    module = __import__(package)
    offered = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert len(module.__all__) == len(set(module.__all__))
    assert set(module.__all__) - offered <= {  # submodules that are there to be named
        name for name in module.__all__ if inspect.ismodule(getattr(module, name, None))
    }
    assert offered <= set(module.__all__)
