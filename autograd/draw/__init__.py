"""Pictures: graphs, curves, maps. Each shows itself in a notebook and saves itself to a file."""

from typing import Any

from autograd.draw.graph import draw
from autograd.draw.names import name_values
from autograd.draw.picture import Drawing, NoGraphviz, Picture
from autograd.graph import topological_order
from autograd.value import Value

__all__ = ["Drawing", "NoGraphviz", "Picture", "draw", "name_values"]

SMALL = 60  # nodes: up to here, a Value in a notebook shows the graph that it came from


def show_value(self: Value, **_: Any) -> Any:
    """What a notebook shows for a Value: its drawing if the graph is small, and a line of text."""
    text = {"text/plain": repr(self)}
    if len(topological_order(self)) > SMALL:
        return text
    try:
        picture, metadata = draw(self)._repr_mimebundle_()
    except NoGraphviz:  # nothing to lay it out with: the text is still true
        return text
    return picture | text, metadata


Value._repr_mimebundle_ = show_value  # here, so that the engine itself knows nothing of pictures
