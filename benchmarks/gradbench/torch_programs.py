"""GradBench's objectives as array programs of PyTorch, which `compare` measures beside ours.

There is none for det (so many products as permutations), ht, saddle and particle (as scalar code
they would take minutes), and none for hello, which is no measurement.
"""

import math
from typing import Any

import torch

from benchmarks.gradbench.objectives import log_multigamma


def llsq(x: Any, given: Any) -> Any:
    t = torch.linspace(-1.0, 1.0, given["n"], dtype=x.dtype)
    powers = t[:, None] ** torch.arange(len(x))
    return ((torch.sign(t) - powers @ x) ** 2).sum() / 2


def lse(x: Any, given: Any) -> Any:
    top = x.max()
    return top + torch.log(torch.exp(x - top).sum())


def kmeans(centroids: Any, given: Any) -> Any:
    squares = (given["points"][:, None] - centroids) ** 2
    return squares.sum(2).min(1).values.sum()


def ode(x: Any, given: Any) -> Any:
    h = 2.0 / given["s"]

    def slopes(y: Any) -> Any:
        return x * torch.cat([y.new_ones(1), y[:-1]])

    y = torch.zeros_like(x)
    for _ in range(given["s"]):
        k1 = slopes(y)
        k2 = slopes(y + h / 2 * k1)
        k3 = slopes(y + h / 2 * k2)
        k4 = slopes(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[-1]


def gmm(params: Any, given: Any) -> Any:
    alpha, mu, q, x = params["alpha"], params["mu"], params["q"], given["x"]
    (n, d), k = x.shape, len(alpha)
    columns, rows = torch.triu_indices(d, d, 1)  # below the diagonal, column by column
    factor = torch.diag_embed(q.exp()).index_put(
        (torch.arange(k)[:, None], rows, columns), params["l"]
    )
    turned = torch.einsum("kij,nkj->nki", factor, x[:, None] - mu)
    exponents = alpha - 0.5 * (turned**2).sum(2) + q.sum(1)
    weights = d / 2 * math.log(2 * math.pi) + torch.logsumexp(alpha, 0)
    freedom, gamma = d + given["m"] + 1, given["gamma"]
    scale = freedom * d * math.log(gamma / math.sqrt(2)) - log_multigamma(freedom / 2, d)
    prior = k * scale - gamma**2 / 2 * (factor**2).sum() + given["m"] * q.sum()
    return torch.logsumexp(exponents, 1).sum() - n * weights + prior


def lstm(params: Any, given: Any) -> Any:
    main, extra = params["main_params"], params["extra_params"]
    cells, sequence = list(given["state"]), given["sequence"]
    n, total = sequence.shape[1], 0.0
    for x, following in zip(sequence, sequence[1:]):
        h = x * extra[0]
        for i in range(0, len(main), 2):
            seen = torch.cat([h, cells[i], h, cells[i]])
            forget, ingate, outgate, change = (seen * main[i] + main[i + 1]).split(n)
            cells[i + 1] = cells[i + 1] * forget.sigmoid() + ingate.sigmoid() * change.tanh()
            h = cells[i] = outgate.sigmoid() * cells[i + 1].tanh()
        y = h * extra[1] + extra[2]
        total = total + (following * (y - torch.log(y.exp().sum() + 2.0))).sum()
    return -total / (n * (len(sequence) - 1))


PROGRAMS = {"llsq": llsq, "lse": lse, "kmeans": kmeans, "ode": ode, "gmm": gmm, "lstm": lstm}


def gradient(module: str, params: Any, given: Any) -> Any:
    """A function without arguments that computes the gradient."""

    def tensor(x: Any) -> Any:
        return torch.tensor(x, dtype=torch.float64) if isinstance(x, list) else x

    data = {key: tensor(x) for key, x in given.items()}
    trained = {key: tensor(x).requires_grad_() for key, x in params.items()}
    argument = trained if len(trained) > 1 else next(iter(trained.values()))

    def run() -> dict[str, Any]:
        loss, leaves = PROGRAMS[module](argument, data), list(trained.values())
        if module == "kmeans":
            found = newton_step(loss, leaves)
        else:
            found = torch.autograd.grad(loss, leaves)
        return {key: g.tolist() for key, g in zip(trained, found)}

    return run


def newton_step(loss: Any, leaves: list[Any]) -> list[Any]:
    """The gradient over the Hessian's diagonal, where that is all of the Hessian."""
    first = torch.autograd.grad(loss, leaves, create_graph=True)
    second = torch.autograd.grad(sum(g.sum() for g in first), leaves)
    return [a / b for a, b in zip(first, second)]
