"""A layer, and a network of layers."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import nn
from autograd.exercises.experiments import SHARED
from autograd.exercises.task import Case, Law, Outcome


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


def two_alive(rng: random.Random) -> list[Case]:
    def run(_: Any, mlps: Any) -> Outcome:
        one, two = mlps(1, [2, 1]), mlps(2, [1])
        fill(one.layers, 1, [1, 2, 1])
        fill(two.layers, 2, [2, 1])
        given = [1.0]
        return {
            "one([1.0])": each(one(given))[0].data,
            "two([1.0, 2.0])": each(two([1.0, 2.0]))[0].data,
            "one([1.0]) again": each(one(given))[0].data,
            "parameters of one": len(list(one.parameters())),
            "parameters of two": len(list(two.parameters())),
            "the list of inputs": given,
        }

    lines = ["one, two = MLP(1, [2, 1]), MLP(2, [1])"]
    lines += [f"one: {s}" for s in settings(1, [1, 2, 1])]
    lines += [f"two: {s}" for s in settings(2, [2, 1])]
    return [Case("\n".join([*lines, "one([1.0]), two([1.0, 2.0]), one([1.0])"]), run)]


LAWS = (
    Law("A layer holds nout neurons of nin inputs, and lists all their parameters.", layer_parts),
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
    Law(
        "Two networks may live at the same time, and a second call is like the first.",
        two_alive,
        SHARED,
    ),
)

ORACLE = (partial(nn.Layer, activation="tanh"), partial(nn.MLP, activation="tanh"))

FORBIDDEN = (
    "nn.Neuron",
    "nn.Layer",
    "nn.MLP",
)
