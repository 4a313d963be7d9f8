"""Why a gradient is what it is (`explain`), and where and why one goes wrong."""

import linecache
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, ClassVar, TypeAlias, TypeVar, overload

from autograd import value as engine
from autograd.graph import expand, topological_order
from autograd.labels import Names, names_of, one_line
from autograd.ops import Op
from autograd.recording import outer_recorder, recording
from autograd.steps import Backward, need_value, shortened, show, spell, steps
from autograd.value import Constant, Value

F = TypeVar("F", bound=Callable[..., Any])
LISTED = 20  # paths; of more than these, `explain` gives the number only
EXACT = 10**15  # a count above this is a float: it would grow by a digit with every few nodes


@dataclass(frozen=True)
class Path:
    """One way from the root to the leaf, and the product of the local derivatives along it."""

    nodes: tuple[Value, ...]
    partials: tuple[float, ...]
    product: float
    names: Names = field(repr=False, compare=False)

    def __str__(self) -> str:
        called = [self.names[v] for v in self.nodes]
        way = " → ".join(shortened(called))
        if len(self.partials) < 2:
            return f"{way}:  {show(self.product)}"
        factors = spell("*", [show(p) for p in self.partials])
        return f"{way}:  {factors} = {show(self.product)}"


@dataclass(frozen=True)
class Explanation:
    """How `root` depends on `leaf`; print it to read it.

    gradient: d(root)/d(leaf), as `backward()` finds it. count: how many paths lead from the root
    to the leaf, exact up to 10**15, from there on a float. paths: all of them if they are few
    enough to list, else none. edges: all that lie on a path, each as (child, place of the parent
    among its parents).
    """

    root: Value
    leaf: Value
    gradient: float
    count: float
    paths: tuple[Path, ...] = field(repr=False)
    edges: tuple[tuple[Value, int], ...] = field(repr=False)
    names: Names = field(repr=False, compare=False)
    drawing: ClassVar[Any]  # the graph with the paths lit; set by autograd.draw, like the next
    _repr_mimebundle_: ClassVar[Any]

    def __str__(self) -> str:
        root, leaf = self.names[self.root], self.names[self.leaf]
        if not self.count:
            return f"{root} does not depend on {leaf}: no path leads there, so ∂{root}/∂{leaf} = 0"
        head = f"∂{root}/∂{leaf} = {show(self.gradient)}, by {_counted(self.count)}"
        if not self.paths:
            return (
                f"{head}.\nThese are too many to list. backward() does not walk them one by one: "
                f"it adds up\nwhat they share, and so looks only once at each edge."
            )
        lines = [head + ", with the product of the local derivatives along each:"]
        lines += [f"  {path}" for path in self.paths]
        if self.count > 1:
            total = spell("+", [show(path.product) for path in self.paths])
            lines.append(f"  their sum:  {total} = {show(self.gradient)}")
        return "\n".join(lines)


def explain(root: Value, leaf: Value) -> Explanation:
    """Every path from `root` to `leaf` with the product of the derivatives along it, and the sum.

    The chain rule says that this sum is d(root)/d(leaf). `leaf` may be any node below `root`.
    Up to 20 paths are listed; above, they are only counted, without walking them: a chain of a
    hundred `x = x * x` has 2**100. Nothing that you hold is changed.
    """
    need_value(root, "explain(loss, w)")
    need_value(leaf, "explain(loss, w)")
    expand(root)
    order = topological_order(root)
    ways: dict[Value, float] = {}  # how many paths lead from a node to the leaf
    for v in order:
        ways[v] = 1 if v is leaf else sum(ways[p] for p in v.parents)
        if ways[v] > EXACT:
            ways[v] = float(ways[v])
    names = dict(names_of(order))
    names.setdefault(leaf, one_line(leaf.label) or "this Value")
    gradient = 1.0 if leaf is root else 0.0
    for step in steps(root) if ways[root] else ():
        if isinstance(step, Backward) and step.parent is leaf:
            gradient = step.after
    paths = tuple(_walk(root, leaf, ways, names)) if 0 < ways[root] <= LISTED else ()
    edges = tuple([(v, i) for v in order for i, p in enumerate(v.parents) if ways[p]])
    return Explanation(root, leaf, gradient, ways[root], paths, edges, names)


def _walk(root: Value, leaf: Value, ways: dict[Value, float], names: Names) -> Iterator[Path]:
    """The paths, depth first; it never enters a node from which the leaf cannot be reached."""
    ahead: list[tuple[Value, _Trail]] = [(root, None)]
    while ahead:
        node, trail = ahead.pop()
        if node is leaf:
            edges = [*_along(trail)][::-1]
            partials = tuple([d for _, d in edges])
            nodes = (*[v for v, _ in edges], leaf)
            yield Path(nodes, partials, math.prod(partials), names)
        else:
            onward = zip(node.parents, node.partials)
            ahead += [(p, (node, d, trail)) for p, d in onward if ways[p]][::-1]


_Trail: TypeAlias = "tuple[Value, float, _Trail] | None"  # the last edge, and those before it


def _along(trail: _Trail) -> Iterator[tuple[Value, float]]:
    while trail:
        node, partial, trail = trail
        yield node, partial


def _counted(count: float) -> str:
    if isinstance(count, int):
        return f"{count:,} path{'s' if count > 1 else ''}"
    return f"about {count:.3g} paths" if math.isfinite(count) else "more than 1e308 paths"


# --- the first number that is none ----------------------------------------------------------------


class AnomalyError(ArithmeticError):
    """An inf or NaN has turned up. node: where. root: the root of the graph that shows it."""

    drawing: Any  # the node and what it was computed from; set by autograd.draw

    def __init__(self, message: str, node: Value, root: Value) -> None:
        super().__init__(message)
        self.node = node
        self.root = root


class _Traced(Value):
    """A Value that remembers which lines made it, the innermost first: (file, line) pairs."""

    __slots__ = ("made_at",)
    made_at: list[tuple[str, int]]


@overload
def detect_anomaly() -> recording: ...
@overload
def detect_anomaly(function: F) -> F: ...
def detect_anomaly(function: Any = None) -> Any:
    """Inside, the first inf or NaN that an op or a `backward()` makes raises `AnomalyError`.

    The error names the node, its inputs, and the file and line (or notebook cell and line) that
    made it; `error.drawing` shows the node and what it was computed from. It costs time: use it
    to find a fault, not to train. Other threads and tasks are not looked at.

        with detect_anomaly():
            loss = model_loss(model, data)
            loss.backward()
    """
    block = recording(_record_traced, _check_gradients)
    return block if function is None else block(function)


def _record_traced(op: Op, parents: tuple[Value, ...]) -> Value:
    plain = (outer_recorder() or engine.record)(op, parents)
    made = engine.new(_Traced)
    made.data = plain.data
    made.grad = 0.0
    made.op, made.parents, made.partials = plain.op, plain.parents, plain.partials
    made.made_at = _lines(sys._getframe(1))
    if not math.isfinite(made.data):
        raise AnomalyError(_forward_report(made, op, parents), made, made)
    return made


def _check_gradients(root: Value) -> None:
    order = topological_order(root)
    for v in reversed(order):  # as the sweep went: the first bad one is the cause of the rest
        if not (math.isfinite(v.grad) or isinstance(v, Constant)):
            raise AnomalyError(_backward_report(v, order), v, root)


def _forward_report(v: Value, op: Op, parents: tuple[Value, ...]) -> str:
    called = [one_line(p.label) or _nameless(p) for p in parents]
    numbers = spell(op.symbol, [show(p.data) for p in parents])
    text = f"the forward pass made {show(v.data)}: {op.name} gave {numbers} = {show(v.data)}"
    inputs = ", ".join(shortened([f"{c} = {show(p.data)}" for c, p in zip(called, parents)]))
    bad = [c for c, p in zip(called, parents) if not math.isfinite(p.data)]
    text += f"\n  its inputs: {inputs}{_made(v)}"
    if bad:
        return text + (
            f"\nThe input {shortened(bad)[0]} was not finite to begin with: look at where it "
            "comes from."
        )
    return text + _advice(op.symbol)


def _backward_report(v: Value, order: list[Value]) -> str:
    names = names_of(order)
    text = f"the backward pass made {names[v]}.grad = {show(v.grad)}"
    into = [(c, d) for c in order for p, d in zip(c.parents, c.partials) if p is v]
    for child, partial in into:
        if not math.isfinite(partial * child.grad):
            name = names[child]
            called = spell(child.op, [names[p] for p in child.parents])
            inputs = [f"{names[p]} = {show(p.data)}" for p in child.parents]
            return (
                f"{text}: ∂{name}/∂{names[v]} · {name}.grad = "
                f"{spell('*', [show(partial), show(child.grad)])} = {show(partial * child.grad)}"
                f"\n  {name} = {called} = {show(child.data)}, "
                f"its inputs: {', '.join(shortened(inputs))}{_made(child)}{_advice(child.op)}"
            )
    if not math.isfinite(sum(partial * child.grad for child, partial in into)):
        return f"{text}: each contribution is finite, but their sum is not. {_TOO_LARGE}"
    return f"{text}: it was not finite before this pass. Call zero_grad() before backward()."


def _nameless(v: Value) -> str:
    return f"the result of {v.op}" if v.op else "an input without a label"


_TOO_LARGE = "The numbers grow too large: smaller weights or learning rate, or clip_grad_norm."
_ADVICE = {
    "log": "log needs inputs above 0: for probabilities use cross_entropy or logsumexp, which "
    "never take the log of 0; else add a small number inside, log(x + 1e-9).",
    "exp": "exp overflows above 709: use logsumexp, softplus or sigmoid, which are safe, or make "
    "its input smaller.",
    "/": "A division by 0 (or by next to nothing): add a small number below, a / (b + 1e-9).",
    "sqrt": "sqrt has no value below 0 and an infinite slope at 0: add a small number inside, "
    "sqrt(x + 1e-9).",
    "**": "A power of 0 or of a negative number: (-8) ** (1/3) is no real number, and x ** 0.5 has "
    "an infinite slope at 0. Keep the base above 0.",
}


def _advice(op: str) -> str:
    return f"\nWhat usually helps: {_ADVICE.get(op, _TOO_LARGE)}"


def _lines(frame: FrameType | None) -> list[tuple[str, int]]:
    """Where we are, the innermost first: the line outside of the engine that called for an op,
    and if that is in `nn`, also the line that called `nn`."""
    lines = []
    while frame:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package != "autograd":
            lines.append((frame.f_code.co_filename, frame.f_lineno))
            if package != "nn":
                break
        frame = frame.f_back
    return [*lines[:1], *lines[1:][-1:]]


def _made(v: Value) -> str:
    """Where `v` was made, with the line itself."""
    if not isinstance(v, _Traced):
        return "\n  made before detect_anomaly() began: put the forward pass inside it, too"
    text, how = "", "made in"
    for file, line in v.made_at:
        source = linecache.getline(file, line).strip()
        text += f"\n  {how} {_cell(file) or file}, line {line}" + f":  {source}" * bool(source)
        how = "called from"
    return text


def _cell(file: str) -> str:
    """The notebook cell that IPython compiled under the name `file`: "Cell In[3]"; else ""."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    kind_and_name = shell.compile.format_code_name(file) if shell else None
    return " ".join(kind_and_name) if kind_and_name else ""


# --- the health of a model's gradients ------------------------------------------------------------


@dataclass(frozen=True)
class LayerHealth:
    """One layer. size: the root mean square of its parameters' gradients. dead: how many of its
    `units` (neurons) got no gradient at all."""

    name: str
    layer: str
    parameters: int
    size: float
    units: int
    dead: int


@dataclass(frozen=True)
class Health:
    """What `gradient_health` found; print it to read it. words: the findings, a sentence each."""

    layers: tuple[LayerHealth, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        rows = [("layer", "", "parameters", "gradient (rms)", "dead units")]
        for h in self.layers:
            dead = f"{h.dead} of {h.units} ({h.dead / h.units:.0%})" if h.units else "-"
            rows.append((h.name, h.layer, f"{h.parameters:,}", show(h.size), dead))
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*table, "", *self.words])


def gradient_health(model: Any) -> Health:
    """How gradients reach the layers of `model`: call it after `loss.backward()`.

    For each layer, the root mean square of its parameters' gradients and the share of dead units
    (neurons all of whose gradients are exactly 0: on these data they learn nothing), and in words
    whether gradients vanish or explode on their way back, with what usually helps.
    """
    layers = []
    for name, module in model.named_modules():
        if module.level == "layer" and (parameters := module.parameters()):
            size = math.hypot(*[p.grad for p in parameters]) / math.sqrt(len(parameters))
            units = [m for _, m in module.named_modules() if m.level == "neuron"]
            dead = sum(not any(p.grad for p in unit.parameters()) for unit in units)
            found = (name or "(all)", repr(module), len(parameters), size, len(units), dead)
            layers.append(LayerHealth(*found))
    return Health(tuple(layers), tuple(_findings(layers)))


DEAD_SHARE = 0.5  # of a layer's units: from here on it is worth a word
RATIO = 1000.0  # between the gradients of two layers: so far apart, no learning rate suits both
LARGE = 1000.0  # the root mean square of a layer's gradients


def _findings(layers: list[LayerHealth]) -> Iterator[str]:
    if not any(h.size for h in layers):
        yield (
            "No gradient has arrived anywhere. Call loss.backward() first; if you did, the loss "
            "does not depend on the parameters, or is flat here (an example that is already right, "
            "or a unit that is off or saturated, passes nothing on)."
        )
        return
    fine = True
    for h in layers:
        if h.units and h.dead >= DEAD_SHARE * h.units:
            fine = False
            yield (
                f"{h.name}: {h.dead} of {h.units} units are dead on these data: no gradient "
                "reaches their weights.\nWhat usually helps: a smaller learning rate, "
                "leaky_relu instead of relu, nn.init's He initialisation, inputs scaled "
                "to about 1."
            )
        if not h.size <= LARGE:
            fine = False
            yield (
                f"{h.name}: gradients explode (rms {show(h.size)}).\nWhat usually helps: "
                "clip_grad_norm, a smaller learning rate, smaller initial weights, LayerNorm."
            )
    live = [h for h in layers if h.size and math.isfinite(h.size)]
    if live and live[0].size * RATIO < live[-1].size:
        fine = False
        yield (
            f"gradients vanish on their way back: {show(live[-1].size)} in {live[-1].name}, but "
            f"only {show(live[0].size)} in {live[0].name}.\nWhat usually helps: relu instead of "
            "tanh or sigmoid, nn.init's Xavier or He initialisation, fewer layers, LayerNorm."
        )
    elif live and live[0].size > RATIO * live[-1].size:
        fine = False
        yield (
            f"gradients grow on their way back: {show(live[-1].size)} in {live[-1].name}, but "
            f"{show(live[0].size)} in {live[0].name}.\nWhat usually helps: smaller initial "
            "weights, clip_grad_norm, LayerNorm."
        )
    if fine:
        yield "Gradients of a healthy size reach every layer."
