"""Losses: one number that says how far outputs are from targets.

Outputs and targets have one shape: a single number, a list of them, or lists in lists (batch x
width). The result is the mean over all numbers, as in PyTorch. Only `cross_entropy` differs: an
example has many logits and one target. Losses use operators and ops only, so `autograd.jit` can
run them on symbols.
"""

from collections.abc import Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

from autograd.ops import logsumexp, minimum, relu, softplus, sum, take
from autograd.value import Value, dot


def mse_loss(outputs: Any, targets: Any) -> Value:
    """Mean squared error: the mean of (output - target)**2."""
    differences = [o - t for o, t in _pairs(outputs, targets)]
    return dot(differences, differences) / len(differences)  # type: ignore[no-any-return]


def mae_loss(outputs: Any, targets: Any) -> Value:
    """Mean absolute error: the mean of |output - target|."""
    return _mean([abs(o - t) for o, t in _pairs(outputs, targets)])


def huber_loss(outputs: Any, targets: Any, delta: float = 1.0) -> Value:
    """The mean of d**2 / 2 where d = |output - target| <= delta, of delta * (d - delta/2) beyond.

    Quadratic near the target, linear far off: an outlier pulls with a bounded force.
    """
    if not delta > 0:
        raise ValueError(f"huber_loss needs a delta above 0, but got {delta!r}.")
    terms = []
    for o, t in _pairs(outputs, targets):
        d = abs(o - t)
        near = minimum(d, delta)  # both formulas in one, without a comparison
        terms.append(0.5 * near * near + delta * (d - near))
    return _mean(terms)


def hinge_loss(scores: Any, targets: Any) -> Value:
    """The mean of relu(1 - target * score), for targets -1 and 1 (a support vector machine's)."""
    terms = []
    for score, target in _pairs(scores, targets):
        if isinstance(target, Real) and target not in (-1, 1):
            raise ValueError(
                f"hinge_loss takes the targets -1 and 1, but got {target!r}. "
                "If the labels are 0 and 1, give it 2 * y - 1."
            )
        terms.append(relu(1.0 - target * score))
    return _mean(terms)


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Value:
    """The mean of -log p(target), where p(1) = sigmoid(logit), for targets from 0 to 1.

    Stable: it is softplus(z) - target * z, and sigmoid itself, which would round to 0 or 1, is
    never taken.
    """
    terms = []
    for z, target in _pairs(logits, targets):
        if isinstance(target, Real) and not 0 <= float(target) <= 1:
            raise ValueError(
                "binary_cross_entropy_with_logits takes targets from 0 to 1 (the probability of "
                f"class 1), but got {target!r}. If the labels are -1 and 1, give it (y + 1) / 2."
            )
        terms.append(softplus(z) - target * z)
    return _mean(terms)


def cross_entropy(logits: Any, target: Any) -> Value:
    """-log of the probability that softmax(logits) gives to the class `target`.

    logits: a list with a number for each class, and target: an int from 0; or, for a batch, a
    list of such lists and a list of ints, and the result is the mean. Stable, and two nodes an
    example: logsumexp(logits) - logits[target]. Raises IndexError for a target out of range.
    """
    if not hasattr(logits, "__len__"):
        raise TypeError(
            "cross_entropy takes a list with a logit for each class, but got one number. Give the "
            "model an output for each class, or use binary_cross_entropy_with_logits."
        )
    if len(logits) and hasattr(logits[0], "__len__"):
        return _mean([cross_entropy(z, t) for z, t in _pairs(logits, target, depth=1)])
    if len(logits) == 0 or hasattr(target, "__len__"):
        raise ValueError(
            "cross_entropy takes a list of logits and one target, or a list of such lists and a "
            f"list of targets, but got {len(logits)} logits and the target {target!r:.60}."
        )
    if isinstance(target, float):
        raise TypeError(
            f"cross_entropy's target is the number of a class, an int, but got {target!r}: write "
            f"int(y). For one logit and a target from 0 to 1, use binary_cross_entropy_with_logits."
        )
    return logsumexp(logits) - take(logits, target)  # type: ignore[no-any-return]


def l1_penalty(parameters: Iterable[Value]) -> Value:
    """The sum of |p|: added to a loss, it pulls every parameter to 0 with the same force."""
    return sum([abs(p) for p in _given(parameters)])  # type: ignore[no-any-return]


def l2_penalty(parameters: Iterable[Value]) -> Value:
    """The sum of p**2, as one node: added to a loss, it keeps parameters small."""
    ps = _given(parameters)
    return dot(ps, ps)  # type: ignore[no-any-return]


def _mean(terms: Sequence[Any]) -> Value:
    return sum(terms) / len(terms)  # type: ignore[no-any-return]


def _pairs(outputs: Any, targets: Any, depth: int = 9) -> Iterator[tuple[Any, Any]]:
    """Each output with its target, through lists in lists down to `depth`."""
    a, b = hasattr(outputs, "__len__"), hasattr(targets, "__len__")
    if depth == 0 or not (a or b):
        yield outputs, targets
        return
    if not (a and b) or len(outputs) != len(targets):
        raise ValueError(
            "outputs and targets must have one shape, but here meet "
            f"{f'{len(outputs)} outputs' if a else 'one output'} and "
            f"{f'{len(targets)} targets' if b else 'one target'}. Each output needs its target."
        )
    if len(outputs) == 0:
        raise ValueError("a loss needs at least one output, but the list is empty.")
    for output, target in zip(outputs, targets):
        yield from _pairs(output, target, depth - 1)


def _given(parameters: Iterable[Value]) -> list[Value]:
    if hasattr(parameters, "parameters"):
        raise TypeError("a penalty takes the parameters: give it model.parameters().")
    ps = list(parameters)
    if not ps:
        raise ValueError("a penalty needs parameters, but the list is empty.")
    return ps
