"""`jit`, the callable: a program for each signature, found again at each call, or made.

A first call traces the function, which leaves no trace; runs it plainly, which is what the user
sees; and compares the two. Later calls run the program. At the 2nd, 4th, 8th, ... call of a
program the plain function runs beside it, unseen, and a difference raises `TraceError`.
"""

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from autograd import value as engine
from autograd.compiler.symbols import running
from autograd.compiler.targets import Target
from autograd.compiler.trace import TraceError
from autograd.recording import current_recorder
from autograd.runtime import check
from autograd.runtime.compiled import Compiled
from autograd.runtime.result import detached
from autograd.value import compute_only

__all__ = ["Compiled", "Jitted", "TraceError"]

KEPT = 256  # programs: who changes a static argument every step, traces every step, but the memory
# does not fill up


class Jitted:
    """A compiled function. source: its latest program, as Python text. stats: nodes, kinds and
    array operations, seconds of tracing and analysis, how many programs are cached, and how many
    calls were audited.

    plain: if given, what can't be compiled runs as it is, with a warning, and so do all later
    calls; from the plain function's result it makes what a call returns.
    """

    def __init__(
        self, fn: Any, optimizer: Any, compile: type[Compiled], target: Target,
        clip: tuple[Any, Any], plain: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        functools.update_wrapper(self, fn)
        self.fn, self.clip, self.plain = fn, clip, plain
        self.compile, self.target = compile, target
        self._optimizer = optimizer
        self.programs = Programs()
        self.latest: Compiled | None = None
        self.is_plain = False  # a lenient one has given up
        self.audits = self.changes = self.compiled = 0

    @property
    def optimizer(self) -> Any:
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Any) -> None:
        """Another optimiser: none of the programs is for it."""
        self._optimizer, self.latest, self.programs = optimizer, None, Programs()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if engine.recorder is not None and not self.is_usual():
            return self.elsewhere(args, kwargs)
        program: Any = self.latest
        inputs = None if program is None else program.bind(args, kwargs)
        if inputs is None:
            if self.is_plain:
                return check.plain_call(self, args, kwargs)
            program, inputs = self.programs.find(args, kwargs)
            if program is None:
                return self.first_call(args, kwargs)
            self.latest = program
        program.calls += 1
        if program.calls == program.audit_at:
            return self.audited(program, inputs, args, kwargs)
        if self._optimizer is not None:
            step: float = program.step(inputs)
            return step
        result = program.result(inputs)
        return result if engine.recorder is None else detached(result)

    # --- around a call -----------------------------------------------------------------------

    def is_usual(self) -> bool:
        """Whether a program may run here: not in a trace, nor where somebody else records."""
        return running.get() is None and current_recorder() in (None, compute_only)

    def elsewhere(self, args: Any, kwargs: Any) -> Any:
        """In a trace this is a part of the outer function; with another recorder, plain code."""
        if running.get() is not None and self._optimizer is not None:
            error = TraceError(
                f"the jitted function calls a compiled training step, {self!r}: what it changes in "
                "the parameters would happen once only. Call it outside."
            )
            running.get().refusal = running.get().refusal or error
            raise error
        if running.get() is not None:
            return self.fn(*args, **kwargs)
        return check.plain_call(self, args, kwargs)

    def first_call(self, args: Any, kwargs: Any) -> Any:
        """Make the program for these arguments, and return what plain code returns."""
        self.warn(args, kwargs)
        attempt = check.Attempt(self, args, kwargs)
        try:
            program = attempt.made()
        except Exception as error:
            if self.plain is None or attempt.failed:
                raise
            return self.give_up(str(error), attempt)
        self.compiled += 1
        self.latest = program
        self.programs.add(program, args, kwargs)
        if self.plain and self.compiled == HOPELESS and self.programs.reused() < HOPELESS:
            return self.give_up(
                f"{HOPELESS} programs were compiled, each for a shape of its own, and hardly any "
                "was used again. Make batches of one shape, by padding say.", attempt,
            )  # fmt: skip
        return attempt.answer()

    def audited(self, program: Compiled, inputs: Any, args: Any, kwargs: Any) -> Any:
        """A call beside which the plain function runs. A difference raises TraceError."""
        program.audit_at *= 2
        self.audits += 1
        attempt = check.Audit(self, program, inputs, args, kwargs)
        error = attempt.difference()
        if error is None:
            return attempt.answer()
        self.programs.drop(program)
        self.latest = None
        if self.plain is not None:
            return self.give_up(str(error), attempt)
        raise error

    def give_up(self, reason: str, attempt: Any) -> Any:
        """From now on, run the function as it is."""
        self.is_plain, self.latest, self.programs = True, None, Programs()
        answer = attempt.plain_answer()
        warnings.warn(f"fit goes on without jit, so more slowly: {reason}", stacklevel=5)
        return answer

    def warn(self, args: Any, kwargs: Any) -> None:
        """Say what makes it trace again, when that happens often."""
        changed = self.programs.changed(args, kwargs)
        self.changes += bool(changed)
        if changed and self.changes == 10:
            warnings.warn(
                f"jit has compiled this function {self.changes} times, each time because of a "
                f"change of {', '.join(changed)}, which it can reach. That is slow: keep what "
                "changes often out of its reach, or pass it as an argument.",
                stacklevel=4,
            )
        elif self.compiled == 20 and self.plain is None:
            warnings.warn(
                f"jit has compiled this function {self.compiled} times, for arguments of other "
                "shapes, types or static values each time. That is slow: pad what varies to one "
                "length, or to a few, and pass objects that stay the same.",
                stacklevel=4,
            )

    # --- as an object ------------------------------------------------------------------------

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: `jit` may decorate one."""
        return self if instance is None else Bound(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name == "native_source" and self.target.name == "native":
            name = "program_source"  # the loops of a step, without the update
        elif name not in ("source", "stats", "boxes", "ir"):
            raise AttributeError(f"a jitted function has no attribute {name!r}")
        if self.latest is None:
            raise ValueError("there is no program yet: call the jitted function once.")
        found = getattr(self.latest, name)
        counts = {"programs": len(self.programs), "audits": self.audits}
        return found | counts if name == "stats" else found

    def __reduce__(self) -> Any:
        """Copies and pickles are of the function: a copy compiles anew."""
        return Jitted, (self.fn, self._optimizer, self.compile, self.target, self.clip, self.plain)


HOPELESS = 24  # programs of which hardly any is used again: `fit` gives up


class Bound:
    """A jitted method of one object."""

    def __init__(self, jitted: Jitted, instance: Any) -> None:
        functools.update_wrapper(self, jitted.fn)
        self.jitted, self.instance = jitted, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.jitted(self.instance, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.jitted, name)


class Programs:
    """The programs of a function; those that were not used for the longest time go first."""

    def __init__(self) -> None:
        self.buckets: dict[Any, list[Compiled]] = {}  # by how many arguments, and their lengths
        self.order: OrderedDict[Compiled, Any] = OrderedDict()

    def reused(self) -> int:
        """How many calls needed no new program."""
        return sum(program.calls - 1 for program in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def find(self, args: Any, kwargs: Any) -> Any:
        """(program, its inputs), or (None, None)."""
        for program in self.buckets.get(_key(args, kwargs), ()):
            inputs = program.bind(args, kwargs)
            if inputs is not None:
                self.order.move_to_end(program)
                return program, inputs
        return None, None

    def add(self, program: Compiled, args: Any, kwargs: Any) -> None:
        key = _key(args, kwargs)
        self.buckets.setdefault(key, []).insert(0, program)
        self.order[program] = key
        while len(self.order) > KEPT:
            self.drop(next(iter(self.order)))
        program.release(self.forgetting(program))

    def forgetting(self, program: Compiled) -> Callable[[Any], None]:
        """What a weak reference to a model calls when the model has gone."""
        programs, gone = weakref.ref(self), weakref.ref(program)

        def forget(_: Any) -> None:
            ours, program = programs(), gone()
            if ours is not None and program is not None:
                ours.drop(program)

        return forget

    def drop(self, program: Compiled) -> None:
        key = self.order.pop(program, None)
        if key is not None:
            self.buckets[key].remove(program)
            if not self.buckets[key]:
                del self.buckets[key]

    def changed(self, args: Any, kwargs: Any) -> list[str]:
        """What has changed since the last program for such arguments was made."""
        known = self.buckets.get(_key(args, kwargs), ())
        return known[0].watch.changed() if known and not known[0].watch.holds() else []


def _key(args: Any, kwargs: Any) -> tuple[Any, ...]:
    sizes = [len(x) if type(x) in (list, tuple, dict) else None for x in args]
    shapes = [getattr(x, "shape", None) for x in args]
    return (*sizes, *map(str, shapes), *kwargs)
