"""The native target: loops in machine code, through LLVM (extra `native`: llvmlite).

Read in this order: loops.py (loops as data, and their listing); arrays.py, nests.py, collapse.py
and schedule.py (instructions to loops; plan.py is their result); vectormath.py (exp, log and tanh
without calls), product.py (small products of matrices) and llvm.py with machine.py (loops to
machine code); program.py (memory, and running it); target.py (steps and updates).
"""

from autograd.compiler.targets.native.target import install

__all__ = ["install"]
