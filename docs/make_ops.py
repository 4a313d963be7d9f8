"""Write docs/ops.md and docs/reference/ops.md from the table of ops: `python docs/make_ops.py`."""

from pathlib import Path

import autograd
from autograd.draw.latex import ops_table
from autograd.ops import OPS, Op

HEAD = """# The ops of autograd

Written by `python docs/make_ops.py` from the rows of `autograd/ops.py`; a test checks that it is
up to date. Each takes floats, ints, NumPy scalars or Values, and returns a float if all are plain
numbers, else a Value; those of one or two inputs are methods of `Value`, too. None raises for a
number: edges follow IEEE 754 and PyTorch. Formulas and derivatives: [the table](../ops.md).
"""


def example(op: Op) -> str:
    """A line to run, with what it prints."""
    inputs = (0.5,) if len(op.samples[0]) == 1 else (2.0, 3.0)
    listed = ", ".join(map(str, inputs))
    return f'print(f"{{autograd.{op.name}({listed}):.4f}}")  # {op(*inputs):.4f}'


def reference() -> str:
    entries = [
        f"## {op.name}\n\n```python\nimport autograd\n\n{example(op)}\n```\n"
        for op in OPS.values()
        if op.name in autograd.__all__ and op.numpy
    ]
    return "\n".join([HEAD, *entries])


def main() -> None:
    here = Path(__file__).resolve().parent
    (here / "ops.md").write_text(ops_table(), encoding="utf-8")
    (here / "reference" / "ops.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
