"""Write docs/architecture.md: `python docs/make_architecture.py`.

One small loss goes through all stages of the compiler, and each stage prints what it has found.
"""

import random
from pathlib import Path
from typing import Any

import nn
from autograd import Value, jit
from autograd.compiler.group import Graph
from autograd.compiler.lower import Lowering
from autograd.compiler.operations import View
from autograd.compiler.reverse import Reverse
from autograd.compiler.targets.numpy import sliced_text
from autograd.compiler.trace import Number, Trace, symbol, trace
from autograd.compiler.views import affine

XS = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]
PAGE = Path(__file__).resolve().parent / "architecture.md"


def model() -> nn.Module:
    return nn.Layer(3, 2, "tanh", rng=random.Random(0))


def loss(layer: Any, xs: Any) -> Any:
    return sum(v * v for x in xs for v in layer(x))


def cut(text: str, lines: int) -> str:
    """The first lines of a text, and how many more there are."""
    listed = text.splitlines()
    more = len(listed) - lines
    return "\n".join([*listed[:lines], f"... and {more} more lines"]) if more > 0 else text


def traced() -> tuple[Trace, nn.Module]:
    layer = model()

    def run(found: Trace) -> Any:
        xs = [[symbol(Number) for _ in row] for row in XS]
        found.inputs["xs"] = [v for row in xs for v in row]
        return loss(layer, xs)

    return trace(run), layer


def stages() -> dict[str, str]:
    """What each stage prints, by its name."""
    found, layer = traced()
    graph = Graph(found, lambda parameters: list(range(len(parameters))))
    weights = affine(View(0, (4, 1), (2, 3)).places())
    lowering = Lowering(graph, {"xs": 6, "P": len(layer.parameters())})
    forward = str(lowering.block)
    reverse = Reverse(lowering.block)
    compiled, plain = jit(loss), jit(loss, backend="python")
    compiled(layer, XS).backward()
    plain(model(), XS).backward()
    whole = str(reverse.block)
    return {
        "trace": str(found),
        "kinds": str(graph),
        "view": f"{weights}  ->  {sliced_text('P', weights, 8)}" if weights else "",
        "forward": forward,
        "reverse": "\n".join(whole.splitlines()[len(forward.splitlines()) - 1 :]),
        "numpy": compiled.source,
        "python": cut(plain.source, 24),
        "loop": cut(str(recurrence()), 24),
    }


def recurrence() -> Any:
    """Euler's method for a pendulum, as a learner writes it."""

    def fall(start: Any, stiffness: Any) -> Any:
        angle, speed = start
        for _ in range(100):
            angle, speed = angle + 0.1 * speed, speed - 0.1 * stiffness * angle.sin()
        return angle * angle

    compiled = jit(fall)
    compiled([Value(1.0), Value(0.0)], Value(2.0)).backward()
    return compiled.ir


def page() -> str:
    text = (PAGE.parent / "architecture.template").read_text(encoding="utf-8")
    for name, printed in stages().items():
        text = text.replace(f"{{{{{name}}}}}", printed.rstrip())
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
