"""`jit`: the matrix program inside scalar code.

Read in this order: trace.py (call the function on symbols), kinds.py (group what looks alike),
patterns.py (find slices, rows and outer products in indices), lower.py with code.py (array code,
its reverse, its text), store.py (parameters in one array), watch.py (when to trace again), run.py
(programs in use). scalar.py is the other back end: one line of Python for each node.
"""

from autograd.jit.run import Jitted, jit
from autograd.jit.trace import TraceError

__all__ = ["Jitted", "TraceError", "jit"]
