"""Each row of docs/departures.md about ops and the engine, run on both sides."""

import asyncio
import math
import re
from pathlib import Path

import pytest

import autograd
from autograd import Value, grad, no_grad

torch = pytest.importorskip("torch")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "departures.md"
ROWS = {}


def row(where):
    """The test of the row that begins so."""

    def register(test):
        assert where not in ROWS
        ROWS[where] = test
        return test

    return register


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def slopes(f, x):
    """f's slope at x: (PyTorch's, ours). f takes the library and the number."""
    t, v = leaf(x), Value(x)
    f(torch, t).backward()
    f(autograd, v).backward()
    return t.grad.item(), v.grad


def test_each_row_has_its_test_and_each_test_its_row():
    section = PAGE.read_text(encoding="utf-8").split("\n## Ops and the engine\n")[1]
    found = re.findall(r"^\| ([^|]+?) \|", section.split("\n## ")[0], re.MULTILINE)
    assert sorted(where for where in found if where != "where") == sorted(ROWS)


@row("Numbers")
def test_numbers():
    assert torch.tensor(0.1).item() != 0.1
    assert Value(0.1).data == 0.1


@row("`==` of nodes")
def test_equality():
    assert torch.tensor(1.0) == torch.tensor(1.0)
    assert Value(1.0) != Value(1.0)


@row("float(v)")
@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_float():
    assert float(leaf(2.0)) == 2.0
    with pytest.raises(TypeError, match=r"v\.data"):
        float(Value(2.0))


@row("Gradients before backward")
def test_no_gradient_yet():
    assert leaf(2.0).grad is None
    v = Value(2.0)
    v.grad = None
    assert v.grad == 0.0


@row("Gradients of interior nodes")
@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_interior_gradients():
    t = leaf(2.0)
    inner = t * 3.0
    (inner * inner).backward()
    assert inner.grad is None
    v = Value(2.0) * 3.0
    (v * v).backward()
    assert v.grad == 12.0


@row("backward twice")
def test_backward_twice():
    t, v = leaf(2.0), Value(2.0)
    y, z = t * t, v * v
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    z.backward()
    z.backward()
    assert v.grad == 8.0


@row("Data changed after the forward pass")
def test_changed_data():
    t, v = leaf(2.0), Value(2.0)
    y, z = t * t, v * v
    t.data.fill_(5.0)
    v.data = 5.0
    y.backward()
    z.backward()
    assert (t.grad.item(), v.grad) == (10.0, 4.0)
    t = leaf(2.0)
    y = t * t
    with torch.no_grad():
        t += 3.0
    with pytest.raises(RuntimeError, match="inplace"):
        y.backward()


@row("no_grad in asyncio")
def test_no_grad_in_tasks():
    def recorded(switch, compute):
        async def evaluate():
            with switch():
                await asyncio.sleep(0.01)

        async def main():
            waiting = asyncio.ensure_future(evaluate())
            await asyncio.sleep(0)
            found = compute()
            await waiting
            return found

        return asyncio.run(main())

    assert not recorded(torch.no_grad, lambda: (leaf(2.0) * 2.0).requires_grad)
    assert recorded(no_grad, lambda: (Value(2.0) * 2.0).parents != ())


@row("no_grad on a class")
@pytest.mark.filterwarnings("ignore:Decorating classes")
def test_no_grad_on_a_class():
    class Evaluation:
        def of(self, x):
            return x * 2.0

    methods = dict(vars(Evaluation))
    assert torch.no_grad()(Evaluation)().of(leaf(2.0)).requires_grad
    assert methods["of"] is Evaluation.of
    assert no_grad()(Evaluation)().of(Value(2.0)).parents == ()


@row("softplus above 20")
def test_softplus():
    x = 30.0
    assert torch.nn.functional.softplus(leaf(x)).item() == x
    assert autograd.softplus(x) == x + math.log1p(math.exp(-x)) > x


@row("sigmoid and tanh far out, slopes")
def test_slopes_far_out():
    for f, x, exact in (
        (lambda lib, x: lib.sigmoid(x), 40.0, math.exp(-40.0)),
        (lambda lib, x: lib.tanh(x), 20.0, 4 * math.exp(-40.0)),
    ):
        theirs, ours = slopes(f, x)
        assert theirs == 0.0
        assert ours == pytest.approx(exact)


@row("logsumexp, slopes of large values")
def test_logsumexp():
    t = leaf([1e17, 1e17])
    torch.logsumexp(t, 0).backward()
    assert t.grad.tolist() == [1.0, 1.0]
    vs = [Value(1e17), Value(1e17)]
    autograd.logsumexp(vs).backward()
    assert [v.grad for v in vs] == [0.5, 0.5]


@row("gelu")
def test_gelu():
    x = torch.tensor(1.0, dtype=torch.float64)
    gelu = torch.nn.functional.gelu
    assert autograd.gelu(1.0) == pytest.approx(gelu(x, approximate="tanh").item(), rel=1e-15)
    assert autograd.gelu(1.0) != pytest.approx(gelu(x).item(), rel=1e-5)


@row("clip exactly at a bound")
def test_clip():
    assert slopes(lambda lib, x: lib.clip(x, 1.0, 2.0), 1.0) == (1.0, 0.5)
    assert slopes(lambda lib, x: lib.clip(x, 1.0, 2.0), 1.5) == (1.0, 1.0)


@row("x ** 0, if inf or NaN comes back")
def test_power_zero():
    theirs, ours = slopes(lambda lib, x: lib.log(x**0.0 - 1.0), 2.0)
    assert theirs == 0.0
    assert math.isnan(ours)


@row("Dividing by numbers below 1e-308")
def test_subnormal_divisors():
    theirs, ours = slopes(lambda lib, x: x / 1e-310 * 1e-300, 1e-310)
    assert theirs == pytest.approx(1e10)
    assert math.isinf(ours)


@row("take with a negative index")
def test_negative_index():
    assert torch.tensor([1.0, 2.0])[-1] == 2.0
    with pytest.raises(IndexError, match="index -1"):
        autograd.take([Value(1.0), Value(2.0)], -1)


def test_what_is_masked_is_masked_on_both_sides():
    for f in (
        lambda lib, x: lib.log(lib.relu(x)),
        lambda lib, x: 1.0 / lib.maximum(x, x.detach() * 0.0),
        lambda lib, x: lib.sqrt(lib.minimum(x, x.detach() * 0.0 - 2.0)),
    ):
        assert slopes(f, -1.0) == (0.0, 0.0)


def test_second_derivatives_far_out_stay_exact():
    assert grad(grad(autograd.sigmoid))(40.0) == pytest.approx(-math.exp(-40.0))
