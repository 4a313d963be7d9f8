"""LLVM: the types, an instruction writer with loops, and machine code in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir

VOID, BOOL, INT32, INT = ir.VoidType(), ir.IntType(1), ir.IntType(32), ir.IntType(64)
DOUBLE = ir.DoubleType()
FUSED = ("contract",)  # a product and a sum may be one instruction, which rounds once
REORDER = ("reassoc", "nsz")  # a sum may be added up in another order, so that it can be in lanes


@dataclass(frozen=True)
class Precision:
    """The floats of a program. lanes: how many are in a vector of 32 bytes (AVX2); LLVM splits or
    joins such vectors for other processors."""

    real: Any
    lanes: int

    @property
    def vector(self) -> Any:
        return ir.VectorType(self.real, self.lanes)

    @property
    def zeros(self) -> Any:
        return ir.Constant(self.vector, [0.0] * self.lanes)

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return 32 // self.lanes


PRECISIONS = {"float64": Precision(DOUBLE, 4), "float32": Precision(ir.FloatType(), 8)}


def new_module() -> Any:
    module = ir.Module()
    module.triple = binding.get_process_triple()
    return module


def machine_code(text: str) -> Any:
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


class Code:
    """Where the next instruction goes, and loops around it."""

    def __init__(self, function: ir.Function) -> None:
        self.function = function
        self.builder = ir.IRBuilder(function.append_basic_block())

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
