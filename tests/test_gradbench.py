"""The GradBench adapter: its protocol, and its answers against formulas, differences, and the
values that the benchmark publishes."""

import importlib.util
import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from benchmarks.gradbench import compare, inputs, nested  # noqa: E402
from benchmarks.gradbench.__main__ import answer, serve  # noqa: E402
from benchmarks.gradbench.functions import FUNCTIONS  # noqa: E402
from benchmarks.scalar import leaves  # noqa: E402

SADDLE = 8.246324826140356e-06  # as published
SMALL: dict[str, Callable[[], Any]] = {
    "det": lambda: inputs.det(4),
    "llsq": lambda: inputs.llsq(8, 5),
    "lse": lambda: inputs.lse(20),
    "ode": lambda: inputs.ode(6, 3),
    "kmeans": lambda: inputs.kmeans(3, 12, 2),
    "gmm": lambda: inputs.gmm(3, 2, 8),
    "lstm": lambda: inputs.lstm(2, 5, 4),
    "ba": lambda: inputs.ba(3, 4, 20),
    "ht": lambda: inputs.ht(4, 10),
}
eager_and_jitted = pytest.mark.parametrize("backend", ["eager", "numpy", "python"])


def evaluated(module: str, function: str, given: Any, backend: str = "eager") -> Any:
    return FUNCTIONS[module][function](given, backend)()


def numbers(tree: Any) -> Any:
    return np.array(list(leaves(tree)), float)


# --- the protocol ---------------------------------------------------------------------------------


def test_a_session_is_answered_line_by_line() -> None:
    messages = [
        {"id": 0, "kind": "start", "eval": "hello"},
        {"id": 1, "kind": "define", "module": "hello"},
        {"id": 2, "kind": "evaluate", "module": "hello", "function": "square", "input": 3.0},
        {"id": 3, "kind": "analysis", "of": 2, "valid": True},
        {"id": 4, "kind": "evaluate", "module": "hello", "function": "double", "input": 3.0},
        {"id": 5, "kind": "something of a later version"},
    ]
    out = io.StringIO()
    serve([json.dumps(message) for message in messages], out, "eager")
    responses = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [r["id"] for r in responses] == [0, 1, 2, 3, 4, 5]
    assert responses[0]["tool"] == "glassgrad"
    assert responses[1]["success"] is True
    assert (responses[2]["output"], responses[4]["output"]) == (9.0, 6.0)
    assert responses[3] == {"id": 3} and responses[5] == {"id": 5}
    (timing,) = responses[2]["timings"]
    assert timing["name"] == "evaluate" and timing["nanoseconds"] > 0


def test_an_evaluation_is_repeated_as_often_and_as_long_as_is_asked_for() -> None:
    message = {"id": 7, "kind": "evaluate", "module": "lse", "function": "gradient"}
    message["input"] = inputs.lse(3) | {"min_runs": 4, "min_seconds": 0}
    assert len(answer(message, "eager")["timings"]) == 4
    message["input"] |= {"min_runs": 1, "min_seconds": 0.02}
    timings = [timing["nanoseconds"] for timing in answer(message, "eager")["timings"]]
    assert sum(timings) >= 0.02e9 > sum(timings[:-1])


def test_what_it_has_not_and_what_goes_wrong_are_answers_with_an_error() -> None:
    unknown = answer({"id": 1, "kind": "define", "module": "fft"})
    assert unknown["success"] is False and "'fft'" in unknown["error"]
    message = {"id": 2, "kind": "evaluate", "module": "det", "function": "primal", "input": {}}
    failed = answer(message)
    assert failed["success"] is False and "KeyError: 'ell'" in failed["error"]


def test_all_scalar_evals_are_there() -> None:
    wanted = "ba det gmm hello ht kmeans llsq lse lstm ode particle saddle"
    assert sorted(FUNCTIONS) == wanted.split()


# --- the answers ----------------------------------------------------------------------------------


@eager_and_jitted
@pytest.mark.parametrize("module", SMALL)
def test_jitted_answers_are_the_eager_ones(module: str, backend: str) -> None:
    given = SMALL[module]()
    for function in FUNCTIONS[module]:
        expected = numbers(evaluated(module, function, given))
        found = numbers(evaluated(module, function, given, backend))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert len(set(found)) > 1 or len(found) == 1


def test_det_is_that_of_numpy() -> None:
    given = inputs.det(5)
    matrix = np.array(given["A"]).reshape(5, 5)
    assert math.isclose(evaluated("det", "primal", given), np.linalg.det(matrix))
    cofactors = np.linalg.det(matrix) * np.linalg.inv(matrix).T
    np.testing.assert_allclose(evaluated("det", "gradient", given), cofactors.ravel())


def test_least_squares_and_lse_have_the_gradients_of_their_formulas() -> None:
    given = inputs.llsq(9, 6)
    t = np.linspace(-1, 1, 9)
    powers = t[:, None] ** np.arange(6)
    expected = powers.T @ (powers @ given["x"] - np.sign(t))
    np.testing.assert_allclose(evaluated("llsq", "gradient", given), expected, atol=1e-12)
    given = inputs.lse(30)
    exps = np.exp(given["x"])
    assert math.isclose(evaluated("lse", "primal", given), math.log(exps.sum()))
    np.testing.assert_allclose(evaluated("lse", "gradient", given), exps / exps.sum())


def test_a_step_of_k_means_leads_to_the_mean_of_the_points_that_are_nearest() -> None:
    given = inputs.kmeans(3, 40, 2)
    points, centroids = np.array(given["points"]), np.array(given["centroids"])
    squares = ((points[:, None] - centroids) ** 2).sum(2)
    assert math.isclose(evaluated("kmeans", "cost", given), squares.min(1).sum())
    means = [points[squares.argmin(1) == k].mean(0) for k in range(3)]
    np.testing.assert_allclose(evaluated("kmeans", "dir", given), centroids - means)


def test_gmm_is_the_posterior_as_it_is_defined() -> None:
    """Densities multiplied, and matrices inverted: the definition, without the algebra."""
    given = inputs.gmm(3, 2, 8) | {"m": 2, "gamma": 1.3}
    d, k, x = 3, 2, np.array(given["x"])
    freedom, total = d + given["m"] + 1, 0.0
    phi, sigmas = np.exp(given["alpha"]) / np.exp(given["alpha"]).sum(), []
    for q, below in zip(given["q"], given["l"]):
        factor = np.diag(np.exp(q))
        factor[[1, 2, 2], [0, 0, 1]] = below
        sigmas.append(np.linalg.inv(factor.T @ factor))
    for point in x:
        density = 0.0
        for weight, mu, sigma in zip(phi, given["mu"], sigmas):
            away = point - mu
            square = away @ np.linalg.inv(sigma) @ away
            density += weight * np.exp(-square / 2) / np.sqrt(np.linalg.det(2 * np.pi * sigma))
        total += math.log(density)
    gammas = sum(math.lgamma(freedom / 2 - j / 2) for j in range(d))
    log_gamma = d * (d - 1) / 4 * math.log(math.pi) + gammas
    for sigma in sigmas:  # Wishart's density of the precision, for V = I / gamma^2
        precision = np.linalg.inv(sigma)
        total += given["m"] / 2 * math.log(np.linalg.det(precision))
        total -= given["gamma"] ** 2 / 2 * np.trace(precision)
        total -= freedom * d / 2 * math.log(2) - freedom * d * math.log(given["gamma"]) + log_gamma
    assert k == len(sigmas)
    assert math.isclose(evaluated("gmm", "objective", given), total, rel_tol=1e-12)


def test_ode_is_the_known_solution() -> None:
    """With all x = 1: y_i = t^(i+1) / (i+1)!, which RK4 has exactly as far as t^4."""
    given = {"x": [1.0] * 4, "s": 2}
    solution = [2.0**i / math.factorial(i) for i in range(1, 5)]
    np.testing.assert_allclose(evaluated("ode", "primal", given), solution)
    slopes = evaluated("ode", "gradient", given)  # y_3 is proportional to each x
    np.testing.assert_allclose(slopes, [solution[3]] * 4)


def central(f: Callable[[Any], Any], x: float) -> Any:
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


@pytest.mark.parametrize("module", ["gmm", "lstm", "ba", "ht"])
def test_gradients_are_those_of_differences(module: str) -> None:
    given = SMALL[module]()
    for key, place, column in PROBED[module]:

        def moved(x: float, key: str = key, place: Any = place) -> Any:
            changed = json.loads(json.dumps(given))
            *way, last = place
            target = changed[key]
            for step in way:
                target = target[step]
            target[last] = x
            return numbers(evaluated(module, "objective", changed))

        at = given[key]
        for step in place:
            at = at[step]
        slopes = central(moved, at)
        found = evaluated(module, "jacobian", given)
        np.testing.assert_allclose(column(found), slopes[: len(column(found))], atol=1e-6)


PROBED: dict[str, Any] = {  # a number of the input, and where its derivatives are in the answer
    "gmm": [("l", (1, 2), lambda j: [j["l"][1][2]]), ("q", (0, 1), lambda j: [j["q"][0][1]])],
    "lstm": [("main_params", (3, 6), lambda j: [j[3 * 16 + 6]]),
             ("extra_params", (2, 1), lambda j: [j[4 * 16 + 2 * 4 + 1]])],
    "ba": [("cam", (k,), lambda j, k=k: [j["vals"][k], j["vals"][15 + k]]) for k in range(11)],
    "ht": [("theta", (k,), lambda j, k=k: [row[2 + k] for row in j]) for k in (0, 4, 6, 7, 25)]
    + [("us", (0, 1), lambda j: [row[1] for row in j[:3]])],
}  # fmt: skip


def test_the_sparse_jacobian_of_bundle_adjustment_has_the_evals_form() -> None:
    found = evaluated("ba", "jacobian", inputs.ba(3, 4, 20))
    assert [len(found[key]) for key in ("rows", "cols", "vals")] == [31, 31, 31]
    assert found["rows"][:3] == [0, 15, 30] and found["rows"][-1] == 31 * 20
    assert found["cols"][:15] == [*range(11), 33, 34, 35, 45]
    assert found["cols"][-1] == 33 + 12 + 19 and found["vals"][-1] == -0.8


def test_hand_tracking_without_triangles_looks_at_vertices() -> None:
    given = inputs.ht(3, 10, on_triangles=False)
    on_corners = given | {"us": [[1.0, 0.0]] * 3}
    corners = [row[0] for row in given["data"]["model"]["triangles"]]
    given["data"]["correspondences"] = [corners[i] for i in given["data"]["correspondences"]]
    rows = evaluated("ht", "jacobian", given)
    assert (len(rows), len(rows[0])) == (9, 26)
    on_corners["data"] = inputs.ht(3, 10, on_triangles=False)["data"]
    found = evaluated("ht", "objective", given)
    np.testing.assert_allclose(found, evaluated("ht", "objective", on_corners))


def test_forward_mode_is_reverse_modes_gradient() -> None:
    f = lambda x: x[0] ** 3 * x[1] + x[1]
    for mode in nested.MODES.values():
        np.testing.assert_allclose(mode(f)([2.0, 3.0]), [36.0, 9.0])
        second = mode(lambda x: nested.reverse(f)(x)[0])  # 3 x0^2 x1
        np.testing.assert_allclose(second([2.0, 3.0]), [36.0, 12.0])


def test_argmin_finds_where_the_gradient_is_0() -> None:
    x = nested.argmin(lambda x: (x[0] - 3.0) ** 2 + (x[1] + 1.0) ** 2, [0.0, 0.0], nested.reverse)
    np.testing.assert_allclose(x, [3.0, -1.0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("modes", ["rr", "fr"])
def test_saddle_has_the_published_value(modes: str) -> None:
    found = evaluated("saddle", modes, {"start": [1.0, 1.0]})
    np.testing.assert_allclose(found, [SADDLE] * 4, rtol=1e-12)


SLOW = ("gmm", "kmeans", "lstm", "ode")  # seconds to compile, elsewhere


@pytest.mark.parametrize(
    "module",
    [pytest.param(m, marks=[pytest.mark.slow] * (m in SLOW)) for m in sorted(compare.TRAINED)],
)
def test_peers_have_the_same_gradients(module: str) -> None:
    if not importlib.util.find_spec("torch"):
        pytest.skip("PyTorch is not installed")
    runs = compare.participants(module, SMALL[module]())
    expected = list(numbers(runs["glassgrad, eager"]()))
    for name in ("PyTorch", "JAX, jit"):
        if name in runs:
            assert compare.close(list(numbers(runs[name]())), expected), name
    assert not compare.close([x * (1 + 1e-7) for x in expected], expected)
