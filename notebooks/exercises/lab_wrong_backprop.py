# %% [markdown]
# # Lab · Five ways to get backpropagation wrong
#
# Each of these five programs looks reasonable, and each gives right gradients on many graphs. So
# how can we show that it is wrong? By **one** graph on which it fails. The smaller that graph is,
# the more it teaches.
#
# `smallest_failure` tries every graph of sums and products, from the smallest up, and compares
# each gradient with the package's own. It stops at the first difference and draws both answers.

# %%
import autograd
from autograd.exercises.lab import Plain, smallest_failure

# %% [markdown]
# `Plain` is a small Value with `+` and `*`. Each node knows its `parents`, and for each parent the
# derivative, in `partials`. `hand_on()` gives each parent its part; `backward()` calls it for every
# node, from the root to the leaves. (`Plain??` in a cell of its own shows the code.) It is right:
# up to three operations nothing is found.

# %%
print(smallest_failure(Plain))

# %% [markdown]
# ## 1. `=` where `+=` belongs
#
# *Before you run it: on which graph will it fail? How many operations does it need?*

# %%
class Overwrites(Plain):
    def hand_on(self):
        for parent, partial in zip(self.parents, self.partials):
            parent.grad = partial * self.grad  # was: +=


smallest_failure(Overwrites)

# %% [markdown]
# The very first graph: `a` is used twice, and the second part overwrites the first. A test that
# never uses a Value twice would never find out.
#
# ## 2. Recursion instead of an order
#
# Why sort at all? Hand on, then let each parent do the same. Note that `Overwrites` failed on
# `b = a + a`; does this one?

# %%
class Recursive(Plain):
    def backward(self):
        def walk(node):
            node.hand_on()
            for parent in node.parents:
                walk(parent)

        self.grad = 1.0
        walk(self)


smallest_failure(Recursive)

# %% [markdown]
# `b` is visited twice. The first time it hands on the 1 that it has got so far, the second time all
# of its 2: together 3 times instead of 2, to each of two parents. And `b = a + a` is right, because
# a leaf hands nothing on. So **one operation is not enough to see it**.
#
# ## 3. Each node once, but in the wrong order
#
# Then let us visit each node once: write it down, then its parents (that is called *pre-order*).

# %%
class PreOrder(Plain):
    def backward(self):
        order = []

        def walk(node):
            if node not in order:
                order.append(node)
                for parent in node.parents:
                    walk(parent)

        walk(self)
        self.grad = 1.0
        for node in order:
            node.hand_on()


smallest_failure(PreOrder)

# %% [markdown]
# Now it takes three operations. `b` hands on *before* all of its own gradient has arrived: there is
# a short way to it, straight from `d`, and a long one by way of `c`, and it is visited on the short
# one. What comes later on the long way stays in `b`. A topological order is exactly what rules this
# out.
#
# ## 4. Twice, without cleaning up
#
# `backward()` is called twice. Leaves may add up, that is the custom, and so twice as much is
# right. This one forgets to set the *inner* nodes back to 0 before the second call.

# %%
class NeverZeroed(Plain):
    def backward(self):
        self.grad = 1.0
        for node in reversed(autograd.topological_order(self)):
            node.hand_on()


print(smallest_failure(NeverZeroed))  # one call: nothing found
smallest_failure(NeverZeroed, "root.backward()", "root.backward()")

# %% [markdown]
# The right gradient of `a` is 3 for one call, 6 for two. But the inner node `b` kept its gradient
# from the first call and handed it on once more.
#
# ## 5. A function that reads too late
#
# micrograd keeps in each node a function for the way back. It reads `self.data` and `other.data`
# when it is *called*. What if a number was changed in between, say by an optimiser's step?

# %%
class LateReader(Plain):
    def __mul__(self, other):
        out = LateReader(self.data * other.data, (self, other))

        def hand_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.hand_on = hand_on
        return out


print(smallest_failure(LateReader))  # nothing changed in between: nothing found
smallest_failure(LateReader, "a.data = 10.0", "root.backward()")

# %% [markdown]
# `b` was computed as 2 · 2, so the gradient of `a` is 2 + 2 = 4. The function that reads late
# answers for a graph that never was. That is why `autograd.Value` takes its derivatives when a node
# is made.
#
# ## Your turn
#
# 1. Write a sixth wrong `backward()` and let `smallest_failure` judge it. Can you make one that is
#    right on all graphs with two operations and fails with three? With four (`most_ops=4` takes
#    a while)?
# 2. Which of the five would be found by a test with `c = a * b + a`? Try it by hand.

# %%
class Sixth(Plain):
    """Your own."""


print(smallest_failure(Sixth))
