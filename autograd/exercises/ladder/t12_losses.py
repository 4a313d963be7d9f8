"""Task 12: how wrong is it? Mean squared error and cross-entropy."""

import random
from typing import Any

import nn
from autograd import Value
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


def mse_case(predictions: list[float], targets: list[float]) -> Case:
    def run(mse: Any, _: Any) -> Outcome:
        values = [Value(p) for p in predictions]
        loss = mse(values, targets)
        loss.backward()
        return {"loss": loss.data} | {
            f"predictions[{i}].grad": v.grad for i, v in enumerate(values)
        }

    return Case(f"mse({values_text(predictions)}, {targets}).backward()", run)


def entropy_case(logits: list[float], target: int) -> Case:
    def run(_: Any, cross_entropy: Any) -> Outcome:
        values = [Value(x) for x in logits]
        loss = cross_entropy(values, target)
        loss.backward()
        return {"loss": loss.data} | {f"logits[{i}].grad": v.grad for i, v in enumerate(values)}

    return Case(f"cross_entropy({values_text(logits)}, {target}).backward()", run)


def values_text(numbers: list[float]) -> str:
    return "[" + ", ".join(f"Value({x:g})" for x in numbers) + "]"


def numbers(rng: random.Random, n: int) -> list[float]:
    return [round(rng.uniform(-3, 3), 1) for _ in range(n)]


TASK = Task(
    number=12,
    name="losses",
    title="How wrong is it? Two losses",
    targets=("mse", "cross_entropy"),
    text="""\
A loss is one Value that says how wrong the outputs are.

- `mse(predictions, targets)`: the **mean** of the squared differences. `predictions` is a list of
  Values, `targets` a list of as many numbers.
- `cross_entropy(logits, target)`: `logits` is a list of Values, a score for each class, and
  `target` is the number of the right class. Softmax makes probabilities of the scores:
  exp(logit) divided by the sum of all exp(logit). The loss is minus the logarithm of the
  probability of the right class.

`cross_entropy` must be stable, with any logits. Two things can go wrong:

- exp(1000) is too big for a float. Softmax stays the same if one number is taken off all logits,
  so take off the largest, as a plain number.
- exp(-1000) is 0 as a float, and the logarithm of 0 is not finite. So do not take the logarithm
  of a quotient: log(a / b) is log(a) - log(b), and log(exp(x)) is x.""",
    neighbour="""\
from autograd import Value

# A neighbour: the mean absolute error.
def mae(predictions, targets):
    total = 0
    for p, t in zip(predictions, targets):
        total = total + abs(p - t)
    return total / len(targets)

mae([Value(1.0), Value(2.0)], [3.0, 2.0]).data  # 1.0
""",
    hints=(
        "Go through both lists with `zip`, add up, and divide by how many there are.",
        "-log(e / s) is log(s) - log(e): the loss is log of the sum of exp(logit), minus the "
        "right logit. That needs no division.",
        "`top = max(v.data for v in logits)`, then work with `v - top` in place of v.",
        "Values know `exp()` and `log()`.",
    ),
    solution='''\
def mse(predictions, targets):
    """The mean of the squared differences."""
    ### BEGIN SOLUTION
    total = 0
    for p, t in zip(predictions, targets):
        total = total + (p - t) ** 2
    return total / len(targets)
    ### END SOLUTION


def cross_entropy(logits, target):
    """Minus the log of the probability that softmax(logits) gives to the class `target`."""
    ### BEGIN SOLUTION
    top = max(v.data for v in logits)
    total = 0
    for v in logits:
        total = total + (v - top).exp()
    return total.log() - (logits[target] - top)
    ### END SOLUTION
''',
    oracle=lambda: (nn.mse_loss, nn.cross_entropy),
    laws=(
        Law(
            "mse of one prediction is the squared difference.",
            lambda rng: [mse_case([1.0], [1.0]), mse_case([3.0], [1.0]), mse_case([1.0], [3.0])],
        ),
        Law(
            "mse of several predictions is the mean.",
            lambda rng: [
                mse_case([3.0, 1.0], [1.0, 1.0]),
                mse_case([2.0, -1.0, 0.5], [1.0, 1.0, -4.0]),
            ],
        ),
        Law(
            "cross_entropy is minus the log of the right class's probability.",
            lambda rng: [
                entropy_case([0.0, 0.0], 0),
                entropy_case([1.0, 0.0], 0),
                entropy_case([1.0, 0.0], 1),
                entropy_case([2.0, -1.0, 0.5], 2),
                entropy_case([0.5], 0),
            ],
        ),
        Law(
            "cross_entropy is stable: big logits do not overflow, small ones do not vanish.",
            lambda rng: [
                entropy_case([1000.0, 999.0], 0),
                entropy_case([-1000.0, -1001.0], 1),
                entropy_case([1000.0, 0.0], 1),
            ],
        ),
        Law(
            "It holds for any numbers.",
            lambda rng: [
                case
                for n in (2, 3, 4, 5)
                for case in (
                    mse_case(numbers(rng, n), numbers(rng, n)),
                    entropy_case(numbers(rng, n), rng.randrange(n)),
                )
            ],
        ),
    ),
    mistakes=(
        Mistake(
            "sum_not_mean",
            "That is the sum of the squares; divide by how many there are.",
            (("total / len(targets)", "total"),),
        ),
        Mistake(
            "half",
            "Half of it: the factor 1/2 of some textbooks is not asked for here.",
            (("total / len(targets)", "total / len(targets) / 2"),),
        ),
        Mistake(
            "not_squared",
            "The differences are not squared, so errors of opposite signs cancel.",
            (("(p - t) ** 2", "(p - t)"),),
        ),
        Mistake(
            "absolute",
            "That is the absolute difference; the square is asked for.",
            (("(p - t) ** 2", "abs(p - t)"),),
        ),
        Mistake(
            "mse_graph_cut",
            "The loss is computed from `.data`, plain numbers, so `backward()` finds no way back.",
            (("(p - t) ** 2", "(p.data - t) ** 2 + 0 * p"),),
        ),
        Mistake(
            "overflows",
            "exp() of a big logit overflows: take the largest logit off all of them first.",
            (("max(v.data for v in logits)", "0"),),
        ),
        Mistake(
            "always_class_0",
            "The target is not used: it is always the first class that counts as the right one.",
            (("logits[target]", "logits[0]"),),
        ),
        Mistake(
            "no_log",
            "That is minus the probability; the logarithm is missing.",
            (
                (
                    "return total.log() - (logits[target] - top)",
                    "return -((logits[target] - top).exp() / total)",
                ),
            ),
        ),
        Mistake(
            "sign",
            "The sign is wrong: the loss must grow as the right class becomes less likely.",
            (("total.log() - (logits[target] - top)", "(logits[target] - top) - total.log()"),),
        ),
        Mistake(
            "all_classes",
            "The minus-logs of all classes are added up; only the right class counts.",
            (
                (
                    "return total.log() - (logits[target] - top)",
                    "out = 0\n    for v in logits:\n        out = out + total.log() - (v - top)\n"
                    "    return out",
                ),
            ),
        ),
        Mistake(
            "no_exp",
            "The logits are used as probabilities as they are; softmax takes exp() of each first.",
            (("(v - top).exp()", "(v - top + 1)"),),
        ),
        Mistake(
            "log_of_logit",
            "The right logit enters without the shift: what was taken off in the sum must be "
            "taken off there too.",
            (("(logits[target] - top)", "logits[target]"),),
        ),
        Mistake(
            "root",
            "That is the root of the mean; the mean itself is asked for.",
            (("total / len(targets)", "(total / len(targets)) ** 0.5"),),
        ),
        Mistake(
            "square_of_mean",
            "First the mean, then the square: it must be the square of each difference, then the "
            "mean.",
            (
                ("(p - t) ** 2", "(p - t)"),
                ("return total / len(targets)", "return (total / len(targets)) ** 2"),
            ),
        ),
        Mistake(
            "log_of_zero",
            "A small probability is 0 as a float, and log(0) is not finite. Do not take the log "
            "of the quotient: -log(e / s) is log(s) - log(e), and log(e) is the logit, less what "
            "was taken off.",
            (
                (
                    "return total.log() - (logits[target] - top)",
                    "return -((logits[target] - top).exp() / total).log()",
                ),
            ),
        ),
        Mistake(
            "returns_in_loop",
            "The `return` stands inside the loop, so only the first pair counts. Put it behind "
            "the loop.",
            (("    return total / len(targets)", "        return total / len(targets)"),),
        ),
        Mistake(
            "counts_from_one",
            "Classes count from 0, as places in a list do: `logits[target]`, not `logits[target "
            "- 1]`.",
            (("logits[target]", "logits[target - 1]"),),
        ),
    ),
)
