"""The native target: loops in machine code, through LLVM (extra `native`: llvmlite).

Read in this order: loops.py (loops as data, and their listing), schedule.py (instructions to
loops), vectormath.py (exp, log, tanh without calls), product.py (small products of matrices),
llvm.py with machine.py (loops to machine code), program.py (memory, and running it), target.py
(what a step and an update are made of).
"""

from autograd.compiler.targets.native.target import install

__all__ = ["install"]
