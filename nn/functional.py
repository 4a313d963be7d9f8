"""Functions of vectors that are no layers: they have nothing to train."""

from typing import Any

from autograd.ops import exp, logsumexp
from autograd.value import Value
from nn.checks import in_order


def softmax(logits: Any) -> list[Value]:
    """exp(z) / (the sum of all exp(z)) for each z of a list: numbers above 0 that sum to 1.

    Stable, as exp(z - logsumexp(logits)): no overflow, and -inf (a masked place) becomes 0. Raises
    TypeError for one number alone, ValueError for an empty list.
    """
    return [exp(z) for z in log_softmax(logits)]


def log_softmax(logits: Any) -> list[Value]:
    """z - logsumexp(logits) for each z of a list: the logarithms of `softmax`, more exactly."""
    in_order("softmax", logits)
    if not hasattr(logits, "__len__"):
        raise TypeError(
            "softmax takes a list with a logit for each class, but got one number, "
            f"{logits!r:.40}: that would always give 1. Perhaps you look for sigmoid?"
        )
    if len(logits) == 0:
        raise ValueError("softmax needs at least one logit, but the list is empty.")
    if hasattr(logits[0], "__len__"):
        raise TypeError(
            "softmax takes one list of numbers: write [nn.softmax(row) for row in rows]."
        )
    total = logsumexp(logits)
    return [z - total for z in logits]
