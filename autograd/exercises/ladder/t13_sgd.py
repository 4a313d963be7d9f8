"""Task 13: stochastic gradient descent."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task
from nn import optim

Rounds = list[list[float]]  # the gradients of all parameters, one list for each step


def steps_case(name: str, index: int, start: list[float], rounds: Rounds, **how: float) -> Case:
    """Make the optimiser with the parameters, then for each round set the gradients and step."""
    given = "".join(f", {key}={value:g}" for key, value in how.items())
    text = [f"ps = [{', '.join(f'Value({x:g})' for x in start)}]", f"optimizer = {name}(ps{given})"]
    for grads in rounds:
        text += [f"set the gradients to {grads}", "optimizer.step()"]

    def run(*classes: Any) -> Outcome:
        ps = [Value(x) for x in start]
        optimizer = classes[index](ps, **how)
        outcome: Outcome = {}
        for k, grads in enumerate(rounds, 1):
            for p, g in zip(ps, grads):
                p.grad = g
            optimizer.step()
            outcome |= {f"ps[{i}].data after step {k}": p.data for i, p in enumerate(ps)}
        return outcome | {f"ps[{i}].grad": p.grad for i, p in enumerate(ps)}

    return Case("\n".join(text), run)


def case(start: list[float], rounds: Rounds, lr: float) -> Case:
    return steps_case("SGD", 0, start, rounds, lr=lr)


def zeroes(rng: random.Random) -> list[Case]:
    def run(sgd: Any) -> Outcome:
        ps = [Value(1.0), Value(2.0)]
        ps[0].grad, ps[1].grad = 3.0, 4.0
        sgd(ps, lr=0.1).zero_grad()
        return {
            f"ps[{i}].{name}": getattr(p, name)
            for i, p in enumerate(ps)
            for name in ("grad", "data")
        }

    return [
        Case(
            "ps = [Value(1), Value(2)]\nset the gradients to [3, 4]\nSGD(ps, lr=0.1).zero_grad()",
            run,
        )
    ]


def generators(rng: random.Random) -> list[Case]:
    def run(sgd: Any) -> Outcome:
        ps = [Value(1.0), Value(2.0)]
        optimizer = sgd((p for p in ps), lr=1.0)
        for _ in range(2):
            for p in ps:
                p.grad = 0.25
            optimizer.step()
        return {f"ps[{i}].data": p.data for i, p in enumerate(ps)}

    return [
        Case(
            "optimizer = SGD((p for p in ps), lr=1)   # a generator, as some models give\n"
            "set the gradients to [0.25, 0.25], optimizer.step(), twice",
            run,
        )
    ]


def anything(rng: random.Random) -> list[Case]:
    def some(n: int) -> list[float]:
        return [round(rng.uniform(-2, 2), 2) for _ in range(n)]

    return [
        case(some(n), [some(n) for _ in range(3)], rng.choice((0.01, 0.1, 0.5))) for n in (1, 2, 3)
    ]


TASK = Task(
    number=13,
    name="sgd",
    title="A step downhill: SGD",
    targets=("SGD",),
    text="""\
The gradient points uphill. To make a loss smaller, move every parameter a little against its
gradient.

Write a class `SGD`: `optimizer = SGD(parameters, lr)` keeps the parameters (any iterable of
Values) and the learning rate.

- `optimizer.step()` changes the `.data` of each parameter by `lr` times its gradient, downhill.
  It leaves the gradients as they are.
- `optimizer.zero_grad()` sets all gradients to 0.""",
    neighbour="""\
from autograd import Value

# A neighbour: weight decay alone. Every parameter shrinks a little, whatever its gradient.
class Decay:
    def __init__(self, parameters, rate):
        self.parameters = list(parameters)
        self.rate = rate

    def step(self):
        for p in self.parameters:
            p.data *= 1 - self.rate

w = Value(2.0)
Decay([w], rate=0.1).step()
w.data  # 1.8
""",
    hints=(
        "Downhill means minus.",
        "Change `p.data` in place. `p = p - ...` would only give a name to a new Value.",
        "Keep `list(parameters)`: a generator can be walked through only once.",
    ),
    solution='''\
class SGD:
    def __init__(self, parameters, lr):
        ### BEGIN SOLUTION
        self.parameters = list(parameters)
        self.lr = lr
        ### END SOLUTION

    def step(self):
        """Move every parameter a little against its gradient."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.data -= self.lr * p.grad
        ### END SOLUTION

    def zero_grad(self):
        """Forget the gradients, before the next backward()."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.grad = 0.0
        ### END SOLUTION
''',
    oracle=lambda: (optim.SGD,),
    laws=(
        Law(
            "A step goes against the gradient.",
            lambda rng: [case([1.0], [[0.5]], lr=1.0), case([1.0], [[-0.5]], lr=1.0)],
        ),
        Law(
            "Its length is the learning rate times the gradient.",
            lambda rng: [case([1.0], [[2.0]], lr=0.1), case([0.0], [[3.0]], lr=0.5)],
        ),
        Law(
            "Every parameter takes its step, with its own gradient.",
            lambda rng: [
                case([1.0, 2.0], [[1.0, -1.0]], lr=0.1),
                case([1.0, 2.0, 3.0], [[0.5, 0.0, -2.0]], lr=0.1),
            ],
        ),
        Law(
            "The next step starts where the last one ended.",
            lambda rng: [
                case([1.0], [[1.0], [1.0]], lr=0.1),
                case([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], 0.1),
            ],
        ),
        Law("zero_grad sets the gradients to 0 and leaves the data.", zeroes),
        Law("A generator of parameters will do as well as a list.", generators),
        Law("It holds for any numbers.", anything),
    ),
    mistakes=(
        Mistake(
            "uphill",
            "The step goes uphill: the gradient is added, and it must be subtracted.",
            (("p.data -=", "p.data +="),),
        ),
        Mistake(
            "no_rate",
            "The learning rate is not used: the step is as long as the whole gradient.",
            (("self.lr * p.grad", "p.grad"),),
        ),
        Mistake(
            "divided",
            "The gradient is divided by the learning rate; multiply.",
            (("self.lr * p.grad", "p.grad / self.lr"),),
        ),
        Mistake(
            "sign_only",
            "Only the sign of the gradient counts here; its size must count too.",
            (("self.lr * p.grad", "self.lr * ((p.grad > 0) - (p.grad < 0))"),),
        ),
        Mistake(
            "rebinds",
            "The parameters stay where they are. `p = p - ...` makes a new object, and a copy is "
            "not the parameter: change `p.data` of the Values that were given.",
            (("p.data -= self.lr * p.grad", "p = p - self.lr * p.grad"),),
        ),
        Mistake(
            "overwrites",
            "The parameter becomes the step itself: `-=` where `=` stands.",
            (("p.data -= self.lr * p.grad", "p.data = -self.lr * p.grad"),),
        ),
        Mistake(
            "first_only",
            "Only the first parameter moves: something ends the loop in its first round.",
            (("p.data -= self.lr * p.grad", "p.data -= self.lr * p.grad\n            break"),),
        ),
        Mistake(
            "step_clears",
            "`step()` clears the gradients; that is the work of `zero_grad()`.",
            (
                (
                    "p.data -= self.lr * p.grad",
                    "p.data -= self.lr * p.grad\n            p.grad = 0.0",
                ),
            ),
        ),
        Mistake(
            "zero_clears_data",
            "`zero_grad()` clears the parameters themselves: what is learnt is lost.",
            (("p.grad = 0.0", "p.data = 0.0"),),
        ),
        Mistake(
            "generator_used_up",
            "A generator is empty after one walk: keep `list(parameters)`.",
            (("list(parameters)", "parameters"),),
        ),
    ),
)
