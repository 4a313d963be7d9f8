"""Products of matrices that are too small for BLAS to be worth its call."""

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from autograd.compiler.targets.native.machine import (
    BOOL,
    FUSED,
    INT,
    INT32,
    VOID,
    Code,
    Precision,
    machine_code,
    new_module,
)

TILE_ROWS, TILE_VECTORS = 4, 2  # 8 sums of a vector each, in registers: AVX2 has 16 of them


def product_type(precision: Precision) -> Any:
    array = precision.real.as_pointer()
    matrices = [array, INT, array, INT, INT, array, INT]
    return ir.FunctionType(VOID, [*matrices, INT, INT, INT, BOOL])


@cache
def product_address(precision: Precision) -> int:
    """Machine code of product(out, out_rows, a, a_rows, a_columns, b, b_rows, rows, columns,
    depth, adds), made once in a process: out = a @ b or, if `adds`, out += a @ b, for matrices
    with these strides (out and b have their columns side by side, and b's last row may be read up
    to a whole vector).

    A tile of the result, 4 rows of 2 vectors, stays in registers while `depth` runs: each number
    of `a` that is loaded is used for 2 vectors, each vector of `b` for 4 rows. What is left at the
    right and below gets smaller tiles. (Goto and van de Geijn, Anatomy of High-Performance Matrix
    Multiplication, 2008; without their blocks for the cache, since large products go to BLAS.)
    """
    module = new_module()
    function = ir.Function(module, product_type(precision), name="product")
    for i in (0, 2, 5):
        function.args[i].add_attribute("noalias")
    _Product(function, precision)
    engine = machine_code(str(module))
    _engines.append(engine)
    return int(engine.get_function_address("product"))


_engines: list[Any] = []  # those of `product_address`: the code lives as long as they do


class _Product:
    def __init__(self, function: ir.Function, precision: Precision) -> None:
        self.code = Code(function)
        self.real, self.vector, self.zeros = precision.real, precision.vector, precision.zeros
        self.lanes, self.align = precision.lanes, precision.size
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
        any_left = builder.icmp_signed(">", stop, start)
        with builder.if_then(any_left), self.code.loop(stop, start, size) as i:
            body(i)
        return stop

    def row_of_tiles(self, rows: int) -> Callable[[Any], None]:
        """Tiles side by side: whole ones (but below, where little is left), then narrow ones."""

        def tiles(i: Any) -> None:
            j = INT(0)
            if rows == TILE_ROWS:
                width = TILE_VECTORS * self.lanes
                j = self.blocks(self.columns, width, j, lambda j: self.tile(i, j, rows))
            any_left = self.builder.icmp_signed("<", j, self.columns)
            narrow = self.code.loop(self.columns, j, self.lanes)
            with self.builder.if_then(any_left), narrow as j:
                self.narrow_tile(i, j, rows)

        return tiles

    def tile(self, i: Any, j: Any, rows: int) -> None:
        """out[i : i + rows, j : j + width], where as much is there."""
        for r, totals in enumerate(self.sums(i, j, rows, TILE_VECTORS)):
            start = self.builder.mul(self.builder.add(i, INT(r)), self.out_rows)
            for v, total in enumerate(totals):
                place = self.as_vectors(self.out, start, self.builder.add(j, INT(v * self.lanes)))
                self.put(place, self.builder.load(total), self.zeros)

    def narrow_tile(self, i: Any, j: Any, rows: int) -> None:
        """A vector wide, or as many columns as there are."""
        builder, width = self.builder, INT(self.lanes)
        left = builder.sub(self.columns, j)
        count = builder.select(builder.icmp_signed("<", left, width), left, width)
        for r, [total] in enumerate(self.sums(i, j, rows, 1)):
            numbers = builder.bitcast(total, self.real.as_pointer())
            start = builder.mul(builder.add(i, INT(r)), self.out_rows)
            with self.code.loop(count) as lane:
                number = builder.load(self.code.at(numbers, lane))
                self.put(self.code.at(self.out, start, j, lane), number, self.real(0.0))

    def sums(self, i: Any, j: Any, rows: int, vectors: int) -> list[list[Any]]:
        """Variables that hold a tile of a @ b: `rows` rows of `vectors` vectors."""
        builder, zero = self.builder, self.zeros
        sums = [[self.code.variable(zero) for _ in range(vectors)] for _ in range(rows)]
        with self.code.loop(self.depth) as k:
            row = builder.mul(k, self.b_rows)
            columns = [builder.add(j, INT(v * self.lanes)) for v in range(vectors)]
            right = [
                builder.load(self.as_vectors(self.b, row, c), align=self.align) for c in columns
            ]
            for r, totals in enumerate(sums):
                left = self.repeated(self.left(builder.add(i, INT(r)), k))
                for total, x in zip(totals, right):
                    product = builder.fmul(left, x, flags=FUSED)
                    builder.store(builder.fadd(builder.load(total), product, flags=FUSED), total)
        return sums

    def put(self, place: Any, total: Any, zero: Any) -> None:
        earlier = self.builder.select(self.adds, self.builder.load(place, align=self.align), zero)
        self.builder.store(self.builder.fadd(earlier, total), place, align=self.align)

    def left(self, i: Any, k: Any) -> Any:
        row, column = self.builder.mul(i, self.a_rows), self.builder.mul(k, self.a_columns)
        return self.builder.load(self.code.at(self.a, row, column))

    def repeated(self, x: Any) -> Any:
        """A vector of one number."""
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), x, INT32(0))
        mask = ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, one, mask)

    def as_vectors(self, pointer: Any, *offsets: Any) -> Any:
        return self.builder.bitcast(self.code.at(pointer, *offsets), self.vector.as_pointer())
