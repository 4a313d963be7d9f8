"""Some of the loops in time in NumPy, gradients by hand: backwards over what was stored."""

from typing import Any

import numpy as np

from benchmarks.recurrences import HEAT_STEPS, ODE_STEPS
from benchmarks.scalar import Step


def ode(params: Any, data: Any, lr: float) -> Step:
    x, target, h = params["x"], np.array(data["target"]), 2.0 / ODE_STEPS

    def driving(y: Any) -> Any:
        return np.concatenate([[1.0], y[:-1]])

    def step() -> float:
        y, stages = np.zeros_like(x), []
        for _ in range(ODE_STEPS):
            inputs = [driving(y)]
            k1 = x * inputs[0]
            inputs.append(driving(y + h / 2 * k1))
            k2 = x * inputs[1]
            inputs.append(driving(y + h / 2 * k2))
            k3 = x * inputs[2]
            inputs.append(driving(y + h * k3))
            k4 = x * inputs[3]
            stages.append(inputs)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        error = y - target
        d, gx = 2 * error, np.zeros_like(x)
        for inputs in reversed(stages):
            d = ode_backward(d, x, inputs, h, gx)
        x[:] -= lr * gx
        return float(error @ error)

    return step


def ode_backward(d: Any, x: Any, inputs: Any, h: float, gx: Any) -> Any:
    """The gradient before a step from that after it; what x gets is added to gx."""
    before, dk = d.copy(), h / 6 * d
    for seen, weight, reach in zip(reversed(inputs), (2, 2, 1, 0), (h, h / 2, h / 2, 0)):
        gx += seen * dk
        dy = np.append((x * dk)[1:], 0.0)
        before += dy
        dk = weight * h / 6 * d + reach * dy
    return before


def heat(params: Any, data: Any, lr: float) -> Step:
    u, measured = params["u"], np.array(data["measured"])

    def curvature(v: Any) -> Any:
        padded = np.pad(v, 1)
        return padded[:-2] - 2 * v + padded[2:]

    def step() -> float:
        c, state, curvatures = params["conductivity"], u, []
        for _ in range(HEAT_STEPS):
            curvatures.append(curvature(state))
            state = state + c * curvatures[-1]
        error = state - measured
        d, gc = 2 / len(u) * error, 0.0
        for before in reversed(curvatures):
            gc += d @ before
            d = d + c * curvature(d)  # a symmetric matrix
        u[:] -= lr * d
        params["conductivity"] = c - lr * gc
        return float(error @ error / len(u))

    return step


def gru(params: Any, data: Any, lr: float) -> Step:
    xs, ys = np.array(data["xs"]).transpose(1, 0, 2), np.array(data["ys"])  # time first
    n, width = ys.shape
    w, b, u = [np.concatenate([params[gate][k] for gate in "rzn"]) for k in "wbu"]

    def step() -> float:
        h, stored = np.zeros_like(ys), []
        from_x = xs @ w.T + b
        for sums in from_x:
            from_h = h @ u.T
            gates = 1 / (1 + np.exp(-(sums + from_h)[:, : 2 * width]))
            r, z = gates[:, :width], gates[:, width:]
            new = np.tanh(sums[:, 2 * width :] + r * from_h[:, 2 * width :])
            stored.append((h, r, z, new, from_h[:, 2 * width :]))
            h = (1 - z) * new + z * h
        error = h - ys
        d, d_sums = 2 / n * error, np.empty_like(from_x)
        gu = np.zeros_like(u)
        for t in reversed(range(len(xs))):
            before, r, z, new, from_h = stored[t]
            d_new = d * (1 - z) * (1 - new * new)
            d_r, d_z = d_new * from_h * r * (1 - r), d * (before - new) * z * (1 - z)
            d_sums[t] = np.concatenate([d_r, d_z, d_new], 1)
            d_h = np.concatenate([d_r, d_z, d_new * r], 1)
            gu += d_h.T @ before
            d = d * z + d_h @ u
        flat = d_sums.reshape(-1, 3 * width)
        w[:] -= lr * (flat.T @ xs.reshape(-1, xs.shape[2]))
        b[:] -= lr * flat.sum(0)
        u[:] -= lr * gu
        return float((error * error).sum() / n)

    return step


def cholesky(params: Any, data: Any, lr: float) -> Step:
    """The derivative in the matrix K is ½ (K^-1 - K^-1 y y' K^-1)."""
    logs, xs, ys = params["logs"], np.array(data["xs"]), np.array(data["ys"])
    squares, eye = (xs[:, None] - xs) ** 2, np.eye(len(xs))

    def step() -> float:
        s, length, noise = np.exp(logs)
        kernel = s * s * np.exp(-0.5 / length**2 * squares)
        low = np.linalg.cholesky(kernel + noise * eye)
        inverse = np.linalg.inv(low)
        white = inverse @ ys
        a = inverse.T @ white
        g = (inverse.T @ inverse - np.outer(a, a)) * (0.5 / len(ys))
        of_kernel = g * kernel
        in_length = (of_kernel * squares).sum() / length**2
        logs[:] -= lr * np.array([2 * of_kernel.sum(), in_length, noise * g.trace()])
        return float((np.log(low.diagonal()).sum() + 0.5 * white @ white) / len(ys))

    return step


PROGRAMS = {"ode": ode, "heat": heat, "gru": gru, "cholesky": cholesky}
