# %% [markdown]
# # Worksheets for pencil and paper
#
# `worksheet(seed, n_nodes)` makes a random graph with blanks: fill in the values from left to right
# and the gradients from right to left. Its numbers are whole and small. Another seed gives another
# sheet, so everybody in a class can have their own.

# %%
from autograd.exercises.worksheet import worksheet

sheet = worksheet(seed=7, n_nodes=6)
sheet

# %% [markdown]
# The last node's gradient is 1. For every other node: for each arrow that leaves it, the local
# derivative times the gradient at the arrow's end; then add up. In `d = b × b` the node `b` has two
# arrows.
#
# The local derivative says how fast the arrow's end changes with its start. That is 1 in a sum; in
# a difference it is 1 for the first and -1 for the second; in a product it is the *other* factor.
#
# Write down what you found, under the names of the blanks: `c.data` is the value of c, `c.grad` its
# gradient. Then have it marked. Here is an answer with two mistakes.

# %%
answers = {"c.data": 12, "d.data": 9, "e.data": 3, "f.data": -6,
           "f.grad": 1, "e.grad": 1, "d.grad": -1, "c.grad": 1, "b.grad": -2, "a.grad": 3}
sheet.mark(answers)

# %% [markdown]
# `sheet.key` is the answer key, `sheet.answer_svg` the sheet with everything filled in. To print a
# sheet, save it and open the file in a browser:
# `open("sheet.svg", "w", encoding="utf-8").write(sheet.svg)`.
#
# Now one of your own. What you leave out stays blank, so you can go step by step.

# %%
mine = worksheet(seed=2026, n_nodes=5)
mine

# %%
mine.mark({"c.data": -4})
