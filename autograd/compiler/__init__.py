"""The compiler behind `autograd.jit`: the matrix program inside scalar code.

Read in this order; each stage prints what it found, and docs/architecture.md follows one loss
through all of them.

    trace.py      the function, called on symbols (symbols.py) -> the scalar nodes that it made
    reroll.py     nodes that repeat in time -> loops
    group.py      nodes that look alike -> kinds
    views.py      index arrays -> views, rows that repeat, outer products
    ir.py         THE program, a Block of instructions; operations.py says what each one means
    lower.py      kinds -> instructions, forward; scan.py, batch.py: loops, and what leaves them
    reverse.py    instructions -> their gradient: one transpose for each operation
    passes.py     named rewrites, each with its algebra; build.py applies them
    targets/      the program in NumPy, in plain Python, in machine code

pipeline.py runs them in a row. What keeps and runs the result is autograd/runtime.
"""
