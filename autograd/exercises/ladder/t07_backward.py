"""Task 7: the whole of backward()."""

import random

from autograd.exercises.ladder.common import cases_of, data_case, gradient_case, graph, value_up_to
from autograd.exercises.program import EVERYTHING, PLAIN, random_program
from autograd.exercises.task import Case, Law, Mistake, Task

A, B = "a = Value(2.0)", "b = Value(3.0)"


def small(rng: random.Random) -> list[Case]:
    return [gradient_case(random_program(rng, n, PLAIN)) for n in (2, 3, 3, 4, 4, 5, 6)]


def everything(rng: random.Random) -> list[Case]:
    one = [graph(A, "b = Value(-0.5)", f"c = {t.format(a='a', b='b')}") for t in EVERYTHING]
    many = [random_program(rng, n, EVERYTHING) for n in (2, 3, 4, 5, 6, 7, 8, 9)]
    below = [
        graph("a = Value(-1.0)", "b = a.relu()"),
        graph("a = Value(0.0)", "b = a.relu()"),
        graph("a = Value(0.5)", "b = a.relu()"),
    ]
    values = [data_case(p) for p in [*one, *below]]
    return [*values, *(gradient_case(program) for program in [*one, *below, *many])]


TASK = Task(
    number=7,
    name="backward",
    title="Backpropagation, the whole of it",
    targets=("Value",),
    text="""\
Put the pieces together. `c.backward()` gives every node that `c` was computed from its gradient:
how fast `c` changes when that node changes.

- `c` changes exactly as fast as `c` itself: `c.grad` is 1.
- Then each node hands its gradient on to its parents (`_backward()`, task 5), and it may do so
  only when it has received all of it: go through the order of task 6, from its end.

Every call starts from a fresh graph here; calling it twice is the next task.""",
    neighbour="""\
# A neighbour: how many ways lead from the start to each node of a graph? Here, too, each node
# hands something on to others, and may do so only when it has received all of it.
GRAPH = {"start": ["left", "right"], "left": ["end"], "right": ["left", "end"], "end": []}
ORDER = ["start", "right", "left", "end"]  # each before those that it hands on to

ways = dict.fromkeys(GRAPH, 0)
ways["start"] = 1
for node in ORDER:
    for after in GRAPH[node]:
        ways[after] += ways[node]

ways  # {'start': 1, 'left': 2, 'right': 1, 'end': 3}
""",
    hints=(
        "Three steps: the order, the first gradient, the walk.",
        "`topological_order(self)` ends with `self`; the walk must begin there: `reversed`.",
        "Call `node._backward()` once for each node in the order, not on the parents again.",
    ),
    solution=value_up_to("backward"),
    laws=(
        Law(
            "The end of the graph changes as fast as itself: its own gradient is 1.",
            cases_of(gradient_case, [graph(A)]),
        ),
        Law(
            "One operation: each parent gets its derivative.",
            cases_of(gradient_case, [graph(A, B, "c = a + b"), graph(A, B, "c = a * b")]),
        ),
        Law(
            "A chain: gradients are handed on, step by step.",
            cases_of(
                gradient_case,
                [
                    graph(A, B, "c = a * b", "d = c * 5"),
                    graph(A, "b = a * 3", "c = b * 5", "d = c * 7"),
                ],
            ),
        ),
        Law(
            "A Value that is used twice gets the sum of both paths.",
            cases_of(
                gradient_case,
                [
                    graph(A, "b = a + a"),
                    graph(A, "b = a * a"),
                    graph(A, B, "c = a * b", "d = a + c"),
                ],
            ),
        ),
        Law(
            "A node hands on only when it has received all of its gradient.",
            cases_of(
                gradient_case,
                [
                    graph(A, "b = a + a", "c = b + b"),
                    graph(A, "b = a * a", "c = b * b", "d = c * b"),
                    graph(A, B, "c = a * b", "d = c + a", "e = c * d", "f = e + c"),
                ],
            ),
        ),
        Law("It holds for any graph of sums and products.", small),
        Law("It holds for every operation.", everything),
    ),
    mistakes=(
        Mistake(
            "no_seed",
            "Everything is 0: nobody starts. Set `self.grad = 1.0` before the walk, and let "
            "nothing "
            "put it back to 0.",
            (("        self.grad = 1.0\n", ""),),
        ),
        Mistake(
            "overwrites",
            "The second path overwrote the first: `=` instead of `+=`.",
            (("parent.grad += ", "parent.grad = "),),
        ),
        Mistake(
            "not_reversed",
            "Only the root hands its gradient on. Either the walk begins at the leaves, where "
            "there is no gradient yet (write `reversed(order)`), or `_backward()` is called for "
            "the root alone.",
            (("reversed(order)", "order"),),
        ),
        Mistake(
            "two_levels",
            "The gradient gets as far as the root's parents' parents and no further: call "
            "`_backward()` of every node in the order.",
            (
                (
                    "        for node in reversed(order):\n            node._backward()",
                    "        self._backward()\n        for parent in self.parents:\n"
                    "            parent._backward()",
                ),
            ),
        ),
        Mistake(
            "recursion_again",
            "A node with two children hands on once for each child, the first part twice: "
            "hand on once per node, in topological order, instead of recursing.",
            (
                (
                    "        for node in reversed(order):\n            node._backward()",
                    "        def hand_on(node):\n            node._backward()\n"
                    "            for parent in node.parents:\n                hand_on(parent)\n\n"
                    "        hand_on(self)",
                ),
            ),
        ),
        Mistake(
            "parents_backward",
            "`backward()` of the parents makes each of them an end of its own, with gradient 1. So "
            "does `node.grad = 1.0` inside the loop. Only the root gets its 1, before the walk; "
            "then hand on with `_backward()`, once for each node in the order.",
            (
                (
                    "        for node in reversed(order):\n            node._backward()",
                    "        self._backward()\n        for parent in self.parents:\n"
                    "            parent.backward()",
                ),
            ),
        ),
        Mistake(
            "preorder",
            "A node hands on before it has received everything: the order puts a node down "
            "before its parents were visited (pre-order). Put it down after them.",
            (
                (
                    "            seen.add(node)\n",
                    "            seen.add(node)\n            order.append(node)\n",
                ),
                (
                    "                visit(parent)\n            order.append(node)\n",
                    "                visit(parent)\n",
                ),
                ("reversed(order)", "order"),
            ),
        ),
        Mistake(
            "listed_twice",
            "Some nodes hand on more than once: in the order each node may stand only once.",
            (("if node not in seen:", "if True:"),),
        ),
        Mistake(
            "seed_everywhere",
            "Every node starts with gradient 1; only the root does, the others with 0.",
            (
                (
                    "        self.grad = 1.0\n",
                    "        for node in order:\n            node.grad = 1.0\n",
                ),
            ),
        ),
        Mistake(
            "leaves_only",
            "Nodes in the middle of the graph lose their gradient: leave it there.",
            (
                (
                    "            node._backward()",
                    "            node._backward()\n            if node.parents: node.grad = 0.0",
                ),
            ),
        ),
        Mistake(
            "seed_is_data",
            "The root starts with its own number as its gradient; it must be 1.",
            (("self.grad = 1.0", "self.grad = self.data"),),
        ),
        Mistake(
            "nothing_handed_on",
            "The root has its 1, but nothing arrives at its parents. Is the 1 there *before* the "
            "walk? Is the root in the walk? And is `_backward()` called, with its brackets?",
            (("            node._backward()", "            node._backward"),),
        ),
        Mistake(
            "root_again",
            "It is always the root that hands on: in the loop write `node._backward()`, not "
            "`self`.",
            (("            node._backward()", "            self._backward()"),),
        ),
        Mistake(
            "parents_too",
            "Each node hands on once for itself and once more for its child: in the loop call "
            "`node._backward()` alone, and leave the parents to their own turn.",
            (
                (
                    "            node._backward()",
                    "            node._backward()\n            for parent in node.parents:\n"
                    "                parent._backward()",
                ),
            ),
        ),
        Mistake(
            "parents_first",
            "The parents' `backward()` is called before this node has handed on, and each of "
            "them starts with 1 as if it were the end. Go through the order instead, with "
            "`_backward()`.",
            (
                (
                    "        for node in reversed(order):\n            node._backward()",
                    "        for parent in self.parents:\n            parent.backward()\n"
                    "        self._backward()",
                ),
            ),
        ),
    ),
)
