"""Stage 3: the patterns in index arrays - slices, rows, broadcasts, and outer products."""

from typing import Any

import numpy as np

Index = np.ndarray
_random = np.random.default_rng(0)  # for hashes only: what they find is checked


def run(index: Index) -> int:
    """How many entries from the first on are equally far apart."""
    steps = np.diff(index)
    breaks = np.flatnonzero(steps != steps[0]) if len(steps) else steps
    return int(breaks[0]) + 1 if len(breaks) else len(index)


def axes_of(index: Index) -> tuple[tuple[int, int], ...] | None:
    """The axes (size, step), slowest first, that make a flat index; None if it has no pattern."""
    axes: list[tuple[int, int]] = []
    while len(index) > 1:
        n, step = run(index), int(index[1] - index[0])
        if len(index) % n or len(axes) == 6:
            return None
        blocks = index.reshape(-1, n)
        if (np.diff(blocks, axis=1) != step).any():
            return None
        axes.append((n, step))
        index = blocks[:, 0]
    return tuple(reversed(axes))


def common_shape(columns: list[Index]) -> tuple[int, ...]:
    """The coarsest shape in which each column that has a pattern is affine in every axis."""
    rest = [c for c in columns if axes_of(c) is not None]
    shape: list[int] = []
    while rest and len(rest[0]) > 1:
        n = min(map(run, rest))
        if len(rest[0]) % n or len(shape) == 5:
            return (len(columns[0]),)
        for c in rest:
            blocks = c.reshape(-1, n)
            if n > 1 and (np.diff(blocks, axis=1) != c[1] - c[0]).any():
                return (len(columns[0]),)
        shape.append(n)
        rest = [c[::n] for c in rest]
    return tuple(reversed(shape)) if rest else (len(columns[0]),)


def refines(fine: tuple[int, ...], coarse: tuple[int, ...]) -> bool:
    """Whether the axes of `coarse` can be split into those of `fine`."""

    def edges(shape: tuple[int, ...]) -> set[int]:
        return set(np.cumprod(shape[::-1]).tolist())

    return edges(coarse) <= edges(fine)


def constant_axes(index: Index) -> tuple[int, ...]:
    """The axes, longer than 1, along which nothing changes."""
    return tuple(
        k for k, n in enumerate(index.shape) if n > 1 and (index == index.take([0], axis=k)).all()
    )


def separable(index: Index) -> list[Index] | None:
    """For each axis its offsets, if index == start + their sum; else None."""
    start = index.flat[0]
    offsets, total = [], np.full((1,) * index.ndim, start)
    for k in range(index.ndim):
        where: list[Any] = [0] * index.ndim
        where[k] = slice(None)
        line = index[tuple(where)] - start
        offsets.append(line)
        total = total + line.reshape([-1 if j == k else 1 for j in range(index.ndim)])
    return offsets if (total == index).all() else None


def distinct_rows(rows: Index) -> tuple[int, Index]:
    """How many different rows there are, and for each row the number of its sort."""
    mix = _random.integers(1, 2**62, rows.shape[1]) * 2 + 1
    _, first, which = np.unique(rows @ mix, return_index=True, return_inverse=True)
    if (rows != rows[first[which]]).any():  # two rows with one hash, out of 2**62
        _, which = np.unique(rows, axis=0, return_inverse=True)
        return int(which.max()) + 1, which.reshape(-1)
    return len(first), which


def pairs(a: Index, b: Index) -> tuple[tuple[int, int, int], Index] | None:
    """Are the pairs (row a, row b) all pairs, perhaps in equal groups? Then (groups, rows of A,
    rows of B) and the order of the members in that grid; else None.
    """
    (na, ia), (nb, ib) = distinct_rows(a), distinct_rows(b)
    if na == nb == len(a):
        return None
    noise = _random.integers(1, 2**62, max(na, nb))
    partners = np.zeros(na, np.int64)
    np.add.at(partners, ia, noise[ib])  # a hash of the set of B rows that each A row meets
    _, group_of_a = np.unique(partners, return_inverse=True)
    groups = int(group_of_a.max()) + 1
    if na % groups or nb % groups or na * nb != len(a) * groups:
        return None
    group = group_of_a[ia]
    group_of_b = np.full(nb, -1)
    group_of_b[ib] = group
    if (group_of_b[ib] != group).any():
        return None
    if (np.bincount(group_of_a) != na // groups).any():
        return None
    if (np.bincount(group_of_b) != nb // groups).any():
        return None
    order = np.lexsort((ib, ia, group))
    if len(np.unique(ia * nb + ib)) != len(a):
        return None
    grid = order.reshape(groups, na // groups, nb // groups)
    # rows in the order of their places, and groups by their first rows: that makes plain views
    grid = grid[:, np.argsort(a[grid[0, :, 0], 0], kind="stable")]
    grid = grid[:, :, np.argsort(b[grid[0, 0, :], 0], kind="stable")]
    grid = grid[np.argsort(grid[:, 0, 0])]
    return grid.shape, grid
