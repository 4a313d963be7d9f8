"""Loops in time, as plain scalar code: each step's numbers come from the step before.

As in naive.py, `program(params, *data)` returns a Value, and is what one writes who has only read
the formula. Nobody says where the time axis is: that is for the compiler to find.
"""

from typing import Any

import autograd

ODE_STEPS, HEAT_STEPS = 20, 50


def lotka_volterra(params: Any, seen: Any, dt: float = 0.1) -> Any:
    """Mean squared error of hares and lynxes against what was seen after each step of length dt:
    h' = a h - b h l, l' = d h l - c l, by the classical Runge-Kutta method (RK4)."""
    a, b, c, d = params["rates"]

    def slopes(h: Any, lynxes: Any) -> tuple[Any, Any]:
        meetings = h * lynxes
        return a * h - b * meetings, d * meetings - c * lynxes

    h, lynxes = params["start"]
    loss = 0.0
    for h_seen, l_seen in seen:
        h1, l1 = slopes(h, lynxes)
        h2, l2 = slopes(h + 0.5 * dt * h1, lynxes + 0.5 * dt * l1)
        h3, l3 = slopes(h + 0.5 * dt * h2, lynxes + 0.5 * dt * l2)
        h4, l4 = slopes(h + dt * h3, lynxes + dt * l3)
        h = h + dt / 6 * (h1 + 2 * h2 + 2 * h3 + h4)
        lynxes = lynxes + dt / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
        loss = loss + (h - h_seen) ** 2 + (lynxes - l_seen) ** 2
    return loss / len(seen)


def ode(params: Any, target: Any, steps: int = ODE_STEPS) -> Any:
    """Squared distance to a target of y(2), where y_0' = x_0, y_i' = x_i y_(i-1), and y(0) = 0:
    RK4 on n equations, of which each drives the next."""
    x = params["x"]
    n, h = len(x), 2.0 / steps

    def slopes(y: list[Any]) -> list[Any]:
        return [x[0]] + [x[i] * y[i - 1] for i in range(1, n)]

    y = [0.0] * n
    for _ in range(steps):
        k1 = slopes(y)
        k2 = slopes([y[i] + h / 2 * k1[i] for i in range(n)])
        k3 = slopes([y[i] + h / 2 * k2[i] for i in range(n)])
        k4 = slopes([y[i] + h * k3[i] for i in range(n)])
        y = [y[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(n)]
    return sum((a - b) ** 2 for a, b in zip(y, target))


def softmax(logits: Any) -> list[Any]:
    exps = [x.exp() for x in logits]
    total = sum(exps)
    return [e / total for e in exps]


def hmm(params: Any, symbols: Any) -> Any:
    """Minus the mean log-likelihood of symbols under a hidden Markov model, by the forward
    algorithm with a rescaling at each step (Rabiner 1989, section V.A)."""
    moves = [softmax(row) for row in params["moves"]]
    shown = list(zip(*[softmax(row) for row in params["shown"]]))  # by symbol, then by state
    p = softmax(params["start"])
    loss = 0.0
    for symbol in symbols:
        p = [p[k] * autograd.take([row[k] for row in shown], symbol) for k in range(len(p))]
        total = sum(p)
        loss = loss - total.log()
        p = [x / total for x in p]
        p = [sum(p[j] * moves[j][k] for j in range(len(p))) for k in range(len(p))]
    return loss / len(symbols)


def kalman(params: Any, seen: Any, dt: float = 0.1) -> Any:
    """Minus the mean log-likelihood, constants left out, of positions seen with noise: a Kalman
    filter for position and speed. Learned are the logarithms of both variances, and the start."""
    q, r = params["log_q"].exp(), params["log_r"].exp()
    x, v = params["start"]
    xx, xv, vv = 1.0, 0.0, 1.0  # the covariance of the estimate
    loss = 0.0
    for z in seen:
        x = x + dt * v
        xx, xv, vv = xx + 2 * dt * xv + dt * dt * vv + q * dt**3 / 3, xv + dt * vv, vv + q * dt
        xv = xv + q * dt**2 / 2
        s = xx + r
        error = z - x
        loss = loss + s.log() + error * error / s
        gain_x, gain_v = xx / s, xv / s
        x, v = x + gain_x * error, v + gain_v * error
        xx, xv, vv = (1 - gain_x) * xx, (1 - gain_x) * xv, vv - gain_v * xv
    return 0.5 * loss / len(seen)


def heat(params: Any, measured: Any, steps: int = HEAT_STEPS) -> Any:
    """The inverse problem of the heat equation: squared error of a rod's final temperatures from
    the first ones and the conductivity, both unknown; ends at 0, explicit Euler steps."""
    u, c = params["u"], params["conductivity"]
    for _ in range(steps):
        padded = [0.0, *u, 0.0]
        u = [
            padded[i] + c * (padded[i - 1] - 2 * padded[i] + padded[i + 1])
            for i in range(1, len(u) + 1)
        ]
    return sum((a - b) ** 2 for a, b in zip(u, measured)) / len(measured)


def gru(params: Any, xs: Any, ys: Any) -> Any:
    """Mean squared error of a GRU's last state, sequence by sequence: gates r (reset) and z
    (update) and the candidate n, h = (1 - z) * n + z * h (Cho et al. 2014, PyTorch's form)."""

    def sums(gate: str, x: Any, h: Any) -> tuple[list[Any], list[Any]]:
        p = params[gate]
        from_x = [b + sum(w * v for w, v in zip(row, x)) for row, b in zip(p["w"], p["b"])]
        return from_x, [sum(w * v for w, v in zip(row, h)) for row in p["u"]]

    loss = 0.0
    for sequence, target in zip(xs, ys):
        h = [0.0 for _ in target]
        for x in sequence:
            r = [(a + b).sigmoid() for a, b in zip(*sums("r", x, h))]
            z = [(a + b).sigmoid() for a, b in zip(*sums("z", x, h))]
            from_x, from_h = sums("n", x, h)
            n = [(from_x[k] + r[k] * from_h[k]).tanh() for k in range(len(h))]
            h = [(1 - z[k]) * n[k] + z[k] * h[k] for k in range(len(h))]
        loss = loss + sum((a - y) ** 2 for a, y in zip(h, target))
    return loss / len(xs)


def cholesky(params: Any, xs: Any, ys: Any) -> Any:
    """Minus the mean log-likelihood, constants left out, of a Gaussian process with the kernel
    s^2 exp(-(x - x')^2 / (2 l^2)) + noise: ½ y' K^-1 y + ½ log det K, by scalar Cholesky."""
    s, length, noise = [p.exp() for p in params["logs"]]
    n, scale = len(xs), -0.5 / (length * length)
    low: list[list[Any]] = [[] for _ in range(n)]
    white: list[Any] = []  # solves low @ white = ys
    loss = 0.0
    for i in range(n):
        for j in range(i + 1):
            k = s * s * (scale * (xs[i] - xs[j]) ** 2).exp() + (noise if i == j else 0.0)
            k = k - sum(low[i][m] * low[j][m] for m in range(j))
            low[i].append(k / low[j][j] if i > j else k.sqrt())
        white.append((ys[i] - sum(low[i][m] * white[m] for m in range(i))) / low[i][i])
        loss = loss + low[i][i].log() + 0.5 * white[i] * white[i]
    return loss / n


PROGRAMS = {
    "lotka-volterra": lotka_volterra,
    "ode": ode,
    "hmm": hmm,
    "kalman": kalman,
    "heat": heat,
    "gru": gru,
    "cholesky": cholesky,
}
