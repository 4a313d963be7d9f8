"""What is no solution at all: the wrong kind of thing, the package's own, a look at the answers.

Read from the code, without running it: what its functions and classes use, and what those use, as
far as it was written in the same module.
"""

import dis
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

from autograd.exercises.shield import is_ours
from autograd.exercises.task import Targets, Task

FRAMES = {  # names that only code which looks into its caller needs
    "_getframe",
    "_getframemodulename",
    "_current_frames",
    "f_back",
    "f_locals",
    "f_globals",
    "f_builtins",
    "tb_frame",
    "gi_frame",
    "cr_frame",
    "get_objects",
    "get_referrers",
    "__subclasses__",
    "currentframe",
}
HARMLESS = {"check", "progress"}  # a notebook may check itself


def refusal(task: Task, targets: Targets) -> str:
    """Why these targets are not tried, or ""."""
    if len(targets) != len(task.targets):
        wanted = ", ".join(task.targets)
        return f'this task checks {wanted}: write check("{task.name}", {wanted})'
    forbidden = {id(thing): name for name, thing in _forbidden(task)}
    for name, thing in zip(task.targets, targets):
        problem = _wrong_kind(name, thing) or _from_the_package(name, thing, forbidden)
        if problem:
            return problem
    for code, names in written(*targets):
        used = next((forbidden[id(x)] for x in _used(code, names) if id(x) in forbidden), "")
        if used:
            return f"your code uses `{used}`, the package's own answer; the task is to write it"
    name = peeks(*targets)
    return f"your code uses {name!r} to look into the checker; take that out" if name else ""


def _forbidden(task: Task) -> Iterator[tuple[str, Any]]:
    """The package's own answers to this task, by name."""
    for name in task.forbidden:
        module, _, attribute = name.rpartition(".")
        yield name, getattr(import_module(module), attribute)


def _wrong_kind(name: str, thing: Any) -> str:
    if not callable(thing):
        return f"{name} must be a function or a class, but this is {_shown(thing)}"
    if name[0].isupper() and not isinstance(thing, type):
        kind = "a function" if hasattr(thing, "__code__") else f"a {type(thing).__name__}"
        return f"{name} must be a class (class {name}: ...), but this is {kind}"
    return ""


def _shown(thing: Any) -> str:
    try:
        return f"{thing!r:.60}"
    except Exception:  # its __repr__ is the student's
        return f"a {type(thing).__name__}"


def _from_the_package(name: str, thing: Any, forbidden: dict[int, str]) -> str:
    module = str(getattr(thing, "__module__", "")).split(".")[0]
    ancestors = getattr(thing, "__mro__", ())
    own = module in ("autograd", "nn") or any(id(c) in forbidden for c in ancestors)
    return f"this {name} comes from the package itself; the task is to write your own" * own


def peeks(*things: Any) -> str:
    """The name by which the code of `things` (functions, classes, code) looks into the checker,
    or ""."""
    for thing in things:
        module = getattr(thing, "__module__", None)
        if isinstance(module, str) and is_ours(module):
            return module
    for code, _ in written(*things):
        imports_ours = "autograd.exercises" in code.co_names and not HARMLESS & {*code.co_names}
        for name in code.co_names:
            hidden = is_ours(name) and (name != "autograd.exercises" or imports_ours)
            if name in FRAMES or hidden:
                return name
        for constant in code.co_consts:
            if isinstance(constant, str) and is_ours(constant):
                return constant
    return ""


Names = Callable[[str], Any]  # what a name of the code's module stands for, or None


def written(*things: Any) -> Iterator[tuple[CodeType, Names]]:
    """All code of the `things` and of what they use, as far as it is from the same modules."""
    modules = {getattr(thing, "__module__", None) for thing in things}
    ahead: list[tuple[Any, Names]] = [(thing, lambda name: None) for thing in things]
    seen = set()
    while ahead:
        thing, names = ahead.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, CodeType):
            yield thing, names
            ahead += [(constant, names) for constant in thing.co_consts]
        elif isinstance(thing, FunctionType) and thing.__module__ in modules:
            names = _names_of(thing)
            ahead += [(part, names) for part in _parts_of(thing)]
        elif isinstance(thing, type) and thing.__module__ in modules:
            ahead += [(part, names) for part in (type(thing), *vars(thing).values())]
        else:
            ahead += [(part, names) for part in _inside(thing)]


def _parts_of(function: FunctionType) -> list[Any]:
    """Its code, and the things that it reaches: globals, free variables, defaults."""
    used = function.__code__.co_names
    free = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    reached = [v for k, v in function.__globals__.items() if k in used]
    return [function.__code__, *reached, *free, *(function.__defaults__ or ())]


def _names_of(function: FunctionType) -> Names:
    """What its names stand for: defaults, free variables, globals."""
    code, defaults = function.__code__, function.__defaults__ or ()
    last = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
    cells = zip(code.co_freevars, function.__closure__ or ())
    free = {name: cell.cell_contents for name, cell in cells if _filled(cell)}
    return {**function.__globals__, **free, **dict(zip(last, defaults))}.get


def _filled(cell: Any) -> bool:
    try:
        return bool(cell.cell_contents) or True
    except ValueError:  # it has no contents yet
        return False


def _inside(thing: Any) -> tuple[Any, ...]:
    """What is wrapped in a property, a static method, a partial, a bound method."""
    names = ("fget", "fset", "__func__", "func", "__wrapped__")
    kinds = (property, staticmethod, classmethod)
    if isinstance(thing, kinds) or type(thing).__name__ in ("partial", "method", "cached_property"):
        return tuple(getattr(thing, name) for name in names if hasattr(thing, name))
    return ()


def _used(code: CodeType, names: Names) -> Iterator[Any]:
    """The objects that the code names: `graph.topological_order`, also under an alias."""
    local: dict[str, Any] = {}
    module: Any = None  # that an import statement has just brought
    thing: Any = None  # on top of the stack, if it is known
    for step in dis.get_instructions(code):
        what, name = step.opname, step.argval
        if what == "IMPORT_NAME":
            thing = module = _imported(name)
        elif what == "IMPORT_FROM":
            thing = getattr(module, name, None)
        elif what.startswith("STORE_") and isinstance(name, str):
            local[name] = thing
        elif what.startswith(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF")):
            thing = local[name] if name in local else names(str(name))
        elif what.startswith(("LOAD_ATTR", "LOAD_METHOD")):
            thing = getattr(thing, str(name), None) if isinstance(thing, ModuleType) else None
        elif what not in ("PUSH_NULL", "CACHE", "COPY", "SWAP", "RESUME"):
            thing = None
        if thing is not None:
            yield thing


def _imported(name: str) -> Any:
    if name.split(".")[0] not in ("autograd", "nn") or is_ours(name):
        return None
    try:
        return import_module(name)
    except ImportError:
        return None
