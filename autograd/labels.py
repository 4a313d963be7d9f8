"""What to call the nodes of a graph: by their labels, by their place in a model, by number.

The weights of every neuron are labelled w0, w1, ..., so in a network a label alone does not tell
which neuron's weight is meant. A module marks what it returns (see `autograd.draw.boxes`), so
from the marks in a graph we find its models, and from a model the path to each parameter.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from unicodedata import bidirectional

from autograd.value import Constant, Value

Names: TypeAlias = Mapping[Value, str]


def label_of(v: Value) -> str:
    """The label as text, whatever was given for one; "" if there is none."""
    return "" if v.label is None else str(v.label)


def one_line(label: Any) -> str:
    """A label as it may stand in a sentence: on one line, not overlong, and kept apart from the
    rest if it runs from right to left."""
    text = "" if label is None else str(label)[:1000]
    text = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"\u2068{text}\u2069" if any(bidirectional(c) in ("R", "AL") for c in text) else text


def names_of(order: Sequence[Value]) -> Names:
    """What to call each node of a graph in a sentence: its label (see `labels_of`), its number if
    it is a plain number that met a Value, else n0, n1, ... by its place in `order`."""
    labels = labels_of(order)
    return {
        v: one_line(labels[v]) or (f"{v.data:.4g}" if isinstance(v, Constant) else f"n{i}")
        for i, v in enumerate(order)
    }


def labels_of(order: Sequence[Value]) -> dict[Value, str]:
    """The label of each node; where parameters of a model share one, or have none, as much of the
    path to them as tells them apart: `w0`, or `neurons.1.w0`, or `layers.0.neurons.1.w0`."""
    labels = {v: label_of(v) for v in order}
    paths = {v: path for v, path in _parameter_paths(order).items() if v in labels}
    taken = Counter(label for v, label in labels.items() if label and not v.parents)
    clashing: dict[str, dict[Value, str]] = defaultdict(dict)
    for v, path in paths.items():
        if not labels[v] or taken[labels[v]] > 1:
            clashing[labels[v]][v] = path
    for group in clashing.values():
        labels |= dict(zip(group, shortest(list(group.values()))))
    return labels


def shortest(paths: Sequence[str]) -> list[str]:
    """The ends of these dotted paths, as short as keeps them apart and beginning with a word."""
    parts = [path.split(".") for path in paths]
    for length in range(1, max(map(len, parts))):
        ends = [_from_a_word(part, length) for part in parts]
        if len(set(ends)) == len(ends):
            return ends
    return list(paths)


def _from_a_word(parts: list[str], length: int) -> str:
    start = max(len(parts) - length, 0)
    while start and parts[start].isdigit():
        start -= 1
    return ".".join(parts[start:])


def module_paths(order: Sequence[Value]) -> dict[int, str]:
    """The path to each module that marked a node of the graph, by the module's id()."""
    return {
        id(module): path
        for prefix, model in _models(order)
        for name, module in model.named_modules()
        if (path := prefix + name)
    }


def _parameter_paths(order: Sequence[Value]) -> dict[Value, str]:
    paths: dict[Value, str] = {}
    for prefix, model in _models(order):
        for name, v in model.named_parameters():
            paths.setdefault(v, prefix + _with_label(name, label_of(v)))
    return paths


def _with_label(path: str, label: str) -> str:
    """`layers.0.neurons.1.w.0` with the label `w0`: `layers.0.neurons.1.w0`."""
    parts = path.split(".")
    for k in range(1, len(parts) + 1):
        if "".join(parts[-k:]) == label:
            return ".".join([*parts[:-k], label])
    return path


def _models(order: Sequence[Value]) -> Iterator[tuple[str, Any]]:
    """The outermost modules that marked nodes, each with a prefix if there are several."""
    marked: dict[int, Any] = {}
    for v in order:
        mark = getattr(v, "module", None)
        while mark:
            marked[id(mark[0])] = mark[0]
            mark = mark[2]
    found = [m for m in marked.values() if hasattr(m, "named_modules")]
    inner = {id(part) for m in found for name, part in m.named_modules() if name}
    models = [m for m in found if id(m) not in inner]
    for i, model in enumerate(models):
        yield (f"{type(model).__name__.lower()}{i}." if len(models) > 1 else ""), model
