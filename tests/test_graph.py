"""The walk: parents before children, each node once, the same way every time, however deep."""

from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, topological_order


class Node:
    """A node of someone else's class, whose parents go by another name."""

    def __init__(self, *made_from):
        self.made_from = made_from


def order_of(*roots):
    return topological_order(*roots, parents=lambda n: n.made_from)


@st.composite
def graphs(draw):
    """Nodes of a random graph; parents repeat, nodes are shared, some are out of reach."""
    nodes = [Node()]
    for _ in range(draw(st.integers(0, 30))):
        nodes.append(Node(*draw(st.lists(st.sampled_from(nodes), max_size=4))))
    return nodes


def reachable(roots):
    found, todo = set(), list(roots)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(node.made_from)
    return found


@given(graphs(), st.data())
def test_each_node_within_reach_comes_once_and_after_its_parents(nodes, data):
    roots = data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3))
    order = order_of(*roots)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert set(order) == reachable(roots)
    for node in order:
        assert all(place[p] < place[node] for p in node.made_from)


@given(graphs())
def test_the_order_is_that_of_the_recursive_textbook_walk(nodes):
    seen, expected = set(), []

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.made_from:
                visit(parent)
            expected.append(node)

    visit(nodes[-1])
    assert order_of(nodes[-1]) == expected


def test_the_smallest_graph_that_needs_the_order():
    """b = a + a; c = b + b: b may hand on its gradient only when it has both halves of it."""
    a = Value(1.0)
    b = a + a
    c = b + b
    assert topological_order(c) == [a, b, c]
    c.backward()
    assert (a.grad, b.grad) == (4.0, 2.0)


def test_a_root_below_another_root_is_listed_once():
    a = Value(1.0)
    b = a * a
    assert topological_order(b, a) == topological_order(a, b) == [a, b]


def test_a_graph_a_million_nodes_deep_is_walked():
    node = Node()
    for _ in range(1_000_000):
        node = Node(node, node)
    assert len(order_of(node)) == 1_000_001
