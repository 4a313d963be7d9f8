"""The loops in time as programs of PyTorch: the state is a tensor, the loop is Python's."""

from typing import Any

import torch
import torch.nn.functional as f

from benchmarks.recurrences import HEAT_STEPS, ODE_STEPS


def rk4(slopes: Any, y: Any, h: float) -> Any:
    k1 = slopes(y)
    k2 = slopes(y + h / 2 * k1)
    k3 = slopes(y + h / 2 * k2)
    k4 = slopes(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def lotka_volterra(params: Any, data: Any, dt: float = 0.1) -> Any:
    a, b, c, d = params["rates"]
    own, met = torch.stack([a, -c]), torch.stack([-b, d])

    def slopes(y: Any) -> Any:
        return own * y + met * y.prod()

    y, states = params["start"], []
    for _ in data["seen"]:
        y = rk4(slopes, y, dt)
        states.append(y)
    return ((torch.stack(states) - data["seen"]) ** 2).sum() / len(states)


def ode(params: Any, data: Any) -> Any:
    x = params["x"]

    def slopes(y: Any) -> Any:
        return x * torch.cat([y.new_ones(1), y[:-1]])

    y = torch.zeros_like(x)
    for _ in range(ODE_STEPS):
        y = rk4(slopes, y, 2.0 / ODE_STEPS)
    return ((y - data["target"]) ** 2).sum()


def hmm(params: Any, data: Any) -> Any:
    moves = torch.softmax(params["moves"], 1)
    shown = torch.softmax(params["shown"], 1).T[data["symbols"]]  # by step, then by state
    p, totals = torch.softmax(params["start"], 0), []
    for likelihoods in shown:
        p = p * likelihoods
        totals.append(p.sum())
        p = (p / totals[-1]) @ moves
    return -torch.stack(totals).log().mean()


def kalman(params: Any, data: Any, dt: float = 0.1) -> Any:
    q, r = params["log_q"].exp(), params["log_r"].exp()
    move = q.new_tensor([[1.0, dt], [0.0, 1.0]])
    noise = q * q.new_tensor([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    x, p = params["start"], torch.eye(2, dtype=q.dtype)
    loss = 0.0
    for z in data["seen"]:
        x, p = move @ x, move @ p @ move.T + noise
        s, error = p[0, 0] + r, z - x[0]
        loss = loss + s.log() + error * error / s
        gain = p[:, 0] / s
        x, p = x + gain * error, p - gain[:, None] * p[0]
    return 0.5 * loss / len(data["seen"])


def heat(params: Any, data: Any) -> Any:
    u, c = params["u"], params["conductivity"]
    for _ in range(HEAT_STEPS):
        padded = f.pad(u, (1, 1))
        u = u + c * (padded[:-2] - 2 * u + padded[2:])
    return ((u - data["measured"]) ** 2).mean()


def gru(params: Any, data: Any) -> Any:
    xs, ys = data["xs"], data["ys"]
    w, b, u = [torch.cat([params[gate][k] for gate in "rzn"]) for k in "wbu"]
    h = torch.zeros_like(ys)
    for t in range(xs.shape[1]):
        r_x, z_x, n_x = f.linear(xs[:, t], w, b).chunk(3, 1)
        r_h, z_h, n_h = f.linear(h, u).chunk(3, 1)
        r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
        n = (n_x + r * n_h).tanh()
        h = (1 - z) * n + z * h
    return ((h - ys) ** 2).sum() / len(xs)


def cholesky(params: Any, data: Any) -> Any:
    s, length, noise = params["logs"].exp()
    xs, ys = data["xs"], data["ys"]
    squares = (xs[:, None] - xs) ** 2
    kernel = s * s * (-0.5 / (length * length) * squares).exp()
    low = torch.linalg.cholesky(kernel + noise * torch.eye(len(xs), dtype=xs.dtype))
    white = torch.linalg.solve_triangular(low, ys[:, None], upper=False)
    return (low.diagonal().log().sum() + 0.5 * (white * white).sum()) / len(xs)


PROGRAMS = {"lotka-volterra": lotka_volterra, "ode": ode, "hmm": hmm, "kalman": kalman}
PROGRAMS |= {"heat": heat, "gru": gru, "cholesky": cholesky}
