"""Write docs/ops.md from the table of ops: `python docs/make_ops.py`."""

from pathlib import Path

from autograd.draw.latex import ops_table

Path(__file__).with_name("ops.md").write_text(ops_table(), encoding="utf-8")
