"""exp, log, tanh and their kin as straight lines of arithmetic, which LLVM puts into vectors.

A library's `exp` is a call for each number: LLVM can't look into it, so a loop with a call in it
runs one number at a time. Here there are no calls, branches or tables. The plan is the classic one
(Muller, Elementary Functions, ch. 11): reduce the argument to a small interval, take a polynomial
there, and put the result together by the bits of the exponent.

Error bounds, in units in the last place, are stated with each function and tested over its range.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from autograd.compiler.targets.native.machine import DOUBLE, INT

ROUNDER = 1.5 * 2.0**52  # x + ROUNDER - ROUNDER is x rounded to an integer, for |x| < 2**51
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56")
SMALLEST_NORMAL = 2.0**-1022
SIGN_BIT, EXPONENT_BIAS, MANTISSA_BITS = -(2**63), 1023, 52
ONE_BITS = EXPONENT_BIAS << MANTISSA_BITS  # the bits of 1.0
MANTISSA = (1 << MANTISSA_BITS) - 1

Value = Any  # an ir.Value: llvmlite has no annotations


class VectorMath:
    """The functions, written with `builder` wherever it stands."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder

    # --- words for small things ---

    def number(self, x: float) -> Value:
        return ir.Constant(DOUBLE, x)

    def integer(self, n: int) -> Value:
        return ir.Constant(INT, n)

    def bits(self, x: Value) -> Value:
        return self.builder.bitcast(x, INT)

    def from_bits(self, n: Value) -> Value:
        return self.builder.bitcast(n, DOUBLE)

    def where(self, sign: str, a: Value, b: Value, then: Value, otherwise: Value) -> Value:
        """then if a <sign> b else otherwise (which it is at NaN, too)."""
        return self.builder.select(self.builder.fcmp_ordered(sign, a, b), then, otherwise)

    def add(self, a: Value, b: Value) -> Value:
        return self.builder.fadd(a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self.builder.fsub(a, b)

    def mul(self, a: Value, b: Value) -> Value:
        return self.builder.fmul(a, b)

    def div(self, a: Value, b: Value) -> Value:
        return self.builder.fdiv(a, b)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once."""
        return self.builder.fma(a, b, c)

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """coefficients[0] + coefficients[1] * x + ..., by Horner's rule."""
        total = self.number(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = self.fma(total, x, self.number(c))
        return total

    def at_most(self, x: Value, top: float) -> Value:
        return self.where(">", x, self.number(top), self.number(top), x)

    def at_least(self, x: Value, bottom: float) -> Value:
        return self.where("<", x, self.number(bottom), self.number(bottom), x)

    # --- exp and what is made of it ---

    def reduced(self, x: Value) -> tuple[Value, Value]:
        """(r, k): x = k * log(2) + r with an integer k and |r| <= log(2) / 2."""
        rounder = self.number(ROUNDER)
        shifted = self.fma(x, self.number(1.0 / math.log(2.0)), rounder)
        k = self.sub(shifted, rounder)
        r = self.fma(k, self.number(-LN2_HIGH), x)
        r = self.fma(k, self.number(-LN2_LOW), r)
        return r, self.builder.sub(self.bits(shifted), self.bits(rounder))

    def power_of_two(self, k: Value) -> Value:
        """2.0 ** k for an integer k from -1022 to 1023: the bits of the exponent alone."""
        biased = self.builder.add(k, self.integer(EXPONENT_BIAS))
        return self.from_bits(self.builder.shl(biased, self.integer(MANTISSA_BITS)))

    def exp(self, x: Value) -> Value:
        """e**x, to 1 ulp. exp(x) = 2**k * exp(r), and exp(r) is its Taylor series to r**13."""
        x = self.at_least(self.at_most(x, 710.0), -746.0)  # beyond: inf and 0, as there
        r, k = self.reduced(x)
        series = self.polynomial(r, [1.0 / math.factorial(n) for n in range(14)])
        # 2**k in two factors: k may be 1024 (infinity) or below -1022 (subnormal numbers).
        shifted = self.builder.lshr(self.builder.add(k, self.integer(2048)), self.integer(1))
        half = self.builder.sub(shifted, self.integer(1024))
        rest = self.builder.sub(k, half)
        return self.mul(self.mul(series, self.power_of_two(half)), self.power_of_two(rest))

    def expm1(self, x: Value) -> Value:
        """e**x - 1 for 0 <= x <= 700, to 2 ulp: 2**k * (exp(r) - 1) + (2**k - 1)."""
        r, k = self.reduced(x)
        tail = self.polynomial(r, [1.0 / math.factorial(n) for n in range(2, 14)])
        series = self.fma(self.mul(r, r), tail, r)
        scale = self.power_of_two(k)
        return self.fma(scale, series, self.sub(scale, self.number(1.0)))

    def tanh(self, x: Value) -> Value:
        """tanh(x), to 3 ulp: u / (u + 2) with u = expm1(2 |x|), and the sign of x."""
        sign = self.builder.and_(self.bits(x), self.integer(SIGN_BIT))
        size = self.from_bits(self.builder.xor(self.bits(x), sign))
        u = self.expm1(self.at_most(self.add(size, size), 40.0))  # 1.0 from there on
        result = self.div(u, self.add(u, self.number(2.0)))
        return self.from_bits(self.builder.or_(self.bits(result), sign))

    def sigmoid(self, x: Value) -> Value:
        """1 / (1 + exp(-x)), to 3 ulp where the result is a normal number."""
        one = self.number(1.0)
        return self.div(one, self.add(one, self.exp(self.builder.fneg(x))))

    # --- log and what is made of it ---

    def log(self, x: Value) -> Value:
        """log(x), to 2 ulp. x = 2**e * m with m from sqrt(1/2) to sqrt(2), f = m - 1, and with
        s = f / (2 + f): log(m) = 2 atanh(s) = f - (f**2 / 2 - s * (f**2 / 2 + R(s**2)))."""
        is_tiny = self.builder.fcmp_ordered("<", x, self.number(SMALLEST_NORMAL))
        scaled = self.builder.select(is_tiny, self.mul(x, self.number(2.0**54)), x)
        e, m = self.split(scaled)
        e = self.builder.select(is_tiny, self.sub(e, self.number(54.0)), e)
        f = self.sub(m, self.number(1.0))
        half_square = self.mul(self.number(0.5), self.mul(f, f))
        s = self.div(f, self.add(self.number(2.0), f))
        z = self.mul(s, s)
        rest = self.mul(z, self.polynomial(z, [2.0 / (2 * n + 3) for n in range(11)]))
        inner = self.mul(s, self.add(half_square, rest))
        inner = self.fma(e, self.number(LN2_LOW), inner)
        result = self.sub(f, self.sub(half_square, inner))
        result = self.fma(e, self.number(LN2_HIGH), result)
        return self.log_edges(x, result)

    def split(self, x: Value) -> tuple[Value, Value]:
        """(e, m): x = 2**e * m, sqrt(1/2) < m <= sqrt(2), for a normal x > 0."""
        bits = self.bits(x)
        mantissa = self.builder.or_(
            self.builder.and_(bits, self.integer(MANTISSA)), self.integer(ONE_BITS)
        )
        m = self.from_bits(mantissa)
        # An integer below 2**52 as a float: put it into the mantissa of 2**52, and take that away.
        biased = self.builder.lshr(bits, self.integer(MANTISSA_BITS))
        as_float = self.builder.or_(biased, self.bits(self.number(2.0**52)))
        e = self.sub(self.from_bits(as_float), self.number(2.0**52 + EXPONENT_BIAS))
        is_large = self.builder.fcmp_ordered(">", m, self.number(math.sqrt(2.0)))
        m = self.builder.select(is_large, self.mul(m, self.number(0.5)), m)
        e = self.builder.select(is_large, self.add(e, self.number(1.0)), e)
        return e, m

    def log_edges(self, x: Value, result: Value) -> Value:
        """log(0) is -inf, log(-1) NaN, log(inf) inf, log(NaN) NaN."""
        zero, infinity = self.number(0.0), self.number(math.inf)
        result = self.where("==", x, infinity, infinity, result)
        result = self.where("==", x, zero, self.number(-math.inf), result)
        positive_or_nan = self.builder.fcmp_unordered(">=", x, zero)
        result = self.builder.select(positive_or_nan, result, self.number(math.nan))
        return self.builder.select(self.builder.fcmp_unordered("uno", x, x), x, result)

    def log1p(self, u: Value) -> Value:
        """log(1 + u) for 0 <= u <= 1, to 3 ulp: log(w) + (u - (w - 1)) / w with w = 1 + u."""
        one = self.number(1.0)
        w = self.add(one, u)
        lost = self.sub(u, self.sub(w, one))
        return self.add(self.log(w), self.div(lost, w))

    def softplus(self, x: Value) -> Value:
        """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), to 4 ulp."""
        size = self.from_bits(self.builder.and_(self.bits(x), self.integer(~SIGN_BIT)))
        largest = self.where("<=", x, self.number(0.0), self.number(0.0), x)
        return self.add(largest, self.log1p(self.exp(self.builder.fneg(size))))

    # --- the rest of the table ---

    def abs(self, x: Value) -> Value:
        return self.from_bits(self.builder.and_(self.bits(x), self.integer(~SIGN_BIT)))

    def relu(self, x: Value) -> Value:
        return self.where("<=", x, self.number(0.0), self.number(0.0), x)  # NaN stays NaN

    def leaky_relu(self, x: Value) -> Value:
        return self.where(">", x, self.number(0.0), x, self.mul(self.number(0.01), x))

    def maximum(self, a: Value, b: Value) -> Value:
        return self.chosen(">=", a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        return self.chosen("<=", a, b)

    def chosen(self, sign: str, a: Value, b: Value) -> Value:
        """a if it is NaN or a <sign> b, else b."""
        first = self.builder.or_(
            self.builder.fcmp_ordered(sign, a, b), self.builder.fcmp_unordered("uno", a, a)
        )
        return self.builder.select(first, a, b)

    def gelu(self, x: Value) -> Value:
        """The tanh form, as in the table of ops."""
        cube = self.mul(self.mul(x, x), x)
        inner = self.mul(
            self.number(math.sqrt(2.0 / math.pi)), self.fma(self.number(0.044715), cube, x)
        )
        half = self.mul(self.number(0.5), x)
        return self.mul(half, self.add(self.number(1.0), self.tanh(inner)))

    def same(self, x: Value) -> Value:
        return x

    def select(self, c: Value, a: Value, b: Value) -> Value:
        """a where c is not 0 (NaN is not), else b."""
        return self.builder.select(self.builder.fcmp_unordered("!=", c, self.number(0.0)), a, b)

    def neg(self, x: Value) -> Value:
        return self.builder.fneg(x)

    def libm(self, name: str) -> Callable[..., Value]:
        """A call of the C library: exact in all corners, but one number at a time."""

        def call(*args: Value) -> Value:
            module = self.builder.module
            kind = ir.FunctionType(DOUBLE, [DOUBLE] * len(args))
            known = module.globals.get(name)
            return self.builder.call(known or ir.Function(module, kind, name=name), args)

        return call

    def sqrt(self, x: Value) -> Value:
        root = self.builder.module.declare_intrinsic("llvm.sqrt", [DOUBLE])
        return self.builder.call(root, [x])

    def sin(self, x: Value) -> Value:
        return self.libm("sin")(x)

    def cos(self, x: Value) -> Value:
        return self.libm("cos")(x)

    def pow(self, a: Value, b: Value) -> Value:
        return self.libm("pow")(a, b)
