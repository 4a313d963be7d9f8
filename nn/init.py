"""Initialisers: the numbers that weights start from.

An initialiser is a function `(n, fan_in, fan_out, rng)` that returns `n` floats for a neuron which
reads `fan_in` numbers and stands beside `fan_out - 1` others in its layer. `rng` is a
`random.Random`: the same seed gives the same numbers in any process. (In a convolution, fan_in is
the patch's size and fan_out the filters' number times their area, as in PyTorch.) Every layer
takes one as `init=`; to set a keyword, wrap it: `init=functools.partial(nn.init.normal, std=0.02)`.

Why it matters: a sum of `fan_in` terms has `fan_in` times the variance of one term, so weights
must shrink as layers get wider, or signals and gradients explode or fade on their way.
"""

import math
import operator
import random
from collections.abc import Callable

Initialiser = Callable[[int, int, int, random.Random], list[float]]


def generator(rng: random.Random | int | None) -> random.Random:
    """`rng`, a new generator with the seed `rng`, or, for None, one that Python's own one seeds.

    So `random.seed(0)` before a model is built makes the model repeatable, and `rng=` makes it
    independent of what else draws random numbers. Raises TypeError for other generators.
    """
    if rng is None:
        return random.Random(random.getrandbits(64))
    if hasattr(rng, "__index__") and not isinstance(rng, bool):
        return random.Random(operator.index(rng))
    if all(hasattr(rng, name) for name in ("random", "uniform", "gauss")):
        return rng  # type: ignore[return-value]
    raise TypeError(
        f"rng is a random.Random or a seed, an int, but this is of type {type(rng).__name__}: "
        "write rng=random.Random(0) or rng=0."
    )


def zeros(n: int, fan_in: int, fan_out: int, rng: random.Random) -> list[float]:
    """All 0: right for biases, wrong for weights (neurons that start alike stay alike)."""
    return [0.0] * n


def uniform(
    n: int, fan_in: int, fan_out: int, rng: random.Random, low: float = -1.0, high: float = 1.0
) -> list[float]:
    """Evenly spread between `low` and `high`."""
    return [rng.uniform(low, high) for _ in range(n)]


def normal(
    n: int, fan_in: int, fan_out: int, rng: random.Random, mean: float = 0.0, std: float = 1.0
) -> list[float]:
    """Normally distributed."""
    return [rng.gauss(mean, std) for _ in range(n)]


def xavier_uniform(
    n: int, fan_in: int, fan_out: int, rng: random.Random, gain: float = 1.0
) -> list[float]:
    """Uniform with variance gain**2 * 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform(n, fan_in, fan_out, rng, -bound, bound)


def xavier_normal(
    n: int, fan_in: int, fan_out: int, rng: random.Random, gain: float = 1.0
) -> list[float]:
    """Normal with variance gain**2 * 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    return normal(n, fan_in, fan_out, rng, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform(
    n: int, fan_in: int, fan_out: int, rng: random.Random, gain: float = math.sqrt(2.0)
) -> list[float]:
    """Uniform with variance gain**2 / fan_in (He et al., 2015; the gain sqrt(2) is for relu)."""
    bound = gain * math.sqrt(3.0 / fan_in)
    return uniform(n, fan_in, fan_out, rng, -bound, bound)


def kaiming_normal(
    n: int, fan_in: int, fan_out: int, rng: random.Random, gain: float = math.sqrt(2.0)
) -> list[float]:
    """Normal with variance gain**2 / fan_in (He et al., 2015; the gain sqrt(2) is for relu)."""
    return normal(n, fan_in, fan_out, rng, 0.0, gain / math.sqrt(fan_in))


# How much wider weights start, to make up for what the activation takes away. (For the others 1.)
GAINS = {"relu": math.sqrt(2.0), "leaky_relu": math.sqrt(2.0 / (1.0 + 0.01**2)), "tanh": 5.0 / 3.0}
