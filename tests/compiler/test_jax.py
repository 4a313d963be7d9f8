"""The JAX target against the interpreter, and in training."""

import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax")

import autograd  # noqa: E402
import nn  # noqa: E402
from autograd.compiler.targets.jax import function_of  # noqa: E402
from tests.compiler.blocks import random_block  # noqa: E402

slow = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 30)]


@pytest.mark.parametrize("seed", [*range(6), *slow])
def test_random_blocks_as_the_interpreter(seed: int) -> None:
    block, inputs = random_block(seed)
    _, step, _ = function_of(block)
    with jax.enable_x64(True):
        given = [np.asarray(inputs[name]).reshape(block[name].shape) for name in block.inputs]
        found = jax.jit(step)(*given)
    for x, true in zip(found, block.evaluate(inputs)):
        np.testing.assert_allclose(x, true, rtol=1e-9, atol=1e-9)


def test_training_is_as_with_numpy() -> None:
    losses = []
    for backend in ("numpy", "jax"):
        model = nn.MLP(2, [6, 3], "tanh", rng=random.Random(0))
        optimizer = nn.optim.SGD(model.parameters(), 0.1)
        xs, ys = [[0.1, 0.2], [0.5, -0.3], [-1.0, 0.7]], [0, 2, 1]

        def loss(model: Any, xs: Any, ys: Any) -> Any:
            return nn.cross_entropy([model(x) for x in xs], ys)

        step = autograd.jit(loss, optimizer, backend=backend)
        losses.append([step(model, xs, ys) for _ in range(10)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert step.source.startswith("import jax.numpy as np")
    with pytest.raises(IndexError, match="index 3 is out of range"):
        step(model, xs, [0, 3, 1])


def test_double_precision_ends_with_the_call() -> None:
    step = autograd.jit(lambda ws: autograd.sum([w.exp() for w in ws]), backend="jax")
    step([autograd.Value(0.5), autograd.Value(1.5)]).backward()
    assert jax.numpy.ones(1).dtype == np.float32
