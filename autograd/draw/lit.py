"""What `explain` and `detect_anomaly` found, as drawings with the nodes in question lit."""

import re
from typing import Any

from autograd.diagnose import AnomalyError, Explanation
from autograd.draw.graph import LARGEST, LIT, draw, size
from autograd.draw.picture import FONT, Drawing, has_graphviz
from autograd.graph import topological_order
from autograd.steps import show
from autograd.value import Value, node

NEAR = 40  # nodes: of a graph too large to draw, as many as are shown around a bad one


def explained(self: Explanation) -> Drawing:
    """The graph of the root, with the paths to the leaf lit and their local derivatives."""
    order = topological_order(self.root)
    nodes = {self.root, self.leaf, *[v for v, _ in self.edges]} if self.count else {self.leaf}
    drawing = draw(self.root, lit={*nodes, *self.edges})

    def labelled(edge: re.Match[str]) -> str:
        slope = order[int(edge[1])].partials[int(edge[2])]
        return f'{edge[0]} label="× {show(slope)}" fontcolor="{LIT}" fontname="{FONT}" fontsize=12'

    drawing.dot = re.sub(r"\[id=n(\d+)_(\d+)(?= color=)", labelled, drawing.dot)
    return drawing


def show_explained(self: Explanation, **_: Any) -> Any:
    text = {"text/plain": str(self)}
    if size([self.root]) > LARGEST or not has_graphviz():
        return text
    picture, metadata = self.drawing._repr_mimebundle_()
    return picture | text, metadata


def found(self: AnomalyError) -> Drawing:
    """The graph with the bad node lit, and all that it was computed from."""
    root, bad = self.root, self.node
    if size([root]) > LARGEST:
        root = bad = _near(bad)
    behind = topological_order(bad)
    return draw(root, lit={*behind, *[(v, i) for v in behind for i, _ in enumerate(v.parents)]})


def _near(bad: Value) -> Value:
    """A copy of the node and of those just behind it; what is further back is cut off."""
    kept, ahead = {bad}, [bad]
    for v in ahead:  # it grows: breadth first
        fresh = [p for p in dict.fromkeys(v.parents) if p not in kept]
        if len(kept) + len(fresh) <= NEAR:
            kept.update(fresh)
            ahead += fresh
    copies: dict[Value, Value] = {}
    for v in topological_order(bad):
        if v in kept:
            whole = all(p in kept for p in v.parents)
            parents = tuple([copies[p] for p in v.parents]) if whole else ()
            copies[v] = node(v.data, v.op if whole else "", parents, v.partials if whole else ())
            copies[v].label, copies[v].grad = v.label, v.grad
    return copies[bad]


# Here, so that autograd.diagnose knows nothing of pictures.
Explanation.drawing = property(explained)
Explanation._repr_mimebundle_ = show_explained
AnomalyError.drawing = property(found)
