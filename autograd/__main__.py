"""The command line: `python -m autograd demo`, `check` and `task`."""

import argparse
import os
import random
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import nn
from autograd import Value, draw, name_values, no_grad
from autograd.draw import image_grid, loss_curve

Examples = tuple[list[list[float]], list[int]]  # inputs and their classes


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m autograd", description="glassgrad at work.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("demo", help="an expression, a neuron, handwritten digits")
    command.add_argument(
        "--out", type=Path, default=Path("demo"), help="the folder for the pictures (demo)"
    )
    command.set_defaults(run=lambda options: demo(options.out))
    add_check(commands.add_parser("check", help="check a student's files, or a class's"))
    add_task(commands.add_parser("task", help="write a task of your own, and test it"))
    options = parser.parse_args(arguments)
    options.run(options)


def add_check(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", help="Python files, notebooks, or folders of them")
    command.add_argument(
        "--task", action="append", default=[], help="only this task (may be repeated)"
    )
    command.add_argument("--tasks", metavar="DIR", help="a folder of tasks of your own")
    command.add_argument("--seed", type=int, default=0, help="another seed: other random cases")
    command.add_argument(
        "--student",
        default="",
        metavar="PATTERN",
        help="whose a file is: all, file, folder, or a path with {student} in it",
    )
    command.add_argument(
        "--format", default="text", choices=("text", "csv", "json", "junit", "gradescope")
    )
    command.add_argument("--report", metavar="FILE", help="the class at a glance, an HTML page")
    command.add_argument("--jobs", type=int, help="students checked at a time")
    command.set_defaults(run=check)


def check(options: argparse.Namespace) -> None:
    """Exit with status 0 only if every task holds."""
    from autograd.exercises.files import command  # it brings all the tasks along

    try:
        status = command(
            options.files,
            options.task,
            options.seed,
            tasks=options.tasks,
            student=options.student,
            form=options.format,
            report=options.report,
            jobs=options.jobs,
        )
        sys.stdout.flush()
    except BrokenPipeError:  # `check ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def add_task(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="action")
    action = actions.add_parser("new", help="write the folder of a new task")
    action.add_argument("name", help="such as my_task, or a path that ends with it")
    action.set_defaults(run=lambda options: task("new", options.name))
    action = actions.add_parser("test", help="which wrong solutions do its laws let pass?")
    action.add_argument("folder", help="the folder of a task, or one of several tasks")
    action.set_defaults(run=lambda options: task("test", options.folder))


def task(action: str, folder: str) -> None:
    from autograd.exercises.workshop import new, test  # as above

    sys.exit({"new": new, "test": test}[action](folder))


def demo(folder: Path, epochs: int = 10) -> None:
    """An expression, a neuron, a network that learns to read digits; their pictures in `folder`."""
    start = perf_counter()
    check_extras()
    folder.mkdir(parents=True, exist_ok=True)
    written = []

    def save(picture: Any, name: str, what: str) -> None:
        picture.save(folder / name)
        written.append(f"  {folder / name}  {what}")

    print("1. An expression: loss = (tanh(w * x + b) - x) ** 2")
    loss, leaves = expression()
    print("   " + ", ".join(f"d loss/d {v.label} = {v.grad:.4f}" for v in leaves))
    save(draw(loss), "graph.svg", "its graph, with data and gradients")

    print("2. A neuron with three inputs")
    out = neuron()
    print(f"   fires {out:.4f}")
    save(draw(out), "neuron.svg", "the neuron: weights, inputs, bias, one weighted sum, tanh")

    print("3. A network that reads handwritten digits, 64 pixels to 10 classes")
    training, test = digits()
    model, history = train(training, test, epochs)
    accuracy = history.metrics["test accuracy"][-1]
    print(f"   {accuracy:.1%} of {len(test[1])} digits that it has never seen are read right")
    save(loss_curve(history), "loss.svg", "how the loss fell")
    save(sample(model, test), "digits.svg", "some of those digits, and what the network says")

    print(f"Written in {perf_counter() - start:.0f} seconds (open them in a browser):")
    print(*written, sep="\n")
    print(f"Next: open {folder / 'graph.svg'}, and read autograd/ops.py, graph.py, value.py.")


def check_extras() -> None:
    """Say in one line what is not installed, before any work is done."""
    missing = [] if find_spec("sklearn") else ["scikit-learn (it holds the digits)"]
    if not (shutil.which("dot") or find_spec("pygraphviz")):
        missing.append("pygraphviz (it lays out the graphs)")
    if missing:
        sys.exit(f'The demo also needs {" and ".join(missing)}: pip install "glassgrad[demo]"')


def expression() -> tuple[Value, list[Value]]:
    """The README's example: its loss and its leaves, after the backward pass."""
    x, w, b = Value(2.0), Value(-0.5), Value(1.5)
    y = (w * x + b).tanh()
    loss = (y - x) ** 2
    loss.backward()
    name_values(locals())
    return loss, [x, w, b]


def neuron() -> Value:
    inputs = [Value(x, f"x{i}") for i, x in enumerate([1.0, -2.0, 0.5])]
    out = nn.Neuron(3, "tanh", rng=random.Random(0))(inputs)
    out.backward()
    return out


def digits() -> tuple[Examples, Examples]:
    """1,437 digits to train on and 360 to test on: images of 8 x 8 pixels from 0 to 1."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = (data.data / 16).tolist()
    examples = list(zip(images, data.target.tolist()))
    random.Random(0).shuffle(examples)
    return split(examples[360:]), split(examples[:360])


def train(training: Examples, test: Examples, epochs: int) -> tuple[nn.MLP, nn.History]:
    model = nn.MLP(64, [32, 10], rng=random.Random(0))
    history = nn.fit(
        model,
        training,
        lambda model, xs, ys: nn.cross_entropy([model(x) for x in xs], ys),
        nn.optim.SGD(model.parameters(), lr=0.3),
        epochs=epochs,
        batch_size=16,
        validation=test,
        metrics={"test accuracy": accuracy},
        jit=False,  # every one of its numbers a Value, to show that the engine itself can do it
    )
    return model, history


def accuracy(model: Any, xs: list[list[float]], ys: list[int]) -> float:
    return sum(classify(model, x) == y for x, y in zip(xs, ys)) / len(ys)


def classify(model: Any, x: list[float]) -> int:
    """The class with the highest logit."""
    logits = model(x)
    return max(range(len(logits)), key=logits.__getitem__)


def sample(model: Any, test: Examples) -> Any:
    """Sixteen test digits, and up to eight that the model misreads, with what it says of each."""
    with no_grad():
        read = [(x, y, classify(model, x)) for x, y in zip(*test)]
    misread = [row for row in read[16:] if row[1] != row[2]]
    return image_grid(*zip(*read[:16], *misread[:8]))


def split(examples: Sequence[tuple[list[float], int]]) -> Examples:
    return [x for x, _ in examples], [y for _, y in examples]


if __name__ == "__main__":
    main()
