"""Pictures: graphs, curves, maps. Each shows itself in a notebook and saves itself to a file."""

from typing import Any

from autograd.differences import GradcheckReport
from autograd.draw import lit as _lit  # noqa: F401  (explanations and anomalies as drawings)
from autograd.draw.charts import decision_map, histograms, image_grid, loss_curve, table
from autograd.draw.graph import draw, size
from autograd.draw.latex import latex
from autograd.draw.names import name_values
from autograd.draw.picture import Drawing, NoGraphviz, Picture, has_graphviz
from autograd.draw.stepper import Stepper, stepper
from autograd.graph import walk
from autograd.value import Value

__all__ = [
    "Drawing",
    "NoGraphviz",
    "Picture",
    "Stepper",
    "decision_map",
    "draw",
    "histograms",
    "image_grid",
    "latex",
    "loss_curve",
    "name_values",
    "stepper",
    "table",
]

SMALL = 60  # nodes: up to here, a Value in a notebook shows the graph that it came from


def show_value(self: Value, **_: Any) -> Any:
    """What a notebook shows for a Value: its drawing if the graph is small, and a line of text."""
    line = {"text/plain": repr(self)}
    is_program = any(hasattr(v, "expand") for v in walk(self))  # of jit: its graph may be large
    if is_program or size([self]) > SMALL or not has_graphviz():
        return line
    picture, metadata = draw(self)._repr_mimebundle_()
    return picture | line, metadata


def show_report(self: GradcheckReport, **_: Any) -> Any:
    """What a notebook shows for a gradcheck report: its numbers as a table."""
    rows = [
        ("gradcheck", "✓ passed" if self.ok else "✗ FAILED"),
        ("derivatives compared", f"{self.count:,}"),
        ("the worst: inputs" + "".join(f"[{i}]" for i in self.input), ""),
        ("backpropagation says", f"{self.analytic:.10g}"),
        ("finite differences say", f"{self.numeric:.10g}"),
        ("error", f"{self.error:.1e}"),
        ("allowed", f"{self.allowed:.1e}"),
    ]
    picture, metadata = table(rows, "report of gradcheck")._repr_mimebundle_()
    return picture | {"text/plain": repr(self)}, metadata


# Notebooks look for this method. It is attached here, since the engine knows nothing of pictures.
Value._repr_mimebundle_ = show_value  # type: ignore[attr-defined]
GradcheckReport._repr_mimebundle_ = show_report  # type: ignore[attr-defined]
