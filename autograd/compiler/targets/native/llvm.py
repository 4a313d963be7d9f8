"""From loops to machine code in memory: `Kernel` -> LLVM -> a function to call.

Counts, strides and offsets are constants in the code, and every buffer is known to overlap no
other, so LLVM puts the inner loops into vectors by itself. What it would not find is written out:
`exp` and its kin (vectormath.py), and products of matrices (`_Products`).
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from llvmlite import ir

from autograd.compiler.operations import BESIDES, COMPARISONS, DETACH, SELECT
from autograd.compiler.targets.native.loops import (
    Buffer,
    Expression,
    Grow,
    Increase,
    Index,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Number,
    Product,
    Statement,
    Store,
    StoreInteger,
    Total,
)
from autograd.compiler.targets.native.machine import (
    BOOL,
    DOUBLE,
    INT,
    PRECISIONS,
    REORDER,
    VOID,
    Code,
    machine_code,
    new_module,
)
from autograd.compiler.targets.native.product import product_address, product_type
from autograd.compiler.targets.native.vectormath import VectorMath


def compiled(
    kernel: Kernel, dtype: str = "float64"
) -> Callable[[Sequence[int]], Callable[[], None]]:
    """Machine code for the kernel: a function that takes the addresses of its buffers, in their
    order, and gives a function without arguments that runs the kernel on them."""
    engine = machine_code(str(_Writer(kernel, dtype).module))
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address(kernel.name))

    def bound(addresses: Sequence[int]) -> Callable[[], None]:
        table = (ctypes.c_void_p * len(addresses))(*addresses)
        run: Callable[[], None] = partial(entry, ctypes.addressof(table))
        _alive[run] = (engine, table)  # the code and the table live as long as `run`
        return run

    return bound


_alive: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


class _Writer:
    """A module with the kernel in it: `kernel.name` takes a table of pointers."""

    def __init__(self, kernel: Kernel, dtype: str) -> None:
        self.module, self.precision = new_module(), PRECISIONS[dtype]
        self.real = self.precision.real
        types = [(INT if b.kind == "int" else self.real).as_pointer() for b in kernel.buffers]
        kind = ir.FunctionType(VOID, types)
        function = ir.Function(self.module, kind, name=f"{kernel.name}_loops")
        for argument in function.args:
            argument.add_attribute("noalias")
        self.code = Code(function)
        self.builder = self.code.builder
        self.math = VectorMath(self.builder)
        self.pointers: dict[Buffer, Any] = dict(zip(kernel.buffers, function.args))
        self.counters: dict[str, Any] = {}
        self.locals: dict[str, Any] = {}
        self.totals: dict[str, Any] = {}
        self.write(kernel.body)
        self.builder.ret_void()
        self.entry(kernel.name, function, types)

    def entry(self, name: str, function: ir.Function, types: list[Any]) -> None:
        """The function that is called from outside: it unpacks the table."""
        table = ir.FunctionType(VOID, [INT.as_pointer()])
        outside = Code(ir.Function(self.module, table, name=name))
        builder, pointers = outside.builder, outside.function.args[0]
        loaded = [builder.load(builder.gep(pointers, [INT(i)])) for i in range(len(types))]
        given = [builder.inttoptr(number, kind) for number, kind in zip(loaded, types)]
        builder.call(function, given)
        builder.ret_void()

    def write(self, body: Sequence[Statement]) -> None:
        for statement in body:
            getattr(self, f"write_{type(statement).__name__.lower()}")(statement)

    def write_loop(self, loop: Loop) -> None:
        with self.code.loop(INT(loop.count)) as counter:
            self.counters[loop.counter] = counter
            self.write(loop.body)

    def write_let(self, let: Let) -> None:
        self.locals[let.name] = self.value(let.value)

    def write_total(self, total: Total) -> None:
        self.totals[total.name] = self.code.variable(self.value(total.start))

    def write_grow(self, grow: Grow) -> None:
        room = self.totals[grow.name]
        earlier, value = self.builder.load(room), self.value(grow.value)
        if grow.op == "+":
            later = self.builder.fadd(earlier, value, flags=REORDER)
        else:
            later = self.applied(grow.op, [earlier, value])
        self.builder.store(later, room)

    def write_store(self, store: Store) -> None:
        self.builder.store(self.value(store.value), self.place(store.buffer, store.index))

    def write_storeinteger(self, store: StoreInteger) -> None:
        self.builder.store(self.offset(store.value), self.place(store.buffer, store.index))

    def write_increase(self, increase: Increase) -> None:
        value, place = self.value(increase.value), self.place(increase.buffer, increase.index)
        self.builder.store(self.builder.fadd(self.builder.load(place), value), place)

    def write_product(self, product: Product) -> None:
        out, a, b = product.out, product.a, product.b
        numbers = (out.row_stride, a.row_stride, a.stride, b.row_stride)
        out_rows, a_rows, a_columns, b_rows = map(INT, numbers)
        address = INT(product_address(self.precision))
        function = self.builder.inttoptr(address, product_type(self.precision).as_pointer())
        places = [self.place(m.buffer, m.start) for m in (out, a, b)]
        strides = [(out_rows,), (a_rows, a_columns), (b_rows,)]
        matrices = [x for place, own in zip(places, strides) for x in (place, *own)]
        sizes = map(INT, (out.rows, out.columns, a.columns))
        self.builder.call(function, [*matrices, *sizes, BOOL(product.adds)])

    def place(self, buffer: Buffer, index: Index) -> Any:
        return self.code.at(self.pointers[buffer], self.offset(index))

    def offset(self, index: Index) -> Any:
        total: Any = INT(index.start)
        for counter, stride in index.counters:
            total = self.builder.add(total, self.times(self.counters[counter], stride))
        for load, stride in index.looked_up:
            number = self.builder.load(self.place(load.buffer, load.index))
            total = self.builder.add(total, self.times(number, stride))
        return total

    def times(self, number: Any, stride: int) -> Any:
        return number if stride == 1 else self.builder.mul(number, INT(stride))

    def value(self, e: Expression) -> Any:
        if isinstance(e, Number):
            return self.real(e.value)
        if isinstance(e, Local):
            room = self.totals.get(e.name)
            return self.locals[e.name] if room is None else self.builder.load(room)
        if isinstance(e, Load):
            found = self.builder.load(self.place(e.buffer, e.index))
            return self.builder.sitofp(found, self.real) if e.buffer.kind == "int" else found
        return self.applied(e.op, [self.value(arg) for arg in e.args])

    def applied(self, op: str, args: Sequence[Any]) -> Any:
        if op in COMPARISONS:
            return self.comparison(op, *args)
        if op in BESIDES:
            return args[0] if op == DETACH else self.selected(*args)
        function = getattr(self.math, FUNCTIONS[op])
        if self.real is DOUBLE or op in ARITHMETIC:
            return function(*args)
        wide = [self.builder.fpext(arg, DOUBLE) for arg in args]  # one set of polynomials for both
        return self.builder.fptrunc(function(*wide), self.real)

    def selected(self, condition: Any, a: Any, b: Any) -> Any:
        """a where the condition is not 0, NaN among them."""
        is_so = self.builder.fcmp_unordered("!=", condition, self.real(0.0))
        return self.builder.select(is_so, a, b)

    def comparison(self, sign: str, a: Any, b: Any) -> Any:
        """1.0 or 0.0. NaN differs from everything, and is neither larger nor smaller."""
        compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return self.builder.uitofp(compare(sign, a, b), self.real)


ARITHMETIC = ("+", "-", "*", "/", "neg")
FUNCTIONS = {  # the table's ops by symbol: the method of VectorMath that computes each
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "**": "pow",
    DETACH: "same",
    SELECT: "select",
    **{name: name for name in ("neg", "abs", "exp", "log", "sqrt", "sin", "cos", "tanh")},
    **{name: name for name in ("sigmoid", "relu", "leaky_relu", "softplus", "gelu")},
    **{name: name for name in ("maximum", "minimum")},
}
KNOWN = frozenset({*FUNCTIONS, *COMPARISONS, *BESIDES})  # what `Apply` may hold
