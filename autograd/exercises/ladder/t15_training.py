"""Task 15: a training loop that reaches a given loss."""

import random
from collections.abc import Callable
from typing import Any

import nn
from autograd import Value
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

Points = list[tuple[list[float], float]]


class Line:
    """w * x + b, as a model with parameters."""

    def __init__(self, gradient: float = 0.0) -> None:
        self.w, self.b = Value(0.5), Value(0.0)
        self.w.grad = self.b.grad = gradient

    def __call__(self, xs: list[float]) -> Value:
        return self.w * xs[0] + self.b

    def parameters(self) -> list[Value]:
        return [self.w, self.b]


def used_line() -> Line:
    """Somebody has called backward() before."""
    return Line(5.0)


def network() -> nn.MLP:
    return nn.MLP(2, [4, 1], activation="tanh", rng=random.Random(5))


XOR: Points = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)]
STRAIGHT: Points = [([0.0], 1.0), ([1.0], 3.0), ([2.0], 5.0)]


def case(
    model: Callable[[], Any],
    points: Points,
    lr: float,
    goal: float,
    most: int,
    seconds: float = 3.0,
    only: tuple[str, ...] = (),
) -> Case:
    """Train and observe the losses and the model; `only` these facts, if given."""
    name = "MLP(2, [4, 1])" if model is network else "a line w * x + b, w = 0.5, b = 0"
    name += ", whose gradients are still 5 from before" if model is used_line else ""
    xs, ys = [x for x, _ in points], [y for _, y in points]

    def run(train: Callable[..., Any]) -> Outcome:
        m = model()
        losses = list(train(m, list(xs), list(ys), lr, goal, most))
        end = sum((float(m(x).data) - y) ** 2 for x, y in points) / len(points)
        facts = {
            "number of losses": len(losses),
            "first losses": losses[:4],
            "last loss": losses[-1] if losses else None,
            "loss of the model afterwards": end,
        }
        return {k: v for k, v in facts.items() if not only or k in only}

    text = (
        f"model: {name}\nxs, ys = {xs}, {ys}\n"
        f"train(model, xs, ys, lr={lr}, goal={goal}, most={most})"
    )
    return Case(text, run, tolerance=1e-6, seconds=seconds)


TASK = Task(
    number=15,
    name="training",
    title="Train it",
    targets=("train",),
    text="""\
Write `train(model, xs, ys, lr, goal, most)`: gradient descent on all examples, over and over.

Each round:

1. the loss: the **mean** over all examples of `(model(x) - y) ** 2`, one Value;
2. note it (its plain number) in a list; if it is at most `goal`, stop;
3. forget the old gradients, then `backward()` from the loss;
4. move every parameter in `model.parameters()` against its gradient, by `lr` times it.

Stop after `most` rounds at the latest. Return the list of the losses.
`model(x)` gives a Value for one x; `xs` and `ys` are lists of the same length.""",
    neighbour="""\
# A neighbour: look for the square root of 2 until the error is small, at most 50 rounds.
def root_of_two(goal, most=50):
    x, errors = 1.0, []
    for _ in range(most):
        errors.append(abs(x * x - 2))
        if errors[-1] <= goal:
            break
        x -= 0.2 * (x * x - 2)
    return x, errors

root_of_two(0.01)[0]  # 1.41...
""",
    hints=(
        "Write one round first, and print the loss. Then put the `for` around it.",
        "The loss comes before the step: the first loss is that of the model as it was given.",
        "Gradients add up from round to round. Where must they be set to 0?",
        "Append `loss.data`, the number; the Value would keep its whole graph alive.",
    ),
    solution='''\
def train(model, xs, ys, lr, goal, most):
    """Gradient descent until the loss is at most `goal`; the list of the losses."""
    ### BEGIN SOLUTION
    losses = []
    for _ in range(most):
        total = 0
        for x, y in zip(xs, ys):
            total = total + (model(x) - y) ** 2
        loss = total / len(xs)
        losses.append(loss.data)
        if loss.data <= goal:
            break
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= lr * p.grad
    return losses
    ### END SOLUTION
''',
    laws=(
        Law(
            "The first loss is that of the model as it was given.",
            lambda rng: [
                case(Line, points, 0.1, 0.0, 1, only=("first losses",))
                for points in (STRAIGHT[1:2], STRAIGHT)
            ],
        ),
        Law(
            "Each round makes one step, and the loss is smaller afterwards.",
            lambda rng: [
                case(Line, points, 0.1, 0.0, most)
                for most in (1, 2)
                for points in (STRAIGHT[1:2], STRAIGHT)
            ],
        ),
        Law(
            "Every round starts with fresh gradients.",
            lambda rng: [
                case(Line, STRAIGHT, 0.1, 0.0, 3),
                case(Line, STRAIGHT, 0.1, 0.0, 5),
                case(used_line, STRAIGHT, 0.1, 0.0, 2),
            ],
        ),
        Law(
            "It stops when the goal is reached, and not before.",
            lambda rng: [
                case(Line, STRAIGHT, 0.1, 100.0, 50),
                case(Line, STRAIGHT, 0.1, 0.01, 200),
                case(Line, [([0.0], 2.0)], 0.25, 4.0, 50),
            ],
        ),
        Law(
            "It stops after `most` rounds if the goal is out of reach.",
            lambda rng: [case(Line, [([0.0], 0.0), ([0.0], 2.0)], 0.1, 0.5, 20)],
        ),
        Law(
            "It trains a network: XOR to a loss of 0.02.",
            lambda rng: [case(network, XOR, 0.3, 0.02, 600)],
        ),
    ),
    mistakes=(
        Mistake(
            "never_zeroed",
            "The gradients of earlier rounds add up: set them to 0 before each `backward()`.",
            (("p.grad = 0.0", "pass"),),
        ),
        Mistake(
            "uphill",
            "The steps go uphill: the loss grows. Subtract the gradient.",
            (("p.data -= lr", "p.data += lr"),),
        ),
        Mistake(
            "sum_not_mean",
            "The loss is the sum over the examples; divide it by their number.",
            (("total / len(xs)", "total / 1"),),
        ),
        Mistake(
            "last_example_only",
            "Only the last example counts: the loss is overwritten in each round of the inner "
            "loop.",
            (("total = total + (model(x) - y) ** 2", "total = (model(x) - y) ** 2 * len(xs)"),),
        ),
        Mistake(
            "goal_ignored",
            "It goes on when the goal is reached: look at the loss in each round and stop.",
            (("loss.data <= goal", "False"),),
        ),
        Mistake(
            "goal_strict",
            "It stops only below the goal; a loss equal to the goal is enough (`<=`).",
            (("loss.data <= goal", "loss.data < goal"),),
        ),
        Mistake(
            "one_parameter",
            "Only one parameter is moved.",
            (
                (
                    "            p.data -= lr * p.grad\n",
                    "            p.data -= lr * p.grad\n            break\n",
                ),
            ),
        ),
        Mistake(
            "no_step",
            "The parameters never move. Either `p = p - ...` makes a new object (change `p.data`), "
            "or the gradients are set to 0 after `backward()`, just before they are used.",
            (("p.data -= lr * p.grad", "p = p - lr * p.grad"),),
        ),
        Mistake(
            "loss_after_step",
            "The loss is noted after the step; note it before, so that the first is that of the "
            "model as it was given.",
            (
                (
                    "        losses.append(loss.data)\n"
                    "        if loss.data <= goal:\n            break\n",
                    "",
                ),
                (
                    "            p.data -= lr * p.grad\n",
                    "            p.data -= lr * p.grad\n"
                    "        squares = [(model(x).data - y) ** 2 for x, y in zip(xs, ys)]\n"
                    "        losses.append(sum(squares) / len(xs))\n"
                    "        if losses[-1] <= goal:\n            break\n",
                ),
            ),
        ),
        Mistake(
            "one_round_too_many",
            "It goes one round beyond `most`.",
            (("range(most)", "range(most + 1)"),),
        ),
        Mistake(
            "values_kept",
            "The list holds Values; note the plain number, `loss.data`.",
            (("losses.append(loss.data)", "losses.append(loss)"),),
        ),
        Mistake(
            "one_round",
            "There is only one round: does the `return` stand inside the loop, or is there no "
            "loop?",
            (("    return losses", "        return losses"),),
        ),
        Mistake(
            "step_per_example",
            "The parameters move after each example. Add up the whole loss first, then one step.",
            (
                (
                    "            total = total + (model(x) - y) ** 2\n"
                    "        loss = total / len(xs)\n",
                    "            loss = (model(x) - y) ** 2\n"
                    "            total = total + loss.data\n"
                    "            for p in model.parameters():\n                p.grad = 0.0\n"
                    "            loss.backward()\n            for p in model.parameters():\n"
                    "                p.data -= lr * p.grad\n"
                    "        losses.append(total / len(xs))\n        if losses[-1] <= goal:\n"
                    "            break\n        continue\n",
                ),
            ),
        ),
        Mistake(
            "list_made_anew",
            "`losses = []` stands inside the loop, so each round forgets the losses before it.",
            (
                (
                    "    losses = []\n    for _ in range(most):\n",
                    "    for _ in range(most):\n        losses = []\n",
                ),
            ),
        ),
        Mistake(
            "stops_before_noting",
            "The last loss is missing: note the loss first, and look at the goal afterwards.",
            (
                (
                    "        losses.append(loss.data)\n        if loss.data <= goal:\n"
                    "            break\n",
                    "        if loss.data <= goal:\n            break\n"
                    "        losses.append(loss.data)\n",
                ),
            ),
        ),
        Mistake(
            "loss_once",
            "The loss is computed once, before the loop. The parameters move, so each round "
            "needs a new one.",
            (
                (
                    "    for _ in range(most):\n        total = 0\n"
                    "        for x, y in zip(xs, ys):\n"
                    "            total = total + (model(x) - y) ** 2\n"
                    "        loss = total / len(xs)\n",
                    "    total = 0\n    for x, y in zip(xs, ys):\n"
                    "        total = total + (model(x) - y) ** 2\n    loss = total / len(xs)\n"
                    "    for _ in range(most):\n",
                ),
            ),
        ),
        Mistake(
            "one_round_too_few",
            "It stops one round before `most`.",
            (("range(most)", "range(most - 1)"),),
        ),
        Mistake(
            "no_rate",
            "The learning rate is not used: move by `lr` times the gradient.",
            (("lr * p.grad", "p.grad"),),
        ),
        Mistake(
            "zeroed_too_late",
            "The gradients are set to 0 at the end of a round, so the first round still has old "
            "ones, if somebody left some. Set them to 0 just before `backward()`.",
            (
                (
                    "        for p in model.parameters():\n            p.grad = 0.0\n"
                    "        loss.backward()\n",
                    "        loss.backward()\n",
                ),
                (
                    "            p.data -= lr * p.grad\n",
                    "            p.data -= lr * p.grad\n            p.grad = 0.0\n",
                ),
            ),
        ),
    ),
)
