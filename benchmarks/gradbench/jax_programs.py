"""The same objectives as array programs of JAX, compiled by jax.jit; loops in time are lax.scan."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import logsumexp, sigmoid

from benchmarks.gradbench.objectives import log_multigamma

jax.config.update("jax_enable_x64", True)


def llsq(x: Any, given: Any) -> Any:
    t = jnp.linspace(-1.0, 1.0, given["n"])
    powers = t[:, None] ** jnp.arange(len(x))
    return ((jnp.sign(t) - powers @ x) ** 2).sum() / 2


def lse(x: Any, given: Any) -> Any:
    top = x.max()
    return top + jnp.log(jnp.exp(x - top).sum())


def kmeans(centroids: Any, given: Any) -> Any:
    squares = (given["points"][:, None] - centroids) ** 2
    return squares.sum(2).min(1).sum()


def ode(x: Any, given: Any) -> Any:
    h = 2.0 / given["s"]

    def slopes(y: Any) -> Any:
        return x * jnp.concatenate([jnp.ones(1), y[:-1]])

    def step(y: Any, _: Any) -> Any:
        k1 = slopes(y)
        k2 = slopes(y + h / 2 * k1)
        k3 = slopes(y + h / 2 * k2)
        k4 = slopes(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return lax.scan(step, jnp.zeros_like(x), length=given["s"])[0][-1]


def gmm(params: Any, given: Any) -> Any:
    alpha, mu, q, x = params["alpha"], params["mu"], params["q"], given["x"]
    (n, d), k = x.shape, len(alpha)
    columns, rows = jnp.triu_indices(d, 1)  # below the diagonal, column by column
    diagonal = jnp.exp(q)[:, :, None] * jnp.eye(d)
    factor = diagonal.at[:, rows, columns].set(params["l"])
    turned = jnp.einsum("kij,nkj->nki", factor, x[:, None] - mu)
    exponents = alpha - 0.5 * (turned**2).sum(2) + q.sum(1)
    weights = d / 2 * math.log(2 * math.pi) + logsumexp(alpha)
    freedom, gamma = d + given["m"] + 1, given["gamma"]
    scale = freedom * d * math.log(gamma / math.sqrt(2)) - log_multigamma(freedom / 2, d)
    prior = k * scale - gamma**2 / 2 * (factor**2).sum() + given["m"] * q.sum()
    return logsumexp(exponents, 1).sum() - n * weights + prior


def lstm(params: Any, given: Any) -> Any:
    main, extra = params["main_params"], params["extra_params"]
    sequence = given["sequence"]

    def step(cells: Any, bits: Any) -> Any:
        x, following = bits
        after, h = [], x * extra[0]
        for i in range(0, len(main), 2):
            seen = jnp.concatenate([h, cells[i], h, cells[i]])
            forget, ingate, outgate, change = jnp.split(seen * main[i] + main[i + 1], 4)
            c = cells[i + 1] * sigmoid(forget) + sigmoid(ingate) * jnp.tanh(change)
            h = sigmoid(outgate) * jnp.tanh(c)
            after += [h, c]
        y = h * extra[1] + extra[2]
        return jnp.stack(after), (following * (y - jnp.log(jnp.exp(y).sum() + 2.0))).sum()

    _, totals = lax.scan(step, given["state"], (sequence[:-1], sequence[1:]))
    return -totals.sum() / (sequence.shape[1] * len(totals))


PROGRAMS = {"llsq": llsq, "lse": lse, "kmeans": kmeans, "ode": ode, "gmm": gmm, "lstm": lstm}


def gradient(module: str, params: Any, given: Any) -> Any:
    """A function without arguments that computes the gradient; sizes are constants."""
    data = {key: jnp.array(x) for key, x in given.items() if isinstance(x, list)}
    sizes = {key: x for key, x in given.items() if not isinstance(x, list)}
    trained = {key: jnp.array(x) for key, x in params.items()}

    def loss(trained: Any, data: Any) -> Any:
        argument = trained if len(trained) > 1 else next(iter(trained.values()))
        return PROGRAMS[module](argument, data | sizes)

    slope = jax.jit(newton_step(loss) if module == "kmeans" else jax.grad(loss))

    def run() -> dict[str, Any]:
        found = slope(trained, data)
        return {key: found[key].tolist() for key in trained}

    return run


def newton_step(loss: Any) -> Any:
    """The gradient over the Hessian's diagonal, where that is all of the Hessian."""
    slope = jax.grad(loss)

    def total(trained: Any, data: Any) -> Any:
        return sum(g.sum() for g in slope(trained, data).values())

    def step(trained: Any, data: Any) -> Any:
        return jax.tree.map(jnp.divide, slope(trained, data), jax.grad(total)(trained, data))

    return step
