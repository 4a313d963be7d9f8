"""Programs in use, behind `autograd.jit`: found by signature, guarded, and run.

calls.py finds or makes the program for a call, watch.py notices what the program took for granted
and is no longer so; run.py (with store.py, the parameters in one array, and update.py, the
optimiser's rule) and scalar.py are the two back ends. The compiler itself is autograd/compiler.
"""
