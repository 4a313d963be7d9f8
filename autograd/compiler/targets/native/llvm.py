"""From loops to machine code in memory: `Kernel` -> LLVM -> a function to call.

Counts, strides and offsets are constants in the code, and every buffer is known to overlap no
other, so LLVM puts the inner loops into vectors by itself. What it would not find is written out:
`exp` and its kin (vectormath.py), and products of matrices (`_Products`).
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

from llvmlite import binding, ir

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
    Total,
)
from autograd.compiler.targets.native.vectormath import DOUBLE, INT, VectorMath

VOID, BOOL = ir.VoidType(), ir.IntType(1)
LANES = 4  # doubles in a vector of AVX2; other processors split or join such vectors
VECTOR = ir.VectorType(DOUBLE, LANES)
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
FUSED = ("contract",)  # a product and a sum may be one instruction, which rounds once
REORDER = ("reassoc", "nsz")  # a sum may be added up in another order, so that it can be in lanes


def compiled(kernel: Kernel) -> Callable[[Sequence[int]], Callable[[], None]]:
    """Machine code for the kernel: a function that takes the addresses of its buffers, in their
    order, and gives a function without arguments that runs the kernel on them."""
    engine = _machine_code(str(_Writer(kernel).module))
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address(kernel.name))

    def bound(addresses: Sequence[int]) -> Callable[[], None]:
        table = (ctypes.c_void_p * len(addresses))(*addresses)
        run: Any = partial(entry, ctypes.addressof(table))
        _alive[run] = (engine, table)  # the code and the table live as long as `run`
        return run

    return bound


_alive: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def _machine_code(text: str) -> Any:
    """An engine that holds the machine code of a module, for this very processor."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = binding.parse_assembly(text)
    target = binding.Target.from_default_triple()
    features = binding.get_host_cpu_features().flatten()
    machine = target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=3
    )
    options = binding.PipelineTuningOptions()
    options.speed_level = 3
    options.loop_vectorization = options.slp_vectorization = True
    options.loop_unrolling = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


class _Code:
    """Where the next instruction goes, and loops around it."""

    def __init__(self, function: ir.Function) -> None:
        self.function = function
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.math = VectorMath(self.builder)

    @contextmanager
    def loop(self, count: Any, start: Any = None, step: int = 1) -> Iterator[Any]:
        """for i in range(start, count, step), known to run at least once."""
        builder, before = self.builder, self.builder.block
        body = self.function.append_basic_block()
        builder.branch(body)
        builder.position_at_end(body)
        i = builder.phi(INT)
        i.add_incoming(INT(0) if start is None else start, before)
        yield i
        following = builder.add(i, INT(step), flags=("nuw", "nsw"))
        i.add_incoming(following, builder.block)
        after = self.function.append_basic_block()
        builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        builder.position_at_end(after)

    def variable(self, start: Any) -> Any:
        """Room for a number that changes. LLVM keeps it in a register."""
        with self.builder.goto_entry_block():
            room = self.builder.alloca(start.type)
        self.builder.store(start, room)
        return room

    def at(self, pointer: Any, *offsets: Any) -> Any:
        total = offsets[0]
        for offset in offsets[1:]:
            total = self.builder.add(total, offset)
        return self.builder.gep(pointer, [total], inbounds=True)


class _Writer:
    """A module with the kernel in it: `kernel.name` takes a table of pointers."""

    def __init__(self, kernel: Kernel) -> None:
        self.module = ir.Module()
        self.module.triple = binding.get_process_triple()
        types = [(INT if b.kind == "int" else DOUBLE).as_pointer() for b in kernel.buffers]
        kind = ir.FunctionType(VOID, types)
        function = ir.Function(self.module, kind, name=f"{kernel.name}_loops")
        for argument in function.args:
            argument.add_attribute("noalias")
        self.code = _Code(function)
        self.builder, self.math = self.code.builder, self.code.math
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
        outside = _Code(ir.Function(self.module, table, name=name))
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
            later = getattr(self.math, grow.op)(earlier, value)
        self.builder.store(later, room)

    def write_store(self, store: Store) -> None:
        self.builder.store(self.value(store.value), self.place(store.buffer, store.index))

    def write_increase(self, increase: Increase) -> None:
        value, place = self.value(increase.value), self.place(increase.buffer, increase.index)
        self.builder.store(self.builder.fadd(self.builder.load(place), value), place)

    def write_product(self, product: Product) -> None:
        out, a, b = product.out, product.a, product.b
        numbers = (out.row_stride, a.row_stride, a.stride, b.row_stride)
        out_rows, a_rows, a_columns, b_rows = map(INT, numbers)
        function = self.builder.inttoptr(INT(product_address()), PRODUCT.as_pointer())
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
            return self.math.number(e.value)
        if isinstance(e, Local):
            room = self.totals.get(e.name)
            return self.locals[e.name] if room is None else self.builder.load(room)
        if isinstance(e, Load):
            found = self.builder.load(self.place(e.buffer, e.index))
            return self.builder.sitofp(found, DOUBLE) if e.buffer.kind == "int" else found
        args = [self.value(arg) for arg in e.args]
        if e.op in COMPARISONS:
            return self.comparison(e.op, *args)
        return getattr(self.math, FUNCTIONS[e.op])(*args)

    def comparison(self, sign: str, a: Any, b: Any) -> Any:
        """1.0 or 0.0. NaN differs from everything, and is neither larger nor smaller."""
        compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return self.builder.uitofp(compare(sign, a, b), DOUBLE)


FUNCTIONS = {  # the table's ops by symbol: the method of VectorMath that computes each
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "**": "pow",
    **{name: name for name in ("neg", "abs", "exp", "log", "sqrt", "sin", "cos", "tanh")},
    **{name: name for name in ("sigmoid", "relu", "leaky_relu", "softplus", "gelu")},
    **{name: name for name in ("maximum", "minimum")},
}


# --- products of matrices ---

TILE_ROWS, TILE_VECTORS = 4, 2  # 8 sums of a vector each, in registers: AVX2 has 16 of them


_POINTER = DOUBLE.as_pointer()
PRODUCT = ir.FunctionType(
    VOID, [_POINTER, INT, _POINTER, INT, INT, _POINTER, INT, INT, INT, INT, BOOL]
)


@cache
def product_address() -> int:
    """Machine code of product(out, out_rows, a, a_rows, a_columns, b, b_rows, rows, columns,
    depth, adds), made once in a process:
    out = a @ b or, if `adds`, out += a @ b, for matrices with these strides (out and b have their
    columns side by side, and b's last row may be read up to a whole vector).

    Tiles of 4 x 8 sums stay in registers while `depth` runs: each number of `a` that is loaded is
    used 8 times, each vector of `b` 4 times. What is left at the right and below gets smaller
    tiles (Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008; without
    their blocks for the cache, since large products go to BLAS).
    """
    module = ir.Module()
    module.triple = binding.get_process_triple()
    function = ir.Function(module, PRODUCT, name="product")
    for i in (0, 2, 5):
        function.args[i].add_attribute("noalias")
    _Product(function)
    engine = _machine_code(str(module))
    _engines.append(engine)
    return int(engine.get_function_address("product"))


_engines: list[Any] = []  # those of `product_address`: the code lives as long as they do


class _Product:
    def __init__(self, function: ir.Function) -> None:
        self.code = _Code(function)
        self.builder = self.code.builder
        self.out, self.out_rows, self.a, self.a_rows, self.a_columns = function.args[:5]
        self.b, self.b_rows, self.rows, self.columns, self.depth, self.adds = function.args[5:]
        whole = self.blocks(self.rows, TILE_ROWS, INT(0), self.row_of_tiles(TILE_ROWS))
        self.blocks(self.rows, 1, whole, self.row_of_tiles(1))
        self.builder.ret_void()

    def blocks(self, end: Any, size: int, start: Any, body: Callable[[Any], None]) -> Any:
        """body(i) for i = start, start + size, ... while a whole block fits. Returns the end."""
        builder = self.builder
        count = builder.sdiv(builder.sub(end, start), INT(size))
        stop = builder.add(start, builder.mul(count, INT(size)))
        with builder.if_then(builder.icmp_signed(">", stop, start)):
            with self.code.loop(stop, start, size) as i:
                body(i)
        return stop

    def row_of_tiles(self, rows: int) -> Callable[[Any], None]:
        """Tiles side by side: whole ones (but below, where little is left), then narrow ones."""

        def tiles(i: Any) -> None:
            j = INT(0)
            if rows == TILE_ROWS:
                width = TILE_VECTORS * LANES
                j = self.blocks(self.columns, width, j, lambda j: self.tile(i, j, rows))
            with self.builder.if_then(self.builder.icmp_signed("<", j, self.columns)):
                with self.code.loop(self.columns, j, LANES) as j:
                    self.narrow_tile(i, j, rows)

        return tiles

    def tile(self, i: Any, j: Any, rows: int) -> None:
        """out[i : i + rows, j : j + 8]."""
        for r, totals in enumerate(self.sums(i, j, rows, TILE_VECTORS)):
            start = self.builder.mul(self.builder.add(i, INT(r)), self.out_rows)
            for v, total in enumerate(totals):
                place = self.as_vectors(self.out, start, self.builder.add(j, INT(v * LANES)))
                self.put(place, self.builder.load(total), ir.Constant(VECTOR, [0.0] * LANES))

    def narrow_tile(self, i: Any, j: Any, rows: int) -> None:
        """out[i : i + rows, j : j + 4], or as many columns as there are."""
        builder = self.builder
        left = builder.sub(self.columns, j)
        count = builder.select(builder.icmp_signed("<", left, INT(LANES)), left, INT(LANES))
        for r, [total] in enumerate(self.sums(i, j, rows, 1)):
            numbers = builder.bitcast(total, DOUBLE.as_pointer())
            start = builder.mul(builder.add(i, INT(r)), self.out_rows)
            with self.code.loop(count) as lane:
                number = builder.load(self.code.at(numbers, lane))
                self.put(self.code.at(self.out, start, j, lane), number, DOUBLE(0.0))

    def sums(self, i: Any, j: Any, rows: int, vectors: int) -> list[list[Any]]:
        """Variables that hold a tile of a @ b: `rows` rows of `vectors` vectors."""
        builder, zero = self.builder, ir.Constant(VECTOR, [0.0] * LANES)
        sums = [[self.code.variable(zero) for _ in range(vectors)] for _ in range(rows)]
        with self.code.loop(self.depth) as k:
            row = builder.mul(k, self.b_rows)
            columns = [builder.add(j, INT(v * LANES)) for v in range(vectors)]
            right = [builder.load(self.as_vectors(self.b, row, c), align=8) for c in columns]
            for r, totals in enumerate(sums):
                left = self.repeated(self.left(builder.add(i, INT(r)), k))
                for total, x in zip(totals, right):
                    product = builder.fmul(left, x, flags=FUSED)
                    builder.store(builder.fadd(builder.load(total), product, flags=FUSED), total)
        return sums

    def put(self, place: Any, total: Any, zero: Any) -> None:
        earlier = self.builder.select(self.adds, self.builder.load(place, align=8), zero)
        self.builder.store(self.builder.fadd(earlier, total), place, align=8)

    def left(self, i: Any, k: Any) -> Any:
        row, column = self.builder.mul(i, self.a_rows), self.builder.mul(k, self.a_columns)
        return self.builder.load(self.code.at(self.a, row, column))

    def repeated(self, x: Any) -> Any:
        """A vector of one number."""
        one = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), x, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, one, mask)

    def as_vectors(self, pointer: Any, *offsets: Any) -> Any:
        return self.builder.bitcast(self.code.at(pointer, *offsets), VECTOR.as_pointer())
