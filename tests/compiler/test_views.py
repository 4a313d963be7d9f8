"""Index arrays as views: what is found is right, and NumPy's slices mean the same places."""

import itertools
import random

import numpy as np
import pytest

from autograd.compiler.operations import View
from autograd.compiler.targets.numpy import sliced_text
from autograd.compiler.views import Rows, affine, distinct_rows, pairs, sliced


@pytest.mark.parametrize("seed", range(300))
def test_slices_are_the_places_of_their_view(seed: int) -> None:
    rng = random.Random(seed)
    shape = tuple([rng.choice([1, 2, 3, 4]) for _ in range(rng.randint(0, 4))])
    strides = tuple([rng.choice([1, 2, 3, 4, 6, 12, 24]) for _ in shape])
    view = View(rng.randint(0, 5), strides, shape)
    size = int(view.places().max()) + 1 + rng.randint(0, 3)
    if sliced(view, size) is not None:
        assert affine(view.places()) is not None
        a = np.arange(size)
        found = eval(sliced_text("a", view, size), {"a": a})
        assert np.array_equal(found, view.places()) and found.shape == shape
        assert np.shares_memory(found, a), "a view to be written to, and no copy"


def test_weights_beside_their_bias_are_rows() -> None:
    view = View(48, (17, 1), (16, 16))
    assert sliced_text("P", view, 337) == "P[48:320].reshape(16, 17)[:, :16]"
    assert sliced_text("P", View(64, (17,), (16,)), 337) == "P[64:320:17]"


def test_what_is_not_affine_is_no_view() -> None:
    assert affine(np.array([0, 1, 3])) is None
    assert affine(np.array([[0, 1], [1, 2]])) == View(0, (1, 1), (2, 2))
    assert sliced(View(0, (1, 1), (2, 2)), 9) is None, "overlapping rows are no slices"
    assert sliced(View(8, (-1,), (3,)), 9) is None, "backwards is no slice"


def rows(values: list[list[int]]) -> Rows:
    matrix = np.array(values)
    first, which = distinct_rows(matrix)
    return Rows(matrix[first], which)


def test_all_rows_meet_all_rows() -> None:
    left, right = [[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9]]
    members = list(itertools.product(left, right))
    random.Random(0).shuffle(members)
    a, b = rows([m[0] for m in members]), rows([m[1] for m in members])
    grid = pairs(a, b)
    assert grid is not None and sorted(grid.shape) == [1, 2, 3]
    (plane,) = grid if grid.shape[1] == 3 else grid.swapaxes(1, 2)
    assert [[members[m] for m in row] for row in plane] == [[(x, y) for y in right] for x in left]
    assert pairs(rows([m[0] for m in members[1:]]), rows([m[1] for m in members[1:]])) is None
