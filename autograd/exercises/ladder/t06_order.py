"""Task 6: topological order."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.ladder.common import cases_of, graph
from autograd.exercises.program import PLAIN, Program, random_program
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


def case(program: Program, ask_for: str = "") -> Case:
    """Observe what is wrong with the order (any right order will do)."""
    root = ask_for or program.root

    def run(topological_order: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(autograd.Value)
        names = {id(v): k for k, v in nodes.items()}
        order = list(topological_order(nodes[root]))
        found = [names.get(id(v), f"some {type(v).__name__}") for v in order]
        below = {id(v) for v in autograd.topological_order(nodes[root])}
        wanted = [k for k, v in nodes.items() if id(v) in below]
        early = [
            f"{names[id(v)]} before its parent {names[id(p)]}"
            for i, v in enumerate(order)
            if id(v) in names
            for p in {id(p): p for p in v.parents}.values()
            if names[id(p)] in found[i + 1 :] and names[id(p)] not in found[:i]
        ]
        return {
            "missing": [n for n in wanted if n not in found],
            "not below it": sorted({n for n in found if n not in wanted}),
            "listed twice": sorted({n for n in found if found.count(n) > 1}),
            "too early": early,
        }

    return Case(
        f"{program.source}\ntopological_order({root})",
        run,
        lambda: dict.fromkeys(("missing", "not below it", "listed twice", "too early"), []),
        program=program,
    )


A, B = "a = Value(2.0)", "b = Value(3.0)"
ALONE = graph(A)
SUM = graph(A, B, "c = a + b")
CHAIN = graph(A, "b = a * a", "c = b * b", "d = c * c")
TWICE = graph(A, "b = a + a", "c = b + b")
SHORTCUT = graph(A, "b = a + a", "c = b * a", "d = c + a")
DIAMOND = graph(A, "b = a * a", "c = a + a", "d = b * c")
EQUAL = graph(A, "b = Value(2.0)", "c = a * b", "d = a + b", "e = c + d")
UNEVEN = graph(A, B, "c = a + b", "d = c * c", "e = d * d", "f = e + c", "g = b * f")


def big(rng: random.Random) -> list[Case]:
    return [case(random_program(rng, n, PLAIN, n_leaves=3)) for n in (3, 4, 5, 6, 8, 10, 12)]


TASK = Task(
    number=6,
    name="order",
    title="Who comes first: topological order",
    targets=("topological_order",),
    text="""\
A node may hand its gradient on only when it has received *all* of it. So we need an order.

Write `topological_order(root)`: a list of all nodes that `root` was computed from, `root`
itself included, each of them **once**, and every node **after all its parents**. The parents of
a node are in `node.parents`, a tuple (in `a + a` the same parent stands there twice); a leaf has
none.

There are often several right orders; any of them will do.""",
    neighbour="""\
# A neighbour: walk through folders within folders and list each one once, the outer one first.
# (For the topological order something must change: when is a node written down?)
def all_folders(folder, listed):
    if folder not in listed:
        listed.append(folder)
        for inner in TREE[folder]:
            all_folders(inner, listed)
    return listed

TREE = {"home": ["music", "photos"], "music": [], "photos": ["2025", "2026"],
        "2025": [], "2026": []}
all_folders("home", [])  # ['home', 'music', 'photos', '2025', '2026']
""",
    hints=(
        "Recursion is short: to visit a node, visit its parents, then write the node down.",
        "Write a node down *after* the visit to its parents, not before.",
        "Keep a set of the nodes seen so far, so that nobody is visited twice.",
        "Two nodes may hold the same number: compare the nodes, never their data.",
    ),
    solution='''\
def topological_order(root):
    """All nodes below `root`, each once, every node after its parents."""
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order
    ### END SOLUTION
''',
    laws=(
        Law("A leaf alone is its own order; the root is always in it.", cases_of(case, [ALONE])),
        Law("Parents come before their children.", cases_of(case, [SUM, CHAIN])),
        Law(
            "Each node is listed once, however often it is used.", cases_of(case, [TWICE, DIAMOND])
        ),
        Law(
            "Even where a short way and a long way lead to the same node.",
            cases_of(case, [SHORTCUT, UNEVEN]),
        ),
        Law("Nodes that hold equal numbers are still different nodes.", cases_of(case, [EQUAL])),
        Law(
            "Only what the root was computed from is in the list.",
            lambda rng: [case(CHAIN, "b"), case(DIAMOND, "c")],
        ),
        Law("It holds for any graph.", big),
    ),
    mistakes=(
        Mistake(
            "too_early",
            "Each node is written down before its parents are visited: move the `append` behind "
            "the loop.",
            (
                ("seen.add(node)\n", "seen.add(node)\n            order.append(node)\n"),
                (
                    "                visit(parent)\n            order.append(node)\n",
                    "                visit(parent)\n",
                ),
            ),
        ),
        Mistake(
            "no_memory",
            "A node is listed as often as it is used: remember in a set which ones were seen.",
            (("if node not in seen:", "if True:"),),
        ),
        Mistake(
            "root_missing",
            "The root itself is missing at the end of the list.",
            (("    return order", "    return order[:-1]"),),
        ),
        Mistake(
            "leaves_missing",
            "The leaves are left out: they need their gradients most of all.",
            (
                (
                    "            order.append(node)",
                    "            if node.parents: order.append(node)",
                ),
            ),
        ),
        Mistake(
            "reversed",
            "The list is the wrong way round: children before parents.",
            (("return order", "return order[::-1]"),),
        ),
        Mistake(
            "first_parent_only",
            "Only the first parent of each node is followed.",
            (("node.parents:", "node.parents[:1]:"),),
        ),
        Mistake(
            "by_number",
            "Nodes that hold equal numbers are taken for one and the same: put the node itself "
            "into the set, not its `.data`.",
            (
                ("node not in seen", "node.data not in seen"),
                ("seen.add(node)", "seen.add(node.data)"),
            ),
        ),
        Mistake(
            "by_level",
            "Level by level from the root is not enough: where a short and a long way lead to "
            "the same node, it lands too late in the list. Visit the parents first, each to its "
            "end.",
            (
                (
                    "    visit(root)\n    return order",
                    "    ahead = [root]\n    while ahead:\n        node = ahead.pop(0)\n"
                    "        if node not in seen:\n            seen.add(node)\n"
                    "            order.append(node)\n            ahead.extend(node.parents)\n"
                    "    return order[::-1]",
                ),
            ),
        ),
        Mistake(
            "last_seen_not_passed_on",
            "Parents' parents are never visited: the walk stops after one step.",
            (
                (
                    "                visit(parent)\n",
                    "                if parent not in seen:\n"
                    "                    seen.add(parent)\n"
                    "                    order.append(parent)\n",
                ),
            ),
        ),
        Mistake(
            "stack",
            "A stack of nodes still to visit, and the list turned round at the end, is not "
            "enough: a node may land before one of its parents. Visit the parents first, each to "
            "its end, and then write the node down.",
            (
                (
                    "    visit(root)\n    return order",
                    "    ahead = [root]\n    while ahead:\n        node = ahead.pop()\n"
                    "        if node not in seen:\n            seen.add(node)\n"
                    "            order.append(node)\n            ahead.extend(node.parents)\n"
                    "    return order[::-1]",
                ),
            ),
        ),
        Mistake(
            "preorder_reversed",
            "Each node is written down when it is first met, and turning the list round at the "
            "end does not mend that. Write it down *after* the visit to its parents.",
            (
                ("seen.add(node)\n", "seen.add(node)\n            order.append(node)\n"),
                (
                    "                visit(parent)\n            order.append(node)\n",
                    "                visit(parent)\n",
                ),
                ("return order", "return order[::-1]"),
            ),
        ),
        Mistake(
            "one_step_only",
            "Only the root and its own parents are listed. The parents have parents, too, and so "
            "on down to the leaves: a function that calls itself gets there.",
            (("    visit(root)\n    return order", "    return [*root.parents, root]"),),
        ),
        Mistake(
            "data_listed",
            "The list holds plain numbers: put the nodes themselves into it, not their `.data`.",
            (("order.append(node)", "order.append(node.data)"),),
        ),
        Mistake(
            "append_in_loop",
            "`append` stands inside the loop over the parents: a leaf is never written down, and "
            "others too often. Move it one step to the left, behind the loop.",
            (
                (
                    "                visit(parent)\n            order.append(node)",
                    "                visit(parent)\n                order.append(node)",
                ),
            ),
        ),
        Mistake(
            "never_started",
            "The list is empty: nobody calls `visit(root)`.",
            (("    visit(root)\n    return order", "    return order"),),
        ),
        Mistake(
            "calls_itself_on_itself",
            "The visit goes nowhere: the function calls itself for the same node. Call it for "
            "the parent.",
            (("visit(parent)", "visit(node)"),),
        ),
    ),
)
