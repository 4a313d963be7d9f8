"""Losses: one number that says how far outputs are from targets.

Outputs and targets have one shape: a single number, a list of them, or lists in lists (batch x
width). The result is the mean over all numbers, as in PyTorch. Only `cross_entropy` differs: an
example has many logits and one target. Losses use operators and ops only, so `autograd.jit` can
run them on symbols.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

from autograd.ops import log, logsumexp, maximum, minimum, relu, softplus, sum, take
from autograd.value import Value, dot
from nn.checks import fraction, in_order, not_negative

LEAST = math.exp(-100.0)  # the least probability that binary_cross_entropy tells from 0


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


def binary_cross_entropy(probabilities: Any, targets: Any) -> Value:
    """The mean of -log p(target), where p(1) is the given probability, for targets from 0 to 1.

    A probability of 0 where the target is 1 costs 100, as in PyTorch, and not infinity, but gives
    no gradient (PyTorch's is -1e12): what rounds to 0 or 1 can't be learned from. Better give the
    number before the sigmoid to `binary_cross_entropy_with_logits`, which rounds nothing.
    """
    terms = []
    for p, target in _pairs(probabilities, targets):
        for x, what in ((target, "targets"), (p, "probabilities")):
            if isinstance(x, Real) and not 0 <= float(x) <= 1:
                raise ValueError(
                    f"binary_cross_entropy takes {what} from 0 to 1, but got {x!r}. For the "
                    "output of a linear layer, use binary_cross_entropy_with_logits."
                )
        yes, no = log(maximum(p, LEAST)), log(maximum(1.0 - p, LEAST))
        terms.append(-(target * yes + (1.0 - target) * no))
    return _mean(terms)


def cross_entropy(
    logits: Any,
    target: Any,
    *,
    weight: Sequence[float] | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Value:
    """-log of the probability that softmax(logits) gives to the class `target`.

    logits: a list with a number for each class, and target: an int from 0; or, for a batch, a
    list of such lists and a list of ints, and the result is the mean. Stable, as the logsumexp of
    all logits - logits[target]: it does not overflow, and a part that all logits share, however
    large, takes no digits.

    weight: a number for each class; the mean is weighted by those of the targets. ignore_index:
    examples with this target do not count (None: there is no such target; PyTorch's default is
    -100). label_smoothing: the part of the target that is spread evenly over all classes, from 0
    to 1. (As in PyTorch.)

    Raises IndexError for a target out of range, ValueError if all targets are ignored.
    """
    _check_logits(logits, target)
    smoothing = fraction("label_smoothing", label_smoothing)
    is_batch = hasattr(logits[0], "__len__")
    rows = list(_pairs(logits, target, depth=1)) if is_batch else [(logits, target)]
    for z, t in rows if is_batch else ():
        _check_logits(z, t)
    if ignore_index is not None:
        rows = [(z, t) for z, t in rows if t != ignore_index]
        if not rows:
            raise ValueError(f"all targets are {ignore_index}, which is ignored: no loss is left.")
    if weight is not None:
        weight = [not_negative("a class's weight", w) for w in weight]
        n = len(rows[0][0])
        if len(weight) != n:
            raise ValueError(f"there are {n} classes, but {len(weight)} weights for them.")
    terms = [_surprise(z, t, weight, smoothing) for z, t in rows]
    if weight is None:
        return _mean(terms) if is_batch else terms[0]
    return sum(terms) / sum([take(weight, t) for _, t in rows])  # type: ignore[no-any-return]


def _surprise(z: Any, target: Any, weight: Sequence[float] | None, smoothing: float) -> Value:
    """One example's cross entropy, times its target's weight."""
    chosen = take(z, target)
    above = [x - chosen for x in z]  # differences first: they are exact where logits are large
    loss = logsumexp(above)
    everywhere = None
    if smoothing:
        ws = weight or [1.0] * len(z)
        everywhere = math.fsum(ws) * loss - dot(ws, above)  # the sum of all w * -log p
    if weight is not None:
        loss = take(weight, target) * loss
    if everywhere is None:
        return loss  # type: ignore[no-any-return]
    return (1.0 - smoothing) * loss + smoothing / len(z) * everywhere  # type: ignore[no-any-return]


def _check_logits(logits: Any, target: Any) -> None:
    in_order("cross_entropy", logits)
    in_order("cross_entropy", target)
    if not hasattr(logits, "__len__"):
        raise TypeError(
            "cross_entropy takes a list with a logit for each class, but got one number. Give the "
            "model an output for each class, or use binary_cross_entropy_with_logits."
        )
    is_batch = len(logits) > 0 and hasattr(logits[0], "__len__")
    if len(logits) == 0 or (hasattr(target, "__len__") and not is_batch):
        raise ValueError(
            "cross_entropy takes a list of logits and one target, or a list of such lists and a "
            f"list of targets, but got {len(logits)} logits and the target {target!r:.60}."
        )
    if isinstance(target, float):
        raise TypeError(
            f"cross_entropy's target is the number of a class, an int, but got {target!r}: write "
            f"int(y). For one logit and a target from 0 to 1, use binary_cross_entropy_with_logits."
        )


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
    """Each output with its target, through lists in lists down to `depth`; in dicts by key."""
    a, b = hasattr(outputs, "__len__"), hasattr(targets, "__len__")
    if depth == 0 or not (a or b):
        yield outputs, targets
        return
    if isinstance(outputs, Mapping) and isinstance(targets, Mapping):
        if outputs.keys() != targets.keys():
            raise ValueError(
                f"each output needs its target, but outputs has the keys {list(outputs)!r:.60}, "
                f"and targets {list(targets)!r:.60}."
            )
        outputs, targets = list(outputs.values()), [targets[key] for key in outputs]
    in_order("a loss", outputs)
    in_order("a loss", targets)
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
