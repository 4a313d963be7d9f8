"""The compiler behind `autograd.jit`: the matrix program inside scalar code.

Read in this order: trace.py (call the function on symbols), kinds.py (group what looks alike),
patterns.py (slices, rows and outer products in indices), lower.py with code.py (array code, its
reverse, its text). What calls it and uses the program is in autograd/runtime.
"""
