"""Derivatives inside of functions that are differentiated: GradBench's saddle and particle.

Both search for a minimum along gradients, and what is minimised contains a gradient itself
(Pearlmutter and Siskind 2008). The four variants have forward (f) or reverse mode (r) outside and
inside. glassgrad has reverse mode alone: forward mode is here what two reverse passes make of it
(Townsend 2017, "A new trick for calculating Jacobian vector products").
"""

import math
from collections.abc import Callable
from typing import Any

from autograd import Value, grad, jacobian, sqrt

Vector = list[Any]
Gradient = Callable[[Callable[[Vector], Any]], Callable[[Vector], Vector]]

TOLERANCE, FIRST_RATE, GROWS_AFTER = 1e-5, 1e-5, 10
TIME_STEP = 0.1


def reverse(f: Callable[[Vector], Any]) -> Callable[[Vector], Vector]:
    return grad(f)


def forward(f: Callable[[Vector], Any]) -> Callable[[Vector], Vector]:
    """The derivative of f along a direction is that, in u, of the direction's part of u f'(x)."""
    return lambda x: jacobian(lambda u: grad(lambda y: u * f(y))(x))(1.0)


MODES: dict[str, Gradient] = {"f": forward, "r": reverse}


def number(x: Any) -> float:
    return float(x.data) if isinstance(x, Value) else float(x)


def size(x: Vector) -> float:
    return math.sqrt(sum(number(v) ** 2 for v in x))


def argmin(f: Callable[[Vector], Any], x: Vector, gradient: Gradient) -> Vector:
    """Steps along the gradient, until it or they are shorter than 1e-5; the rate doubles after ten
    steps that went down, and is halved where one would go up."""
    slope, rate, steps = gradient(f), FIRST_RATE, 0
    fx, gx = f(x), slope(x)
    while size(gx) > TOLERANCE:
        if steps == GROWS_AFTER:
            rate, steps = 2.0 * rate, 0
            continue
        there = [v - rate * g for v, g in zip(x, gx)]
        if size([a - b for a, b in zip(x, there)]) <= TOLERANCE:
            break
        if number(f_there := f(there)) < number(fx):
            x, fx, gx, steps = there, f_there, slope(there), steps + 1
        else:
            rate, steps = rate / 2.0, 0
    return x


def argmax(f: Callable[[Vector], Any], x: Vector, gradient: Gradient) -> Vector:
    return argmin(lambda y: -f(y), x, gradient)


def saddle(start: Vector, outer: Gradient, inner: Gradient) -> Vector:
    """[*x, *y] of min over x of max over y of (x1^2 + x2^2) - (y1^2 + y2^2)."""

    def height(x: Vector, y: Vector) -> Any:
        return (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1])

    def highest(x: Vector) -> Any:
        return height(x, argmax(lambda y: height(x, y), start, inner))

    x = argmin(highest, start, outer)
    y = argmax(lambda y: height(x, y), start, outer)
    return [number(v) for v in (*x, *y)]


def particle(w: float, outer: Gradient, inner: Gradient) -> float:
    """Where to put the second of two charges, so that a particle passes the origin."""
    return number(argmin(lambda w: landing(w[0], inner), [w], outer)[0])


def landing(w: Any, gradient: Gradient) -> Any:
    """The square of where it crosses y = 0, by Euler's method; the force is minus the gradient of
    the potential of two charges."""
    charges = [[10.0, 10.0 - w], [10.0, 0.0]]

    def potential(x: Vector) -> Any:
        away = [[a - b for a, b in zip(x, charge)] for charge in charges]
        return sum(1.0 / sqrt(d[0] * d[0] + d[1] * d[1]) for d in away)

    x, speed = [0.0, 8.0], [0.75, 0.0]
    while True:
        force = gradient(potential)(x)
        there = [a + TIME_STEP * v for a, v in zip(x, speed)]
        if number(there[1]) <= 0.0:
            rest = -x[1] / speed[1]
            return (x[0] + rest * speed[0]) ** 2
        x, speed = there, [v - TIME_STEP * f for v, f in zip(speed, force)]
