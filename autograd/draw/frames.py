"""The steps of both passes as a page shows them: one by one, or all those of a neuron as one.

Each frame says what it does in words, for a page without scripts, and which steps it consists of,
for the page's script, which finds the same words itself (engine.js) once a number was changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from autograd.draw.boxes import Box
from autograd.labels import Names
from autograd.steps import Backward, Earlier, Forward, Parts, Seed, Step, show, spell, steps
from autograd.value import Constant, Value


@dataclass(frozen=True)
class Update:
    """Gradient descent on one parameter: `p.data -= lr * p.grad`, the third pass."""

    node: Value
    rate: float
    grad: float
    names: Names = field(repr=False, compare=False)

    @property
    def after(self) -> float:
        return self.node.data - self.rate * self.grad

    @property
    def parts(self) -> Parts:
        name = self.names[self.node]
        step = spell("*", [show(self.rate), show(self.grad)])
        numbers = f" = {show(self.node.data)} - {step} → "
        return f"{name}.data -= lr · {name}.grad", numbers, show(self.after), ""

    def __str__(self) -> str:
        return "".join(self.parts)


Shown: TypeAlias = Step | Update


class Frames:
    """The frames of a graph whose nodes are shown in `boxes`."""

    def __init__(
        self, root: Value, boxes: Sequence[Box], names: Names, parameters: list[Value], rate: float
    ) -> None:
        self.boxes = boxes
        self.place = {v: i for i, box in enumerate(boxes) for v in box.nodes}
        stream = [
            replace(step, names=names)
            for step in steps(root)
            if isinstance(step, Seed) or not isinstance(target(step), Constant)
        ]
        self.users = Counter(step.parent for step in stream if isinstance(step, Backward))
        self.groups: list[list[Any]] = list(self._passes(stream))
        grads = self._gradients()
        updates = [Update(p, rate, grads.get(p, 0.0), names) for p in parameters]
        self.groups += self._grouped(updates).values()

    def _grouped(self, stream: Sequence[Any]) -> dict[Any, list[Any]]:
        """Each step by itself, or all those of a box in one pass."""
        groups: dict[Any, list[Any]] = {}
        for step in stream:
            i = self.place[step.node]
            groups.setdefault(id(step) if self.alone(i) else (i, type(step)), []).append(step)
        return groups

    def _passes(self, stream: Sequence[Step]) -> Iterator[list[Any]]:
        """Taking the steps box by box may change the order in which a gradient receives its
        contributions, so what it holds before and after each is added up again."""
        passes: dict[type, list[list[Any]]] = {}
        for group in self._grouped(stream).values():
            passes.setdefault(type(group[0]), []).append(group)
        yield from sorted(passes.get(Forward, []), key=lambda g: self.place[g[0].node])
        yield from passes[Seed]
        held: dict[Value, float] = {}
        for group in sorted(passes.get(Backward, []), key=lambda g: -self.place[g[0].node]):
            for k, step in enumerate(group):
                before = held.get(step.parent, 0.0)
                held[step.parent] = after = before + step.contribution
                group[k] = replace(step, before=before, after=after)
            yield group
        yield from passes.get(Earlier, [])

    def _gradients(self) -> dict[Value, float]:
        return {
            target(step): 1.0 if isinstance(step, Seed) else step.after
            for group in self.groups
            for step in group
            if not isinstance(step, Forward)
        }

    def alone(self, i: int) -> bool:
        """Whether box i is a single node, so that each of its steps is shown by itself."""
        return not self.boxes[i].module and len(self.boxes[i].units) == 1

    # --- in words ---------------------------------------------------------------------------------

    def told(self, group: list[Any]) -> dict[str, Any]:
        """What a frame says: its kind, its sentence in four parts, and why."""
        step = self.main(group)
        return {
            "kind": type(step).__name__,
            "text": list(step.parts),
            "why": why(step, self.users) if len(group) == 1 else self._why_many(group),
        }

    def main(self, group: list[Any]) -> Any:
        """Of the steps of a frame, the one that tells the story: of those that leave the box, the
        largest."""
        if isinstance(group[-1], Update):
            return max(group, key=lambda s: abs(s.after - s.node.data))
        if not isinstance(group[-1], Backward):
            return group[-1]
        here = self.place[group[-1].node]
        outward = [s for s in group if self.place[s.parent] != here]
        return max(outward or group[-1:], key=lambda s: abs(s.contribution))

    def _why_many(self, group: list[Any]) -> str:
        count = len(group)
        if isinstance(group[0], Forward):
            first = "; then ".join([str(step) for step in group[:2]])
            if count < 3:
                return f"Inside this box: {first}."
            return f"{count} steps inside this box, shown as one. The first: {first}; ..."
        if isinstance(group[0], Update):
            return (
                f"All {count} parameters of this box take their step; the one that moves most is "
                "written above."
            )
        if isinstance(group[0], Earlier):
            return (
                f"{count} parameters of this box hold a gradient from before, until somebody "
                "calls zero_grad(); the new one is added to it."
            )
        here = self.place[group[0].node]
        ends = {s.parent for s in group}
        outside = sum(self.place[v] != here for v in ends)
        inside = sum(not v.parents and self.place[v] == here for v in ends)
        return (
            f"{count} steps inside this box, shown as one; one of them is written above. "
            f"They hand its gradient on, to {inside} parameters and {outside} inputs."
        )

    # --- as data ----------------------------------------------------------------------------------

    def as_data(self, index: dict[Value, int]) -> list[list[Any]]:
        """[kind, node, ...] for each frame; of a Backward, [kind, child, place, ...]."""
        return [[type(group[0]).__name__, *_ids(group, index)] for group in self.groups]


def _ids(group: list[Any], index: dict[Value, int]) -> Iterator[int]:
    for step in group:
        yield index[step.node]
        if isinstance(step, Backward):
            yield step.position


def target(step: Shown) -> Value:
    """The node whose number the step sets."""
    return step.parent if isinstance(step, Backward) else step.node


def number(step: Shown) -> float:
    """The number that the step sets."""
    if isinstance(step, Forward):
        return step.result
    return 1.0 if isinstance(step, Seed) else step.after


def why(step: Shown, users: Counter[Value]) -> str:
    """The step in words, for somebody who sees it for the first time."""
    name = step.names[step.node]
    match step:
        case Forward():
            return _why_forward(step, name)
        case Backward():
            return _why_backward(step, step.names[step.parent], name, users[step.parent])
        case Earlier():
            return (
                f"Leaves keep what they hold until somebody calls zero_grad(): {name} had "
                f"{show(step.held)} from before, and the new gradient is added to it."
            )
        case Update():
            return _why_update(step, name)
    return f"The way back begins here: when {name} moves, {name} moves by just as much."


def _why_forward(step: Forward, name: str) -> str:
    slopes = [
        f"∂{name}/∂{step.names[p]} = {show(d)}"
        for p, d in zip(step.node.parents, step.node.partials)
        if not isinstance(p, Constant)
    ]
    if len(slopes) > 3:
        return "Noted for the way back: the local derivative for each input."
    return "Noted for the way back: " + ", ".join(dict.fromkeys(slopes)) + "."


def _why_backward(step: Backward, parent: str, child: str, uses: int) -> str:
    if step.position and step.parent in step.node.parents[: step.position]:
        return (
            f"Why += and not =? {child} uses {parent} more than once, and each use counts: "
            f"{show(step.before)} so far, and now {show(step.contribution)} more."
        )
    if step.before:
        return (
            f"Why += and not =? {parent} is used in {uses} places, so the result feels it in "
            f"{uses} ways, and they add up: {show(step.before)} so far, and now "
            f"{show(step.contribution)} more through {child}."
        )
    if not step.partial:
        return f"The slope is 0: {child} does not react to {parent} here, so nothing goes through."
    more = "" if uses < 2 else f" (The first of {uses} contributions: more will be added.)"
    return (
        f"The chain rule: {child} moves {show(step.partial)} times as much as {parent}, and the "
        f"result {show(step.upstream)} times as much as {child}; through {child}, that makes "
        f"{show(step.contribution)}.{more}"
    )


def _why_update(step: Update, name: str) -> str:
    if not step.grad:
        return f"The gradient is 0, so {name} stays: it has no effect here."
    way = "rises" if step.grad > 0 else "falls"
    return (
        f"When {name} grows, the result {way}: so {name} goes the other way, "
        f"lr = {show(step.rate)} times as far as its gradient is large."
    )
