"""Task 14: momentum and Adam."""

import random

from autograd.exercises.ladder.t13_sgd import Rounds, steps_case
from autograd.exercises.task import Case, Law, Mistake, Task
from nn import optim


def momentum(start: list[float], rounds: Rounds, **how: float) -> Case:
    return steps_case("Momentum", 0, start, rounds, **how)


def adam(start: list[float], rounds: Rounds, **how: float) -> Case:
    return steps_case("Adam", 1, start, rounds, **how)


class OracleMomentum(optim.SGD):
    def __init__(self, parameters: list[float], lr: float, momentum: float = 0.9) -> None:
        super().__init__(parameters, lr, momentum=momentum)  # type: ignore[arg-type]


class OracleAdam(optim.Adam):
    def __init__(
        self,
        parameters: list[float],
        lr: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr, (beta1, beta2), eps)  # type: ignore[arg-type]


def anything(rng: random.Random) -> list[Case]:
    def some(n: int) -> list[float]:
        return [round(rng.uniform(-2, 2), 2) for _ in range(n)]

    cases = []
    for n in (1, 2, 3):
        start, rounds = some(n), [some(n) for _ in range(4)]
        cases += [
            momentum(start, rounds, lr=0.1, momentum=0.5),
            momentum(start, rounds, lr=0.1),
            adam(start, rounds, lr=0.1, beta1=0.5, beta2=0.8),
            adam(start, rounds, lr=0.1),
        ]
    return cases


TASK = Task(
    number=14,
    name="adam",
    title="Faster downhill: momentum and Adam",
    targets=("Momentum", "Adam"),
    text="""\
Two optimisers that remember. Both keep some numbers **for each parameter**, 0 at the start.

`Momentum(parameters, lr, momentum=0.9)` keeps a velocity v. In each step, with gradient g:

    v = momentum * v + g
    p.data = p.data - lr * v

`Adam(parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8)` keeps two running means, m of the
gradient and s of its square, and counts its steps t = 1, 2, 3, ...

    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g * g
    p.data = p.data - lr * M / (sqrt(S) + eps)

where M = m / (1 - beta1 ** t) and S = s / (1 - beta2 ** t): as m and s start at 0, they are too
small at first, and this makes up for it.

Both need only `step()` here; the gradients stay as they are.""",
    neighbour="""\
# A neighbour: the running mean of a temperature, made up for its start at 0.
class RunningMean:
    def __init__(self, beta):
        self.beta, self.m, self.t = beta, 0.0, 0

    def see(self, x):
        self.t += 1
        self.m = self.beta * self.m + (1 - self.beta) * x
        return self.m / (1 - self.beta**self.t)

mean = RunningMean(0.5)
mean.see(20.0), mean.see(26.0)  # (20.0, 24.0)
""",
    hints=(
        "Keep a list with one number for each parameter: `self.v = [0.0] * len(self.parameters)`.",
        "`for i, p in enumerate(self.parameters)` gives the place in that list.",
        "t grows once in each step, not once for each parameter.",
        "M and S are for this step only: keep the m and s that were not divided.",
    ),
    solution="""\
import math


class Momentum:
    def __init__(self, parameters, lr, momentum=0.9):
        self.parameters = list(parameters)
        self.lr = lr
        self.momentum = momentum
        self.v = [0.0] * len(self.parameters)

    def step(self):
        ### BEGIN SOLUTION
        for i, p in enumerate(self.parameters):
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data -= self.lr * self.v[i]
        ### END SOLUTION


class Adam:
    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.parameters = list(parameters)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = [0.0] * len(self.parameters)
        self.s = [0.0] * len(self.parameters)
        self.t = 0

    def step(self):
        ### BEGIN SOLUTION
        self.t += 1
        for i, p in enumerate(self.parameters):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * p.grad
            self.s[i] = self.beta2 * self.s[i] + (1 - self.beta2) * p.grad**2
            mean = self.m[i] / (1 - self.beta1**self.t)
            square = self.s[i] / (1 - self.beta2**self.t)
            p.data -= self.lr * mean / (math.sqrt(square) + self.eps)
        ### END SOLUTION
""",
    oracle=lambda: (OracleMomentum, OracleAdam),
    laws=(
        Law(
            "The first step of Momentum is that of SGD.",
            lambda rng: [
                momentum([1.0], [[0.5]], lr=0.1),
                momentum([1.0, 2.0], [[1.0, -3.0]], lr=0.1),
            ],
        ),
        Law(
            "Later steps of Momentum keep a part of the velocity.",
            lambda rng: [
                momentum([1.0], [[1.0], [1.0]], lr=0.1),
                momentum([1.0], [[1.0], [0.0]], lr=0.1),
                momentum([0.0], [[1.0], [2.0], [3.0]], lr=0.1, momentum=0.5),
            ],
        ),
        Law(
            "Each parameter has a velocity of its own.",
            lambda rng: [momentum([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], lr=0.1)],
        ),
        Law(
            "Adam's first step is as long as lr, whatever the gradient's size.",
            lambda rng: [
                adam([1.0], [[0.5]], lr=0.1),
                adam([1.0], [[-200.0]], lr=0.1),
                adam([1.0, 2.0], [[1.0, 0.01]], lr=0.1),
            ],
        ),
        Law(
            "Later steps of Adam go by the running means, made up for their start.",
            lambda rng: [
                adam([1.0], [[1.0], [0.0]], lr=0.1),
                adam([1.0], [[1.0], [2.0], [-1.0]], lr=0.1),
                adam([1.0], [[1.0], [2.0]], lr=0.1, beta1=0.5, beta2=0.8),
            ],
        ),
        Law(
            "Each parameter has means of its own, and t counts the steps.",
            lambda rng: [adam([0.0, 0.0], [[1.0, 5.0], [2.0, 0.0], [1.0, 1.0]], lr=0.1)],
        ),
        Law(
            "eps keeps the division safe where the gradient is 0, and stands outside of the root.",
            lambda rng: [
                adam([1.0], [[0.0]], lr=0.1),
                adam([1.0], [[1.0]], lr=0.1, eps=0.5),
                adam([1.0], [[1e-8]], lr=0.1),
            ],
        ),
        Law("They hold for any numbers.", anything),
    ),
    mistakes=(
        Mistake(
            "no_memory",
            "The velocity is not kept from step to step: this is plain SGD.",
            (("self.v[i] = self.momentum * self.v[i] + p.grad", "self.v[i] = p.grad"),),
        ),
        Mistake(
            "damped_gradient",
            "The gradient is multiplied by (1 - momentum): in this formula it counts in full.",
            (
                (
                    "self.momentum * self.v[i] + p.grad",
                    "self.momentum * self.v[i] + (1 - self.momentum) * p.grad",
                ),
            ),
        ),
        Mistake(
            "gradient_damped_velocity_kept",
            "Momentum belongs to the velocity, not to the gradient.",
            (("self.momentum * self.v[i] + p.grad", "self.v[i] + self.momentum * p.grad"),),
        ),
        Mistake(
            "one_velocity",
            "All parameters share one velocity: each needs its own.",
            (("self.v[i]", "self.v[0]"),),
        ),
        Mistake(
            "one_mean",
            "In Adam all parameters share their means: each needs its own.",
            (("self.m[i]", "self.m[0]"), ("self.s[i]", "self.s[0]")),
        ),
        Mistake(
            "no_correction",
            "Adam's means are too small in the first steps: divide m by 1 - beta1 ** t, and s by "
            "1 - beta2 ** t.",
            ((" / (1 - self.beta1**self.t)", ""), (" / (1 - self.beta2**self.t)", "")),
        ),
        Mistake(
            "no_root",
            "The square root is missing: Adam divides by the root of the mean square.",
            (("math.sqrt(square)", "square"),),
        ),
        Mistake(
            "not_squared",
            "s is the running mean of the gradient; it must be that of its square.",
            (("p.grad**2", "abs(p.grad)"),),
        ),
        Mistake(
            "eps_inside",
            "eps stands inside of the root; add it to the root.",
            (("math.sqrt(square) + self.eps", "math.sqrt(square + self.eps)"),),
        ),
        Mistake(
            "no_eps",
            "Where the gradient is 0 this divides 0 by 0: eps is missing.",
            (("(math.sqrt(square) + self.eps)", "math.sqrt(square)"),),
        ),
        Mistake(
            "betas_exchanged",
            "beta1 belongs to the mean of the gradient, beta2 to that of its square; they are "
            "exchanged.",
            (
                (
                    "self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps",
                    "self.beta2, self.beta1, self.eps = lr, beta1, beta2, eps",
                ),
            ),
        ),
        Mistake(
            "t_each_parameter",
            "t grows with each parameter; it counts steps, so add 1 once in each step.",
            (
                (
                    "        self.t += 1\n        for i, p in enumerate(self.parameters):\n",
                    "        for i, p in enumerate(self.parameters):\n            self.t += 1\n",
                ),
            ),
        ),
        Mistake(
            "t_stays",
            "t does not grow: every step is taken for the first.",
            (("self.t += 1", "self.t = 1"),),
        ),
        Mistake(
            "corrected_kept",
            "The corrected means are kept for the next step; keep m and s as they were.",
            (
                (
                    "            mean = self.m[i] / (1 - self.beta1**self.t)\n",
                    "            mean = self.m[i] = self.m[i] / (1 - self.beta1**self.t)\n",
                ),
                (
                    "            square = self.s[i] / (1 - self.beta2**self.t)\n",
                    "            square = self.s[i] = self.s[i] / (1 - self.beta2**self.t)\n",
                ),
            ),
        ),
        Mistake(
            "uphill",
            "The step goes uphill: subtract it.",
            (("p.data -=", "p.data +="),),
        ),
        Mistake(
            "t_from_zero",
            "In the first step t is still 0, so 1 - beta ** t is 0: count first, then compute.",
            (("        self.t += 1\n", ""),),
        ),
        Mistake(
            "eps_brackets",
            "`M / sqrt(S) + eps` adds eps to the quotient: put brackets around `sqrt(S) + eps`.",
            (("/ (math.sqrt(square) + self.eps)", "/ math.sqrt(square) + self.eps"),),
        ),
        Mistake(
            "old_velocity",
            "The step is made with the velocity of the last step: first the new v, then the step.",
            (
                (
                    "            self.v[i] = self.momentum * self.v[i] + p.grad\n"
                    "            p.data -= self.lr * self.v[i]\n",
                    "            p.data -= self.lr * self.v[i]\n"
                    "            self.v[i] = self.momentum * self.v[i] + p.grad\n",
                ),
            ),
        ),
        Mistake(
            "m_not_corrected",
            "Only s is made up for its start at 0: divide m, too, by 1 - beta1 ** t.",
            ((" / (1 - self.beta1**self.t)", ""),),
        ),
        Mistake(
            "s_not_corrected",
            "Only m is made up for its start at 0: divide s, too, by 1 - beta2 ** t.",
            ((" / (1 - self.beta2**self.t)", ""),),
        ),
        Mistake(
            "momentum_uphill",
            "The gradient is subtracted in v, and v is subtracted from the parameter: minus "
            "twice goes uphill. In v the gradient is added.",
            (("self.momentum * self.v[i] + p.grad", "self.momentum * self.v[i] - p.grad"),),
        ),
    ),
)
