"""The plain function beside its program: at the first call, and at the 2nd, 4th, 8th, ... one.

No list of what may go wrong is complete: functions read clocks, files, globals of modules, objects
that change, they look at types, they catch errors. So the plain function is run, and compared.
"""

import math
from operator import sub
from typing import Any

from autograd.compiler.masks import masked, original
from autograd.compiler.symbols import is_foreign, is_ours, place, user_frame
from autograd.compiler.trace import Number, Trace, TraceError
from autograd.ops import Op
from autograd.recording import current_recorder, no_grad, recording
from autograd.runtime.compiled import Compiled
from autograd.runtime.optimizers import update
from autograd.runtime.result import (
    alike,
    all_alike,
    detached,
    leaf_gradients,
    leaves,
    rebuilt,
    replay,
)
from autograd.runtime.transaction import Effects, transaction
from autograd.value import Constant, Value, compute_only, record

ROUNDING = 1e-9  # relative: what sums in another order may differ by
CLOSE = 1e-4  # what they may differ by where rounding grows, as in chaos
GROWN = 1e-6  # of gradients: a saturated softmax has few digits
EXACT = 1e-12  # what the same operations in the same order may differ by


def plain_call(owner: Any, args: Any, kwargs: Any) -> Any:
    """What the jitted function stands for, in plain code."""
    return plain_answer(owner, owner.fn(*args, **kwargs))


def plain_answer(owner: Any, value: Any) -> Any:
    """The rest of it, once the function has returned."""
    if owner.plain is not None:
        return owner.plain(value)
    return value if owner.optimizer is None else plain_step(owner, value)


def plain_step(owner: Any, value: Value) -> float:
    """zero_grad, backward and the optimizer's step."""
    owner.optimizer.zero_grad()
    value.backward()
    if math.isfinite(value.data):
        update(owner.optimizer, owner.clip)
    return value.data


class Attempt:
    """The first call with such arguments: trace, run plainly, compare.

    ran: whether the plain function has run. failed: it raised, as it would without jit.
    """

    def __init__(self, owner: Any, args: Any, kwargs: Any) -> None:
        self.owner, self.args, self.kwargs = owner, args, kwargs
        self.ran = self.failed = False
        self.masks: dict[str, list[float]] = {}
        self.gradients: dict[Value, float] | None = None

    def made(self) -> Compiled:
        """The program. Raises TraceError, and then nothing has changed; or what the plain
        function raises, which has done what it does."""
        program = self.new_program()
        self.states = list(program.watch.states())
        self.before = program.watch
        found, effects = self.traced(program)
        self.run(program.watch.modules)
        try:
            return self.compared(program, found, effects)
        except Exception:
            if self.owner.plain is None:
                self.undo()
            raise

    def compared(self, program: Compiled, found: Trace, effects: Effects) -> Compiled:
        changed = program.watch.changed()
        if changed and not effects:
            raise TraceError(_CHANGES.format(", ".join(changed)))
        if effects:  # only the first time, or always?
            program.watch = program.watched()
            found, effects = self.traced(program)
            refuse(effects)
        self.finish(program, found)
        while (inputs := program.bind(self.args, self.kwargs, self.masks)) is None:
            program = self.new_program()  # the trace has taken in parameters that are arguments
            self.finish(program, self.traced(program)[0])
        self.program, self.inputs = program, inputs
        self.compare(program, inputs)
        return program

    def finish(self, program: Compiled, found: Trace) -> None:
        """What is computed from numbers of the arguments alone may be a Value in plain code, or a
        float: plain code has told."""
        pairs = zip(leaves(found.returned), leaves(self.value))
        numbers = [s for s, v in pairs if isinstance(s, Number) and not isinstance(v, Value)]
        found.floats = {id(found.resolved(s)) for s in numbers}
        program.finish(found)

    def new_program(self) -> Compiled:
        program: Compiled = self.owner.compile(self.owner, self.args, self.kwargs)
        return program

    def traced(self, program: Compiled) -> tuple[Trace, Effects]:
        try:
            return program.traced()
        except TraceError:
            raise
        except Exception as caught:
            error = caught
        if not self.ran:
            self.run(program.watch.modules)  # does it raise this without jit, too?
            if self.owner.plain is None:
                self.undo()
        raise TraceError(
            f"{_last_line(error)}: plain code runs, but on jit's symbols it raises "
            f"{type(error).__name__}: {error}. Use operators and autograd's ops, or run this "
            "function without jit."
        ) from error

    def run(self, modules: list[Any]) -> None:
        """The call that the user sees."""

        def draw(i: int, n: int) -> list[float]:
            numbers = original(modules[i])(n)
            self.masks.setdefault(f"mask{i + 1}", []).extend(numbers)
            return numbers

        self.ran = self.failed = True
        with masked(modules, draw):
            self.value = self.owner.fn(*self.args, **self.kwargs)
        self.failed = False

    def undo(self) -> None:
        """As if the plain function had not run."""
        self.before.restore()
        for put, state in self.states:
            put(state)

    def compare(self, program: Compiled, inputs: dict[str, Any]) -> None:
        self.result = program.result(inputs)
        fits = all_alike(self.result, self.value, ROUNDING)
        if current_recorder() is None:
            ours = program.gradients(parts(self.result))
            self.gradients = leaf_gradients(parts(self.value), inputs[""])
            fits = fits and gradients_fit(ours, self.gradients, ROUNDING)
        if not fits:
            judge(self, program, inputs)

    def answer(self) -> Any:
        """What the first call returns."""
        if self.owner.optimizer is not None:
            del self.result  # nobody wants its gradient
            return self.program.step(self.inputs)
        return self.result if current_recorder() is None else detached(self.result)

    def plain_answer(self) -> Any:
        """The same without a program."""
        if not self.ran:
            return plain_call(self.owner, self.args, self.kwargs)
        return plain_answer(self.owner, self.value)


class Audit:
    """A later call: the plain function runs, too, and leaves no trace."""

    def __init__(
        self, owner: Any, program: Compiled, inputs: dict[str, Any], args: Any, kwargs: Any
    ) -> None:
        self.owner, self.program, self.inputs = owner, program, inputs
        self.args, self.kwargs = args, kwargs

    def difference(self) -> Exception | None:
        """None, or the error that says what differs."""
        self.result = self.program.result(self.inputs)
        try:
            with transaction(self.program.watch), no_grad():
                plain = self.plain()
        except Exception as error:
            return error
        if all_alike(plain, self.result, ROUNDING):
            return None
        trace = self.program.trace
        exact = rebuilt(trace, replay(trace, self.inputs, self.inputs[""])[1])
        if all_alike(plain, exact, EXACT) and all_alike(exact, self.result, CLOSE):
            return None
        where = first_difference(self, trace, self.inputs)
        return TraceError(_DIFFERS.format(shown(plain), shown(self.result), where))

    def plain(self) -> Any:
        """The function on the same arguments, with the same masks."""
        rows = {name: iter(row) for name, row in self.inputs.items() if name.startswith("mask")}

        def draw(i: int, n: int) -> list[float]:
            return [float(next(rows[f"mask{i + 1}"])) for _ in range(n)]

        with masked(self.program.watch.modules, draw):
            return self.owner.fn(*self.args, **self.kwargs)

    def answer(self) -> Any:
        if self.owner.optimizer is not None:
            del self.result  # nobody wants its gradient
            return self.program.step(self.inputs)
        return self.result if current_recorder() is None else detached(self.result)

    def plain_answer(self) -> Any:
        """What plain code returns for this call."""
        with masked(self.program.watch.modules, self.replayed_masks()):
            return plain_call(self.owner, self.args, self.kwargs)

    def replayed_masks(self) -> Any:
        rows = {name: iter(row) for name, row in self.inputs.items() if name.startswith("mask")}
        return lambda i, n: [float(next(rows[f"mask{i + 1}"])) for _ in range(n)]


def refuse(effects: Effects) -> None:
    """What happens whenever the function runs can't be compiled."""
    if effects.drew:
        raise TraceError(
            "the function draws random numbers, and jit would repeat the same ones forever: draw "
            "them outside and pass them as an argument. (nn.Dropout works under jit.)"
        )
    if effects.read:
        raise TraceError(
            f"the function reads an iterator ({', '.join(effects.read)}), which gives another item "
            "each time: take the item outside, and pass it as an argument."
        )
    if effects.printed:
        raise TraceError(
            "the function prints, and a program in its place would not. Print what it returns, "
            "outside, or pass it on as a result."
        )
    if effects.changed:
        raise TraceError(_CHANGES.format(", ".join(effects.changed)))


_CHANGES = (
    "the function changes {} whenever it runs, but a compiled program would not. Change it "
    "outside, and pass what is needed as an argument; return what is to be kept."
)
_DIFFERS = (
    "in plain code, the function gives {}, but its program {}: it reads something that "
    "changes and that jit does not watch (a clock, a file, the environment, an object of a "
    "library), or it looks at what a symbol can't show (a type, an identity). Pass what changes "
    "as an argument.{}"
)


def gradients_fit(ours: dict[int, float], plain: dict[Value, float], tolerance: float) -> bool:
    """Whether they are equal, but for rounding, where the program has a gradient."""
    by_id = {id(v): g for v, g in plain.items()}
    a, b = list(ours.values()), [by_id.get(i, 0.0) for i in ours]
    size = max([abs(x) for x in b if math.isfinite(x)], default=0.0)
    distance = max(map(abs, map(sub, a, b)), default=0.0)  # the usual case, fast
    if distance <= tolerance * size and not any(map(math.isnan, [*a, *b])):
        return True
    return all(alike(x, y, tolerance) or abs(x - y) <= tolerance * size for x, y in zip(a, b))


def judge(attempt: Attempt, program: Compiled, inputs: dict[str, Any]) -> None:
    """The program and plain code differ: by rounding alone? The same operations in the same order
    as plain code's tell. If not, raise TraceError."""
    ends = replay(program.trace, inputs, inputs[""])[1]
    exact, plain, result = rebuilt(program.trace, ends), attempt.value, attempt.result
    is_right, fits = all_alike(exact, plain, EXACT), all_alike(exact, result, CLOSE)
    if attempt.gradients is not None:
        swept = leaf_gradients(parts(exact), inputs[""]).items()
        gradients = {id(v): g for v, g in swept if not isinstance(v, Constant)}
        wanted = {v: g for v, g in attempt.gradients.items() if id(v) in gradients}
        is_right = is_right and gradients_fit(gradients, attempt.gradients, GROWN)
        fits = fits and gradients_fit(program.gradients(parts(result)), wanted, CLOSE)
    if not is_right:
        where = first_difference(attempt, program.trace, inputs)
        raise TraceError(_DIFFERS.format(shown(plain), shown(result), where))
    if not fits:
        raise TraceError(
            f"the program computes {shown(result)}, plain code {shown(plain)}, or their gradients "
            "differ: this is a fault of jit. Please report it, and run this function without jit."
        )


def parts(x: Any) -> list[Value]:
    """The Values in what a function returned."""
    return [v for v in leaves(x) if isinstance(v, Value)]


def shown(x: Any) -> str:
    """The numbers in it, as text."""
    numbers = [f"{v.data:.10g}" if isinstance(v, Value) else f"{v!r:.20}" for v in leaves(x)]
    return ", ".join(numbers[:3]) + ", ..." * (len(numbers) > 3)


def first_difference(run: Any, trace: Trace, inputs: dict[str, Any]) -> str:
    """Where plain code first computes something else than the program, as a sentence."""
    steps: list[tuple[str, float, str]] = []

    def noting(op: Op, parents: tuple[Value, ...]) -> Value:
        v = (compute_only if current_recorder() is compute_only else record)(op, parents)
        steps.append((op.symbol, v.data, place(user_frame())))
        return v

    watch = run.program.watch if isinstance(run, Audit) else run.before
    try:
        with transaction(watch), recording(noting):
            run.owner.fn(*run.args, **run.kwargs)
    except Exception:
        return ""
    ours = [(s.op, v.data) for s, v in zip(trace.nodes, replay(trace, inputs, inputs[""])[0])]
    for (op, number, where), (other, computed) in zip(steps, ours):
        if op != other or not alike(number, computed, ROUNDING):
            return f" The first difference is at {where}."
    return ""


def _last_line(error: BaseException) -> str:
    """The user's line in an error's traceback."""
    frames = []
    step = error.__traceback__
    while step is not None:
        frames.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    for frame, number in reversed(frames):
        file = frame.f_code.co_filename
        if not is_ours(frame) and not is_foreign(file):
            return f"{file}, line {number}, in {frame.f_code.co_name}"
    return "in the function"
