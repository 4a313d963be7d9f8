"""Task 11: a layer, and a network of layers."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import nn
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


def numbers(seed: int, sizes: list[int]) -> Iterator[tuple[str, list[float]]]:
    """For every neuron its name, and a number for each weight and for the bias."""
    rng = random.Random(seed)
    for i, (nin, nout) in enumerate(zip(sizes, sizes[1:])):
        for j in range(nout):
            yield (
                f"layers[{i}].neurons[{j}]",
                [round(rng.uniform(-1, 1), 2) for _ in range(nin + 1)],
            )


def fill(layers: list[Any], seed: int, sizes: list[int]) -> None:
    """Set every weight and bias of the `layers`."""
    neurons = [neuron for layer in layers for neuron in layer.neurons]
    for neuron, (_, given) in zip(neurons, numbers(seed, sizes)):
        for p, x in zip([*neuron.w, neuron.b], given):
            p.data = x


def settings(seed: int, sizes: list[int]) -> list[str]:
    """The same as text, a line for each neuron."""
    return [f"{name}: w = {w}, b = {b}" for name, (*w, b) in numbers(seed, sizes)]


def each(out: Any) -> list[Any]:
    return list(out) if hasattr(out, "__len__") else [out]


def gradients(layers: list[Any]) -> Outcome:
    return {
        f"layers[{i}].neurons[{j}].{name}.grad": p.grad
        for i, layer in enumerate(layers)
        for j, n in enumerate(layer.neurons)
        for name, p in [*((f"w[{k}]", w) for k, w in enumerate(n.w)), ("b", n.b)]
    }


def layer_case(nin: int, nout: int, xs: list[float], seed: int = 1) -> Case:
    def run(layers: Any, _: Any) -> Outcome:
        layer = layers(nin, nout)
        fill([layer], seed, [nin, nout])
        out = each(layer(list(xs)))
        count = {"number of outputs": len(out)}
        return count | {f"output {i}": v.data for i, v in enumerate(out)}

    lines = [line.removeprefix("layers[0].") for line in settings(seed, [nin, nout])]
    return Case("\n".join([f"layer = Layer({nin}, {nout})", *lines, f"layer({xs})"]), run)


def mlp_case(nin: int, nouts: list[int], xs: list[float], seed: int = 1) -> Case:
    def run(_: Any, mlps: Any) -> Outcome:
        mlp = mlps(nin, list(nouts))
        fill(mlp.layers, seed, [nin, *nouts])
        out = each(mlp(list(xs)))
        loss = sum((v * v for v in out), 0)
        loss.backward()
        return {f"output {i}": v.data for i, v in enumerate(out)} | gradients(mlp.layers)

    text = [
        f"mlp = MLP({nin}, {nouts})",
        *settings(seed, [nin, *nouts]),
        f"out = mlp({xs})",
        "loss: the sum of the squares of out; loss.backward()",
    ]
    return Case("\n".join(text), run)


def listed(make: Any, layers: Any) -> Outcome:
    mine = [p for layer in layers for n in layer.neurons for p in [*n.w, n.b]]
    found = list(make.parameters())
    return {
        "number of parameters": len(found),
        "all different": len({id(p) for p in found}) == len(found),
        "the neurons' own": {id(p) for p in found} == {id(p) for p in mine},
    }


def layer_parts(rng: random.Random) -> list[Case]:
    def case(nin: int, nout: int) -> Case:
        def run(layers: Any, _: Any) -> Outcome:
            layer = layers(nin, nout)
            sizes = [len(n.w) for n in layer.neurons]
            return {"inputs of each neuron": sizes} | listed(layer, [layer])

        return Case(f"layer = Layer({nin}, {nout})", run)

    return [case(2, 1), case(2, 3), case(3, 2)]


def at_random(rng: random.Random) -> list[Case]:
    facts = (
        "weights between -1 and 1",
        "some above 0, some below",
        "some over 0.5 in size",
        "no two neurons alike",
        "biases 0",
    )

    def run(layers: Any, _: Any) -> Outcome:
        neurons = layers(5, 8).neurons
        ws = [w.data for n in neurons for w in n.w]
        found = (
            min(ws) >= -1 and max(ws) <= 1,
            min(ws) < 0 < max(ws),
            max(map(abs, ws)) > 0.5,
            len(set(ws)) == len(ws),
            all(n.b.data == 0 for n in neurons),
        )
        return dict(zip(facts, found))

    return [Case("layer = Layer(5, 8)", run, lambda: dict.fromkeys(facts, True))]


def mlp_parts(rng: random.Random) -> list[Case]:
    def case(nin: int, nouts: list[int]) -> Case:
        def run(_: Any, mlps: Any) -> Outcome:
            given = list(nouts)
            mlp = mlps(nin, given)
            sizes = [[len(n.w) for n in layer.neurons] for layer in mlp.layers]
            widths = {f"inputs of layers[{i}]'s neurons": s for i, s in enumerate(sizes)}
            return widths | listed(mlp, mlp.layers) | {"the list nouts afterwards": given}

        return Case(f"mlp = MLP({nin}, {nouts})", run)

    return [case(2, [1]), case(2, [3, 1]), case(3, [2, 4, 2])]


def shape(rng: random.Random) -> list[Case]:
    def case(nin: int, nouts: list[int]) -> Case:
        def run(_: Any, mlps: Any) -> Outcome:
            out = mlps(nin, list(nouts))([1.0] * nin)
            return {
                "what comes out": f"a list of {len(out)}"
                if hasattr(out, "__len__")
                else "a single Value"
            }

        return Case(f"MLP({nin}, {nouts})({[1.0] * nin})", run)

    return [case(2, [1]), case(2, [2]), case(2, [3, 1])]


TASK = Task(
    number=11,
    name="mlp",
    title="A layer, and a network of layers",
    targets=("Layer", "MLP"),
    text="""\
Neurons side by side make a layer; layers one after the other make a network (a multi-layer
perceptron, MLP).

- `layer = Layer(nin, nout)`: `layer.neurons` is a list of `nout` Neurons with `nin` inputs each;
  `layer(xs)` is the list of their outputs. A third parameter `linear=False` is passed on to the
  neurons: a linear neuron leaves out the tanh.
- `mlp = MLP(nin, nouts)`: `nouts` is the list of the layers' widths. `mlp.layers` is the list of
  the layers. The first one reads `nin` numbers, each other one the outputs of the one before.
  **The last layer is linear.** Leave the list `nouts` as it is.
- `mlp(xs)`: what the last layer gives; a single Value, not a list, if its width is 1.
- Both have `parameters()`: all of their neurons' parameters in one list.""",
    neighbour="""\
# A neighbour: machines one after the other, where each works on what the one before gave.
class Machine:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, xs):
        return [self.factor * x for x in xs]

class Plant:
    def __init__(self, factors):
        self.machines = [Machine(f) for f in factors]

    def __call__(self, xs):
        for machine in self.machines:
            xs = machine(xs)
        return xs

Plant([2, 3])([1, 10])  # [6, 60]
""",
    hints=(
        "The sizes of MLP(3, [4, 4, 1]): 3 to 4, 4 to 4, 4 to 1. Put nin in front of nouts, and "
        "take neighbours.",
        "In `MLP.__call__` the output of each layer is the input of the next: `xs = layer(xs)`.",
        "All in one list: `[p for neuron in self.neurons for p in neuron.parameters()]`.",
    ),
    solution="""\
import random

import autograd


class Neuron:
    def __init__(self, nin, linear=False):
        self.w = [autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = autograd.Value(0.0)
        self.linear = linear

    def __call__(self, xs):
        if len(xs) != len(self.w):
            raise ValueError(f"{len(self.w)} inputs are needed, but there are {len(xs)}")
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        return total if self.linear else total.tanh()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, nin, nout, linear=False):
        ### BEGIN SOLUTION
        self.neurons = [Neuron(nin, linear) for _ in range(nout)]
        ### END SOLUTION

    def __call__(self, xs):
        ### BEGIN SOLUTION
        return [neuron(xs) for neuron in self.neurons]
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for neuron in self.neurons for p in neuron.parameters()]
        ### END SOLUTION


class MLP:
    def __init__(self, nin, nouts):
        ### BEGIN SOLUTION
        sizes = [nin, *nouts]
        self.layers = []
        for i in range(len(nouts)):
            last = i == len(nouts) - 1
            self.layers.append(Layer(sizes[i], sizes[i + 1], linear=last))
        ### END SOLUTION

    def __call__(self, xs):
        ### BEGIN SOLUTION
        for layer in self.layers:
            xs = layer(xs)
        return xs[0] if len(xs) == 1 else xs
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for layer in self.layers for p in layer.parameters()]
        ### END SOLUTION
""",
    oracle=lambda: (partial(nn.Layer, activation="tanh"), partial(nn.MLP, activation="tanh")),
    laws=(
        Law(
            "A layer holds nout neurons of nin inputs, and lists all their parameters.", layer_parts
        ),
        Law("Its neurons start at random, as before.", at_random),
        Law(
            "A layer's output is the list of its neurons' outputs.",
            lambda rng: [
                layer_case(1, 1, [0.5]),
                layer_case(2, 2, [1.0, -1.0]),
                layer_case(2, 3, [0.5, 2.0]),
            ],
        ),
        Law("An MLP's layers fit together, and all their parameters are listed.", mlp_parts),
        Law("One Value comes out if the last width is 1, else a list.", shape),
        Law(
            "With a single layer the MLP is linear.",
            lambda rng: [mlp_case(1, [1], [2.0]), mlp_case(2, [2], [1.0, 3.0])],
        ),
        Law(
            "Each layer works on what the one before gave; all but the last have their tanh.",
            lambda rng: [
                mlp_case(1, [1, 1], [2.0]),
                mlp_case(2, [3, 1], [1.0, -2.0]),
                mlp_case(2, [2, 2], [1.0, 0.5]),
                mlp_case(2, [2, 2, 2], [1.0, 0.5]),
            ],
        ),
        Law(
            "It holds for any network.",
            lambda rng: [
                mlp_case(
                    n,
                    [rng.randint(1, 3) for _ in range(rng.randint(1, 3))],
                    [round(rng.uniform(-2, 2), 1) for _ in range(n)],
                    rng.randint(2, 99),
                )
                for n in (1, 2, 3, 2)
            ],
        ),
    ),
    mistakes=(
        Mistake(
            "last_not_linear",
            "The last layer has a tanh as well: its outputs can never leave -1 to 1. Make it "
            "linear, and see that the layer passes `linear` on to its neurons.",
            (("linear=last", "linear=False"),),
        ),
        Mistake(
            "all_linear",
            "All layers are linear, and a chain of linear layers is no more than one of them.",
            (("linear=last", "linear=True"),),
        ),
        Mistake(
            "first_linear",
            "The first layer is linear where the last should be.",
            (("i == len(nouts) - 1", "i == 0"),),
        ),
        Mistake(
            "widths_do_not_chain",
            "Every layer is made for `nin` inputs, but all except the first read the outputs of "
            "the layer before.",
            (("Layer(sizes[i], ", "Layer(nin, "),),
        ),
        Mistake(
            "layers_not_chained",
            "Every layer works on the first input: give each the outputs of the one before, "
            "`xs = layer(xs)`.",
            (
                (
                    "            xs = layer(xs)\n        return xs[0] if len(xs) == 1 else xs",
                    "            out = layer(xs)\n        return out[0] if len(out) == 1 else out",
                ),
            ),
        ),
        Mistake(
            "one_neuron_shared",
            "The layer holds one and the same neuron nout times: make a new one for each place.",
            (("[Neuron(nin, linear) for _ in range(nout)]", "[Neuron(nin, linear)] * nout"),),
        ),
        Mistake(
            "sizes_exchanged",
            "nin and nout are exchanged: nout neurons, each of nin inputs.",
            (
                (
                    "[Neuron(nin, linear) for _ in range(nout)]",
                    "[Neuron(nout, linear) for _ in range(nin)]",
                ),
            ),
        ),
        Mistake(
            "last_layer_listed_only",
            "The MLP lists the parameters of one layer only; collect them from all layers.",
            (
                (
                    "[p for layer in self.layers for p in layer.parameters()]",
                    "self.layers[-1].parameters()",
                ),
            ),
        ),
        Mistake(
            "nested_parameters",
            "The parameters come as a list of lists; put them into one flat list.",
            (
                (
                    "[p for neuron in self.neurons for p in neuron.parameters()]",
                    "[neuron.parameters() for neuron in self.neurons]",
                ),
            ),
        ),
        Mistake(
            "always_a_list",
            "A network with one output gives a list of one; take the Value out of it.",
            (("xs[0] if len(xs) == 1 else xs", "xs"),),
        ),
        Mistake(
            "first_output_only",
            "Only the first output comes back, even where there are several.",
            (("xs[0] if len(xs) == 1 else xs", "xs[0]"),),
        ),
        Mistake(
            "returns_after_first",
            "The `return` stands inside the loop, so only the first layer works. Put it behind "
            "the loop.",
            (
                (
                    "        return xs[0] if len(xs) == 1 else xs",
                    "            return xs[0] if len(xs) == 1 else xs",
                ),
            ),
        ),
        Mistake(
            "nouts_changed",
            "The list `nouts` belongs to the caller, and it is changed: make a list of your own, "
            "`[nin, *nouts]` or `[nin] + nouts`.",
            (
                ("sizes = [nin, *nouts]", "sizes = nouts\n        sizes.insert(0, nin)"),
                ("range(len(nouts))", "range(len(nouts) - 1)"),
                ("i == len(nouts) - 1", "i == len(nouts) - 2"),
            ),
        ),
    ),
)
