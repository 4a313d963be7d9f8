"""What GradBench asks for, by module and function: `make(input, backend)` prepares all that is not
to be timed, and returns what is: a function without arguments whose result is the answer.

backend: "eager", or one of autograd.jit's.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd import Value, grad, jacobian, jit, no_grad
from benchmarks.gradbench import nested, objectives
from benchmarks.scalar import leaves, lift

Run = Callable[[], Any]
Make = Callable[[Any, str], Run]

CAMERA, POINT = 11, 3  # parameters of a camera, of a point
SHOWN = 2 * (CAMERA + POINT + 1)  # elements of the sparse Jacobian that are sent


class Loss:
    """A scalar function of parameters, which are nested lists or dicts of floats, and of data."""

    def __init__(self, loss: Any, params: Any, data: tuple[Any, ...], backend: str) -> None:
        self.params, self.data, self.eager = lift(params, Value), data, backend == "eager"
        self.loss = loss if self.eager else jit(loss, backend=backend)
        if not self.eager:
            self.data = tuple([as_array(x) for x in data])

    def value(self) -> float:
        with no_grad():
            return float(self.loss(self.params, *self.data).data)

    def gradient(self) -> Any:
        for p in leaves(self.params):
            p.grad = 0.0
        self.loss(self.params, *self.data).backward()
        return gradients(self.params)


def as_array(x: Any) -> Any:
    import numpy as np

    return np.array(x)


def gradients(params: Any) -> Any:
    if isinstance(params, dict):
        return {key: gradients(item) for key, item in params.items()}
    return [gradients(x) for x in params] if isinstance(params, list) else params.grad


def of_loss(what: str, prepare: Callable[[Any], tuple[Any, Any, tuple[Any, ...]]]) -> Make:
    """`what`: "value" or "gradient" of the (loss, parameters, data) of an input."""

    def make(given: Any, backend: str) -> Run:
        return getattr(Loss(*prepare(given), backend), what)

    return make


def det(given: Any) -> Any:
    n, flat = given["ell"], given["A"]

    def loss(flat: list[Any]) -> Any:
        return objectives.det([flat[i : i + n] for i in range(0, n * n, n)])

    return loss, flat, ()


def gmm(given: Any) -> Any:
    m, gamma = given["m"], given["gamma"]
    params = {key: given[key] for key in ("alpha", "mu", "q", "l")}
    return partial(objectives.gmm, m=m, gamma=gamma), params, (given["x"],)


def llsq(given: Any) -> Any:
    return partial(objectives.llsq, n=given["n"]), given["x"], ()


def lse(given: Any) -> Any:
    return objectives.lse, given["x"], ()


def kmeans(given: Any) -> Any:
    return objectives.kmeans, given["centroids"], (given["points"],)


def lstm(given: Any) -> Any:
    params = [given["main_params"], given["extra_params"]]

    def loss(params: Any, state: Any, sequence: Any) -> Any:
        return objectives.lstm(*params, state, sequence)

    return loss, params, (given["state"], given["sequence"])


def flat_gradient(make: Make) -> Make:
    """The gradient as one list."""

    def flat(given: Any, backend: str) -> Run:
        run = make(given, backend)
        return lambda: list(leaves(run()))

    return flat


def last_of_ode(given: Any) -> Any:
    return lambda x: objectives.ode(x, given["s"])[-1], given["x"], ()


def ode_itself(given: Any, backend: str) -> Run:
    x, s = [Value(v) for v in given["x"]], given["s"]

    def run() -> list[float]:
        with no_grad():
            return [y.data for y in objectives.ode(x, s)]

    return run


def newton_step(given: Any, backend: str) -> Run:
    """The gradient over the Hessian's diagonal. The Hessian is nothing but that diagonal, so its
    rows' sums, the gradient of the gradient's sum, are all that is needed."""
    centroids, points = given["centroids"], given["points"]
    slope = grad(lambda c: objectives.kmeans(c, points))

    def run() -> Any:
        first = slope(centroids)
        second = grad(lambda c: sum(leaves(slope(c))))(centroids)
        return [[a / b for a, b in zip(*rows)] for rows in zip(first, second)]

    return run


def in_variants(what: Callable[..., Any], key: str) -> dict[str, Make]:
    """Forward and reverse mode, outside and inside."""

    def variant(modes: str) -> Make:
        outer, inner = [nested.MODES[mode] for mode in modes]
        return lambda given, backend: lambda: what(given[key], outer, inner)

    return {modes: variant(modes) for modes in ("ff", "fr", "rf", "rr")}


# --- functions with several results ---------------------------------------------------------------


class Rows:
    """The Jacobian of a function of parameters, a row at a time: compiled, as the gradient of a
    sum in which only one result counts."""

    def __init__(self, f: Callable[[Any], list[Any]], backend: str) -> None:
        def weighted(params: Any, weights: Any) -> Any:
            return sum(w * y for w, y in zip(weights, f(params)))

        self.f, self.compiled = f, None if backend == "eager" else jit(weighted, backend=backend)

    def __call__(self, params: Any, results: int) -> list[list[float]]:
        if self.compiled is None:
            return [list(leaves(row)) for row in jacobian(self.f)(params)]
        values = lift(params, Value)
        return [self.row(values, i, results) for i in range(results)]

    def row(self, values: Any, i: int, results: int) -> list[float]:
        trained = list(leaves(values))
        for p in trained:
            p.grad = 0.0
        self.compiled(values, as_array([float(i == j) for j in range(results)])).backward()
        return [p.grad for p in trained]


def hand(given: Any, backend: str) -> Run:
    theta, us = lift(given["theta"], Value), lift(given["us"], Value)

    def run() -> list[float]:
        with no_grad():
            return [e.data for e in objectives.hand(theta, us, given["data"])]

    return run


def hand_jacobian(given: Any, backend: str) -> Run:
    """Of the columns for the points' places on triangles only their own two are sent."""
    theta, us, data = given["theta"], given["us"], given["data"]
    rows = Rows(lambda params: objectives.hand(*params, data), backend)

    def run() -> list[list[float]]:
        found = rows([theta, us], 3 * len(data["correspondences"]))
        n = len(theta)
        places = [n + 2 * (i // 3) for i in range(len(found))]
        own = [row[k : k + 2] if us else [] for row, k in zip(found, places)]
        return [[*two, *row[:n]] for two, row in zip(own, found)]

    return run


def bundle(given: Any, backend: str) -> Run:
    camera, point, w = [lift(given[key], Value) for key in ("cam", "x", "w")]

    def run() -> Any:
        with no_grad():
            for _ in range(given["p"]):
                errors = objectives.reprojection(camera, point, w, given["feat"])
                weight_error = 1.0 - w * w
        reprojection = {"elements": [e.data for e in errors], "repeated": given["p"]}
        return {
            "reproj_error": reprojection,
            "w_err": {"element": weight_error.data, "repeated": given["p"]},
        }

    return run


def bundle_jacobian(given: Any, backend: str) -> Run:
    """All p observations, though they are alike; the matrix in compressed rows, the first 30
    elements and the last."""
    n, m, p = given["n"], given["m"], given["p"]
    camera, point, w, feature = [given[key] for key in ("cam", "x", "w", "feat")]
    rows = Rows(lambda params: objectives.reprojection(*params, feature), backend)

    def run() -> Any:
        values, columns = [], []
        for i in range(p):
            of_camera = [CAMERA * (i % n) + k for k in range(CAMERA)]
            of_point = [CAMERA * n + POINT * (i % m) + k for k in range(POINT)]
            columns += 2 * [*of_camera, *of_point, CAMERA * n + POINT * m + i]
            for row in rows([camera, point, w], 2):
                values += row
        slope = grad(lambda w: 1.0 - w * w)
        for i in range(p):
            columns.append(CAMERA * n + POINT * m + i)
            values.append(slope(w))
        ends = [15 * i for i in range(2 * p + 1)] + [30 * p + i + 1 for i in range(p)]
        parts = {"rows": ends, "cols": columns, "vals": values}
        return {key: [*part[:SHOWN], part[-1]] for key, part in parts.items()}

    return run


FUNCTIONS: dict[str, dict[str, Make]] = {
    "hello": {
        "square": lambda x, backend: lambda: x * x,
        "double": lambda x, backend: lambda: grad(lambda x: x * x)(x),
    },
    "det": {"primal": of_loss("value", det), "gradient": of_loss("gradient", det)},
    "llsq": {"primal": of_loss("value", llsq), "gradient": of_loss("gradient", llsq)},
    "lse": {"primal": of_loss("value", lse), "gradient": of_loss("gradient", lse)},
    "ode": {"primal": ode_itself, "gradient": of_loss("gradient", last_of_ode)},
    "gmm": {"objective": of_loss("value", gmm), "jacobian": of_loss("gradient", gmm)},
    "lstm": {
        "objective": of_loss("value", lstm),
        "jacobian": flat_gradient(of_loss("gradient", lstm)),
    },
    "kmeans": {"cost": of_loss("value", kmeans), "dir": newton_step},
    "ba": {"objective": bundle, "jacobian": bundle_jacobian},
    "ht": {"objective": hand, "jacobian": hand_jacobian},
    "saddle": in_variants(nested.saddle, "start"),
    "particle": in_variants(nested.particle, "w"),
}
