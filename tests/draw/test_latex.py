"""Laws of the LaTeX of graphs and of the table of ops."""

from pathlib import Path

import pytest

from autograd import Value, abs, dot, exp, log, logsumexp, maximum, sum, take
from autograd.draw import latex
from autograd.draw.latex import SYMBOLS, Tex, ops_table
from autograd.ops import OPS

a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(4.0, "c")

CASES = [
    (a - (b - c), r"a - (b - c)"),
    ((a - b) - c, r"a - b - c"),
    (a + (b + c), r"a + b + c"),
    (a * (b + c), r"a \cdot (b + c)"),
    ((a + b) * c, r"(a + b) \cdot c"),
    (1 - (a + b), r"1 - (a + b)"),
    (-(a + b), r"-(a + b)"),
    ((-a).neg(), r"-(-a)"),
    (a + (-b), r"a + (-b)"),
    (a * -3, r"a \cdot (-3)"),
    (Value(-3.0) ** a, r"(-3)^{a}"),
    ((-a) ** 2, r"(-a)^{2}"),
    (-(a**2), r"-a^{2}"),
    ((a**b) ** c, r"(a^{b})^{c}"),
    (a ** (b + c), r"a^{b + c}"),
    (exp(a) ** 2, r"(e^{a})^{2}"),
    (exp(a + b) * c, r"e^{a + b} \cdot c"),
    (a / (b + c) * a, r"\frac{a}{b + c} \cdot a"),
    (log(a * b), r"\log(a \cdot b)"),
    (maximum(a + b, c), r"\max(a + b, c)"),
    (abs(a - b), r"\left|a - b\right|"),
    (sum([a, b * c]), r"a + b \cdot c"),
    (a * sum([b, c]), r"a \cdot (b + c)"),
    (dot([a, b], [b, c], a), r"a \cdot b + b \cdot c + a"),
    (dot([a, b + c], [b, c]), r"a \cdot b + (b + c) \cdot c"),
    (logsumexp([a, b]), r"\log(e^{a} + e^{b})"),
    (take([a, b], 1) * c, r"b \cdot c"),
    (a + 1e-7, r"a + 1 \cdot 10^{-7}"),
    (a * 1e30, r"a \cdot 1 \cdot 10^{30}"),
    (a + float("inf"), r"a + \infty"),
    (a + Value(1 / 3), r"a + 0.3333"),
    (a * 1.0, r"a \cdot 1"),
]


@pytest.mark.parametrize(("root", "formula"), CASES, ids=[f for _, f in CASES])
def test_parentheses_stand_where_precedence_needs_them(root, formula):
    assert latex(root) == formula


def test_labels_are_names():
    for label, written in (
        ("x", "x"),
        ("x1", "x_{1}"),
        ("w[0][2]", "w_{0,2}"),
        ("loss", r"\mathrm{loss}"),
        ("h_2", "h_{2}"),
        ("a_b{c}$ %", r"\mathrm{a\_b\{c\}\$\ \%}"),
        ("weights[3]", r"\mathrm{weights}_{3}"),
        ("α", "α"),
    ):
        assert latex(Value(1.0, label)) == written


def test_the_root_s_label_stands_in_front():
    y = a * b
    y.label = "y"
    assert latex(y) == r"y = a \cdot b"


def test_an_expression_too_long_to_read_is_refused():
    x = a
    for _ in range(100):
        x = x * x
    with pytest.raises(ValueError, match="written twice"):
        latex(x)


def test_the_page_of_ops_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "ops.md"
    assert page.read_text(encoding="utf-8") == ops_table(), "run: python docs/make_ops.py"


def test_the_page_has_every_op_with_a_derivative_for_each_input():
    rows = [line for line in ops_table().splitlines() if line.startswith("| `")]
    assert len(rows) == len(OPS)
    for row, op in zip(rows, OPS.values()):
        assert row.startswith(f"| `{op.symbol}` |")
        inputs = SYMBOLS.get(op.symbol) or range(op.partials.__code__.co_argcount - 1)
        assert row.count(r"\partial y / ") == len(inputs)
        assert row.count("|") == 5  # none within a cell, where it would end the cell


def test_partials_of_a_row_write_themselves():
    x, y = Tex("x"), Tex("y")
    assert OPS["sigmoid"].partials(y, x)[0].text == r"y \cdot \sigma(-x)"
    assert OPS["relu"].partials(y, x)[0].text == r"1 - [x \le 0]"
    assert OPS["/"].partials(y, x, Tex("z"))[1].text == r"\frac{-y}{z}"


def test_two_comparisons_that_both_hold_are_an_equation():
    x = Tex("x")
    assert ((x <= 0) * (x >= 0)).text == "[x = 0]"
    assert ((x <= 0) * (x >= 1)).text == r"[x \le 0] \cdot [x \ge 1]"
    assert ((x <= 0) * (Tex("y") >= 0)).text == r"[x \le 0] \cdot [y \ge 0]"


def test_a_long_sum_is_refused_before_it_is_written():
    for terms in (3_000, 200_000):  # in quadratic time: minutes
        with pytest.raises(ValueError, match="more than 2,000 characters"):
            latex(sum([Value(1.0, "x")] * terms))
    with pytest.raises(ValueError, match="more than 2,000 characters"):
        latex(Value(1.0, "[1]" * 10_000) * 2.0)
