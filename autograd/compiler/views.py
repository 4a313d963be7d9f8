"""Stage 3: the patterns in index arrays - views, rows that repeat, and outer products."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.operations import Shape, View

Index = np.ndarray
_random = np.random.default_rng(0)  # for hashes only: what they find is checked


def affine(index: Index) -> View | None:
    """The view with these places, if along every axis they are equally far apart."""
    start, total, strides = int(index.flat[0]), index.flat[0], []
    for axis, n in enumerate(index.shape):
        stride = int(index.take(1, axis=axis).flat[0]) - start if n > 1 else 0
        steps = np.arange(n, dtype=np.intp) * stride
        total = total + steps.reshape(-1, *[1] * (index.ndim - 1 - axis))
        strides.append(stride)
    return View(start, tuple(strides), index.shape) if (index == total).all() else None


@dataclass(frozen=True)
class Slices:
    """A view in the steps that arrays offer: x[start:stop:step], reshaped to `dims`, of which the
    `cuts` are taken, with its axes in this `order`, reshaped. What isn't needed is None."""

    span: slice | None
    dims: Shape | None = None
    cuts: tuple[slice | int, ...] | None = None
    order: tuple[int, ...] | None = None
    shape: Shape | None = None


def sliced(view: View, size: int) -> Slices | None:
    """How a flat array of that size is sliced to this view; None if its strides do not nest.

    Such as a[2:48:3] or, for the weights in rows (w, w, b), a[0:48].reshape(16, 3)[:, :2].
    """
    axes = [(stride, n, k) for k, (stride, n) in enumerate(zip(view.strides, view.shape)) if n > 1]
    if any(stride <= 0 for stride, _, _ in axes):
        return None
    axes.sort(key=lambda axis: -axis[0])  # from the outermost to the innermost
    outer, rows = axes[0][:2] if axes else (1, 1)
    if len(axes) == 1 and outer > 1:
        span = slice(view.start, view.start + (rows - 1) * outer + 1, outer)
        return Slices(span, shape=None if view.shape == (rows,) else view.shape)
    rest = max(0, view.start + rows * outer - size)  # the last row may end where the array does
    base = view.start - rest
    nested = _nested(axes, rest)
    if nested is None or base < 0:
        return None
    dims, cuts = nested
    whole = None if rows * outer >= size else slice(base, base + rows * outer)
    order = [k for _, _, k in axes]
    is_cut = any(cut != slice(None) for cut in cuts)
    if not is_cut and order == sorted(order):
        return Slices(whole, shape=None if view.shape == (prod(view.shape),) else view.shape)
    turns = None if order == sorted(order) else tuple([order.index(k) for k in sorted(order)])
    shape = None if len(order) == len(view.shape) else view.shape
    return Slices(whole, dims, cuts if is_cut else None, turns, shape)


def _nested(
    axes: list[tuple[int, int, int]], rest: int
) -> tuple[Shape, tuple[slice | int, ...]] | None:
    """(dims, cuts): each axis as a part of the next outer one's stride; None if one does not fit.
    rest: how far into its rows the view begins."""
    if not axes:
        return (1,), (slice(None),)
    outer, rows, _ = axes[0]
    dims, cuts = [rows], [slice(None)]
    gap = [(1, 1, -1)] if outer > 1 and axes[-1][0] > 1 else []  # one of several neighbours
    for stride, n, k in [*axes[1:], *gap]:
        width, (first, rest) = outer // stride, divmod(rest, stride)
        if outer % stride or first + n > width:
            return None
        dims.append(width)
        part = slice(first or None, first + n) if k >= 0 else first
        cuts.append(slice(None) if n == width else part)  # type: ignore[arg-type]
        outer = stride
    return tuple(dims), tuple(cuts)


def run(index: Index) -> int:
    """How many entries from the first on are equally far apart."""
    breaks = np.flatnonzero(np.diff(index, 2))
    return int(breaks[0]) + 2 if len(breaks) else len(index)


def is_even(index: Index, n: int) -> bool:
    """Whether it consists of blocks of n entries, all as far apart as the first two."""
    steps = np.diff(index[: len(index) // n * n].reshape(-1, n), axis=1)
    return len(index) % n == 0 and bool((steps == index[1] - index[0]).all())


def common_shape(columns: list[Index]) -> Shape:
    """The coarsest shape in which each column that has a pattern is affine in every axis."""
    regular = [column for column in columns if _axes([column]) is not None]
    return _axes(regular) or (len(columns[0]),)


def _axes(columns: list[Index]) -> Shape | None:
    shape: Shape = ()
    while columns and len(columns[0]) > 1:
        n = min(map(run, columns))
        if len(shape) == 5 or not all(is_even(column, n) for column in columns):
            return None
        shape = (n, *shape)
        columns = [column[::n] for column in columns]
    return shape


def constant_axes(index: Index) -> tuple[int, ...]:
    """The axes, longer than 1, along which nothing changes."""
    axes = [axis for axis, n in enumerate(index.shape) if n > 1]
    return tuple([axis for axis in axes if (index == index.take([0], axis=axis)).all()])


def distinct_rows(rows: Index) -> tuple[Index, Index]:
    """(the first of each sort of row, for each row the number of its sort)."""
    known: dict[bytes, int] = {}  # np.unique would sort them, and import numpy.ma at its first call
    which = [known.setdefault(row.tobytes(), len(known)) for row in np.ascontiguousarray(rows)]
    sorts = np.array(which, np.intp)
    first = np.zeros(len(known), np.intp)
    first[sorts[::-1]] = np.arange(len(rows))[::-1]
    return first, sorts


@dataclass(eq=False)
class Rows:
    """The rows of a matrix of places, each different one once: `distinct[which]` is the matrix."""

    distinct: Index
    which: Index

    @property
    def width(self) -> int:
        return int(self.distinct.shape[1])

    def columns(self, n: int | None = None) -> list[Index]:
        """The first n columns of the matrix, or all."""
        return [column[self.which] for column in self.distinct.T[:n]]

    def places(self, members: Index) -> Any:
        """The rows of these members, once where they repeat along an axis: (*axes, width)."""
        which = self.which[members]
        for axis in constant_axes(which):
            which = which.take([0], axis=axis)
        return self.distinct[which]


def pairs(a: Rows, b: Rows) -> Index | None:
    """The members as a grid (groups, rows of A, rows of B), if in each group all of its rows of A
    meet all of its rows of B; else None."""
    na, nb, n = len(a.distinct), len(b.distinct), len(a.which)
    ia, ib = a.which, b.which
    noise, partners = _random.integers(1, 2**62, nb), np.zeros(na, np.int64)
    np.add.at(partners, ia, noise[ib])  # a hash of the set of B rows that each A row meets
    first, group_of_a = distinct_rows(partners)
    groups, group = len(first), group_of_a[ia]
    group_of_b = np.full(nb, -1)
    group_of_b[ib] = group
    if (
        na == nb == n
        or na * nb != n * groups
        or (group_of_b[ib] != group).any()
        or (np.bincount(group_of_a) * groups != na).any()
        or (np.bincount(group_of_b) * groups != nb).any()
        or _has_repeats(ia.astype(np.int64) * nb + ib)
    ):
        return None
    grid = np.lexsort((ib, ia, group)).reshape(groups, na // groups, nb // groups)
    return _in_order(grid, a.columns(1)[0], b.columns(1)[0])


def _has_repeats(values: Index) -> bool:
    ordered = np.sort(values)
    return bool((ordered[1:] == ordered[:-1]).any())


def _in_order(grid: Index, a: Index, b: Index) -> Index:
    """Rows in the order of their places, and groups by their first rows: it makes plain views."""
    grid = grid[:, np.argsort(a[grid[0, :, 0]], kind="stable")]
    grid = grid[:, :, np.argsort(b[grid[0, 0, :]], kind="stable")]
    grid = grid[np.argsort(grid[:, 0, 0])]
    is_turned = min(grid.shape[1:]) > 1 and grid[0, 1, 0] < grid[0, 0, 1]
    return grid.swapaxes(1, 2) if is_turned else grid


def covers(index: Index, size: int) -> bool:
    """Whether it is all places of an array of that size, in order."""
    return index.size == size and bool((index.reshape(-1) == np.arange(size)).all())
