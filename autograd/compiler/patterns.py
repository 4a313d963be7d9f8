"""Stage 3: the patterns in index arrays - slices, rows, broadcasts, and outer products."""

import numpy as np

Index = np.ndarray
_random = np.random.default_rng(0)  # for hashes only: what they find is checked


def run(index: Index) -> int:
    """How many entries from the first on are equally far apart."""
    breaks = np.flatnonzero(np.diff(index, 2))
    return int(breaks[0]) + 2 if len(breaks) else len(index)


def is_even(index: Index, n: int) -> bool:
    """Whether it consists of blocks of n entries, all as far apart as the first two."""
    steps = np.diff(index[: len(index) // n * n].reshape(-1, n), axis=1)
    return len(index) % n == 0 and bool((steps == index[1] - index[0]).all())


def common_shape(columns: list[Index]) -> tuple[int, ...]:
    """The coarsest shape in which each column that has a pattern is affine in every axis."""

    def axes(columns: list[Index]) -> tuple[int, ...] | None:
        shape: tuple[int, ...] = ()
        while columns and len(columns[0]) > 1:
            n = min(map(run, columns))
            if len(shape) == 5 or not all(is_even(c, n) for c in columns):
                return None
            shape = (n, *shape)
            columns = [c[::n] for c in columns]
        return shape

    return axes([c for c in columns if axes([c]) is not None]) or (len(columns[0]),)


def constant_axes(index: Index) -> tuple[int, ...]:
    """The axes, longer than 1, along which nothing changes."""
    axes = [k for k, n in enumerate(index.shape) if n > 1]
    return tuple([k for k in axes if (index == index.take([0], axis=k)).all()])


def spell(name: str, size: int, index: Index) -> str | None:
    """These places of a flat array of that size, as a view in NumPy's words; None if it has none.
    Such as a[2:48:3], or, for the weights in rows (w, w, b), a[0:48].reshape(16, 3)[:, :2]."""
    start, total, axes = int(index.flat[0]), index.flat[0], []
    for k, n in enumerate(index.shape):
        if n > 1:
            axes.append((-int(index.take(1, axis=k).flat[0] - start), n, k))
            total = total + (np.arange(n) * -axes[-1][0]).reshape(-1, *[1] * (index.ndim - 1 - k))
    if (index != total).any() or any(minus >= 0 for minus, _, _ in axes):
        return None
    axes.sort()
    order = [k for _, _, k in axes]
    outer, rows = (-axes[0][0], axes[0][1]) if axes else (1, 1)
    shape, reshape = index.shape, f".reshape({', '.join(map(str, index.shape)) or '()'})"
    if len(axes) == 1 and outer > 1:
        code = f"{name}[{start}:{start + (rows - 1) * outer + 1}:{outer}]"
        return code if shape == (rows,) else code + reshape
    rest = max(0, start + rows * outer - size)  # the last row may end where the array does
    base = start - rest
    code = f"{name}[{base}:{base + rows * outer}]" if rows * outer < size else name
    dims, cuts, is_cut = [rows], [":"], False
    for minus, n, k in [*axes[1:], *([(-1, 1, -1)] if outer > 1 and axes[-1][0] < -1 else [])]:
        width, (first, rest) = outer // -minus, divmod(rest, -minus)
        if outer % minus or first + n > width:
            return None
        dims.append(width)
        is_cut |= n < width
        cuts.append(":" if n == width else str(first) if k < 0 else f"{first or ''}:{first + n}")
        outer = -minus
    if base < 0:
        return None
    if not is_cut and order == sorted(order):
        return code if shape == (index.size,) else code + reshape
    code += f".reshape({', '.join(map(str, dims))})"
    if is_cut:
        code += f"[{', '.join(cuts)}]"
    if order != sorted(order):
        code += f".transpose({', '.join([str(order.index(k)) for k in sorted(order)])})"
    return code if len(order) == index.ndim else code + reshape


def distinct_rows(rows: Index) -> tuple[int, Index]:
    """How many different rows there are, and for each row the number of its sort."""
    known: dict[bytes, int] = {}  # np.unique would sort them, and import numpy.ma at its first call
    which = [known.setdefault(row.tobytes(), len(known)) for row in rows]
    return len(known), np.array(which)


def pairs(a: Index, b: Index) -> Index | None:
    """The members as a grid (groups, rows of A, rows of B), if in each group all of its rows of A
    meet all of its rows of B; else None."""
    (na, ia), (nb, ib) = distinct_rows(a), distinct_rows(b)
    noise, partners = _random.integers(1, 2**62, nb), np.zeros(na, np.int64)
    np.add.at(partners, ia, noise[ib])  # a hash of the set of B rows that each A row meets
    groups, group_of_a = distinct_rows(partners)
    group, group_of_b = group_of_a[ia], np.full(nb, -1)
    group_of_b[ib] = group
    if (
        na == nb == len(a)
        or na * nb != len(a) * groups
        or (group_of_b[ib] != group).any()
        or (np.bincount(group_of_a) * groups != na).any()
        or (np.bincount(group_of_b) * groups != nb).any()
        or np.bincount(ia * nb + ib).max() > 1
    ):
        return None
    grid = np.lexsort((ib, ia, group)).reshape(groups, na // groups, nb // groups)
    # rows in the order of their places, and groups by their first rows: that makes plain views
    grid = grid[:, np.argsort(a[grid[0, :, 0], 0], kind="stable")]
    grid = grid[:, :, np.argsort(b[grid[0, 0, :], 0], kind="stable")]
    grid = grid[np.argsort(grid[:, 0, 0])]
    is_turned = min(grid.shape[1:]) > 1 and grid[0, 1, 0] < grid[0, 0, 1]
    return grid.swapaxes(1, 2) if is_turned else grid
