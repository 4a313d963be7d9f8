"""GradBench's generated inputs, made as its evals make them: with NumPy's generators and the seed
31337. Where its data come from files (ba, ht, lstm), numbers of the same form are made here."""

from typing import Any

import numpy as np

SEED = 31337
RUNS = {"min_runs": 1, "min_seconds": 0}


def det(ell: int = 5) -> Any:
    np.random.seed(SEED)
    return {"A": np.random.rand(ell * ell).tolist(), "ell": ell}


def llsq(n: int = 16, m: int = 128) -> Any:
    np.random.seed(SEED)
    return {"x": np.random.rand(m).tolist(), "n": n}


def lse(n: int = 2500) -> Any:
    np.random.seed(SEED)
    return {"x": np.random.rand(n).tolist()}


def ode(n: int = 1000, s: int = 1) -> Any:
    np.random.seed(SEED)
    return {"x": np.random.rand(n).tolist(), "s": s}


def kmeans(k: int = 10, n: int = 1000, d: int = 8) -> Any:
    np.random.seed(SEED)
    points = np.random.rand(n, d).tolist()
    return {"points": points, "centroids": points[-k:]}


def gmm(d: int = 2, k: int = 5, n: int = 1000) -> Any:
    rng = np.random.default_rng(seed=SEED)
    return {
        "d": d,
        "k": k,
        "n": n,
        "x": [rng.normal(size=d).tolist() for _ in range(n)],
        "m": 0,
        "gamma": 1.0,
        "alpha": rng.normal(size=k).tolist(),
        "mu": [rng.uniform(size=d).tolist() for _ in range(k)],
        "q": [rng.normal(size=d).tolist() for _ in range(k)],
        "l": [rng.normal(size=d * (d - 1) // 2).tolist() for _ in range(k)],
    }


def lstm(layers: int = 2, letters: int = 1024, bits: int = 14) -> Any:
    """A text of random bits instead of the eval's."""
    np.random.seed(SEED)
    return {
        "sequence": np.random.randint(0, 2, (letters, bits)).astype(float).tolist(),
        "state": np.random.random((2 * layers, bits)).tolist(),
        "main_params": np.random.random((2 * layers, 4 * bits)).tolist(),
        "extra_params": np.random.random((3, bits)).tolist(),
    }


def ba(n: int = 49, m: int = 100, p: int = 300) -> Any:
    rng = np.random.default_rng(seed=SEED)
    camera = [*rng.normal(size=3), 1.0, 2.0, -20.0, 400.0, 5.0, -8.0, 0.08, 0.002]
    return {
        "n": n,
        "m": m,
        "p": p,
        "cam": [float(x) for x in camera],
        "x": rng.normal(size=3).tolist(),
        "w": 0.4,
        "feat": [100.0, 50.0],
    }


def ht(points: int = 20, vertices: int = 40, bones: int = 22, on_triangles: bool = True) -> Any:
    """A hand of random bones, each with a parent before it, and random vertices between them."""
    rng = np.random.default_rng(seed=SEED)

    def places() -> list[Any]:
        rotations = np.linalg.qr(rng.normal(size=(bones, 3, 3)))[0]
        matrices = np.tile(np.eye(4), (bones, 1, 1))
        matrices[:, :3] = np.concatenate([rotations, rng.normal(size=(bones, 3, 1))], 2)
        return matrices.tolist()

    weights = rng.uniform(size=(vertices, bones)) * (rng.uniform(size=(vertices, bones)) < 0.2)
    model = {
        "bone_count": bones,
        "bone_names": [f"bone {i}" for i in range(bones)],
        "parents": [int(rng.integers(-1, i)) if i else -1 for i in range(bones)],
        "base_relatives": places(),
        "inverse_base_absolutes": places(),
        "base_positions": [[*rng.normal(size=3).tolist(), 1.0] for _ in range(vertices)],
        "weights": weights.tolist(),
        "triangles": rng.integers(0, vertices, (vertices, 3)).tolist(),
        "is_mirrored": False,
    }
    data = {
        "model": model,
        "correspondences": rng.integers(0, vertices, points).tolist(),
        "points": rng.normal(size=(points, 3)).tolist(),
    }
    us = rng.uniform(size=(points, 2)).tolist() if on_triangles else []
    return {"theta": (0.3 * rng.normal(size=26)).tolist(), "data": data, "us": us}
