"""Draw the README's picture again: `python docs/graph.py`."""

from pathlib import Path

from autograd import draw
from autograd.__main__ import expression

loss, _ = expression()
draw(loss).save(Path(__file__).with_name("graph.svg"))
