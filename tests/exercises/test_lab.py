"""The wrong-backprop lab finds the smallest graph; worksheets are fair and marked rightly."""

import re

import pytest

import autograd
from autograd.exercises.lab import Plain, smallest_failure
from autograd.exercises.program import programs_of_size
from autograd.exercises.worksheet import LARGEST, worksheet


class Overwrites(Plain):
    def hand_on(self):
        for parent, partial in zip(self.parents, self.partials):
            parent.grad = partial * self.grad


class Recursive(Plain):
    def backward(self):
        def walk(node):
            node.hand_on()
            for parent in node.parents:
                walk(parent)

        self.grad = 1.0
        walk(self)


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


class NeverZeroed(Plain):
    def backward(self):
        self.grad = 1.0
        for node in reversed(autograd.topological_order(self)):
            node.hand_on()


class LateReader(Plain):
    def __mul__(self, other):
        out = LateReader(self.data * other.data, (self, other))

        def hand_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.hand_on = hand_on
        return out


TWICE = ("root.backward()", "root.backward()")
CHANGED = ("a.data = 10.0", "root.backward()")


def size(finding):
    return len(re.findall(r"[+*]", finding.program.source))


@pytest.mark.parametrize(
    ("wrong", "steps", "n_ops"),
    [
        (Overwrites, (), 1),
        (Recursive, (), 2),
        (PreOrder, (), 3),
        (NeverZeroed, TWICE, 2),
        (LateReader, CHANGED, 1),
    ],
)
def test_the_smallest_failing_graph_is_found(wrong, steps, n_ops):
    finding = smallest_failure(wrong, *steps)
    assert size(finding) == n_ops
    assert finding.got != finding.expected
    assert smallest_failure(wrong, *steps, most_ops=n_ops - 1) is None  # nothing smaller


@pytest.mark.parametrize("steps", [(), TWICE, CHANGED])
def test_nothing_is_found_against_what_is_right(steps):
    assert smallest_failure(Plain, *steps, most_ops=2) is None


def test_what_is_wrong_only_on_a_second_call_or_a_change_is_right_without():
    assert smallest_failure(NeverZeroed, most_ops=2) is None
    assert smallest_failure(LateReader, most_ops=2) is None


def test_every_small_graph_is_tried_once():
    sources = [p.source for n in (1, 2) for p in programs_of_size(n)]
    assert len(set(sources)) == len(sources)
    assert "a = Value(2.0)\nb = a + a\nc = b + b" in sources


def test_both_answers_are_drawn_side_by_side():
    pytest.importorskip("pygraphviz")
    svg = smallest_failure(Overwrites)._repr_mimebundle_()["image/svg+xml"]
    assert svg.count("<svg") == 3
    assert "grad 1" in svg
    assert "grad 2" in svg
    assert "this backward()" in svg
    assert ' id="' not in svg


SHEETS = [(seed, n) for seed in range(4) for n in range(3, 11)]


@pytest.mark.parametrize(("seed", "n_nodes"), SHEETS)
def test_a_worksheet_is_kind_to_mental_arithmetic(seed, n_nodes):
    sheet = worksheet(seed, n_nodes)
    nodes = sheet.program.run(autograd.Value)
    nodes[sheet.program.root].backward()
    assert len(nodes) == n_nodes
    numbers = [x for v in nodes.values() for x in (v.data, v.grad)]
    assert all(x == int(x) and 0 < abs(x) <= LARGEST for x in numbers)
    assert sheet.key == {name: getattr(nodes[name[0]], name[2:]) for name in sheet.key}
    assert len(sheet.key) == n_nodes + sum(bool(v.parents) for v in nodes.values())


def test_equal_seeds_give_equal_sheets_and_others_differ():
    assert worksheet(5, 6) == worksheet(5, 6)
    assert len({worksheet(seed, 6).program for seed in range(20)}) == 20
    with pytest.raises(ValueError, match="3 to 10 nodes"):
        worksheet(0, 11)


def test_marking_counts_what_is_right_and_shows_the_working():
    sheet = worksheet(7, 6)
    assert len(sheet.mark(sheet.key).right) == len(sheet.key)
    answers = {**{k: str(int(v)) for k, v in sheet.key.items()}, "b.grad": -2, "a.grad": "x"}
    del answers["c.data"]
    marks = sheet.mark(answers)
    assert set(marks.notes) == {"b.grad", "a.grad", "c.data"}
    assert "you wrote -2; it is 4 × 1 + 3 × (-2) + 3 × (-2) = -8" in str(marks)
    assert marks.notes["c.data"] == "still blank"
    assert sheet.mark({"c.data": 7}).notes["c.data"] == "you wrote 7; it is 4 × 3 = 12"
    with pytest.raises(KeyError, match="is not a blank"):
        sheet.mark({"z.grad": 1})


def test_the_sheet_has_its_blanks_and_the_key_has_none():
    pytest.importorskip("pygraphviz")
    sheet = worksheet(7, 6)
    assert sheet.svg.count("_____") == len(sheet.key)
    assert "_____" not in sheet.answer_svg
