"""C by hand: the floor.

The files of benchmarks/c are compiled for this machine when asked for, with sizes as constants,
and with -ffast-math, so that sums and exp are vectors as they are in NumPy.
"""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scalar import Step

SOURCES = Path(__file__).parent / "c"
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
FILES = {
    "moons": "moons.c",
    "mlp-24": "moons.c",
    "mlp-192": "moons.c",
    "digits": "digits.c",
    "digits-128": "digits.c",
    "rnn": "rnn.c",
    "rnn-100": "rnn.c",
    "lotka-volterra": "lotka_volterra.c",
}


def build(workload: str, numbers: Any) -> Step:
    """Raises RuntimeError where there is no C compiler."""
    params = [np.array(x, float) for x in matrices(numbers["params"])]
    data = [np.array(x, float) for x in numbers["data"].values()]
    step = compiled(FILES[workload], sizes(data))
    step.restype, step.argtypes = ctypes.c_double, [ctypes.c_void_p] * 2 + [ctypes.c_double]
    pointers = [pointers_to(params), pointers_to(data)]
    lr = ctypes.c_double(numbers["lr"])

    def call() -> float:
        assert params and data  # the memory that C works on stays alive
        return float(step(*pointers, lr))

    return call


def matrices(x: Any) -> list[Any]:
    """The arrays in a nesting of dicts and of lists of dicts, in order."""
    if isinstance(x, dict):
        return [array for item in x.values() for array in matrices(item)]
    if isinstance(x[0], dict):
        return [array for item in x for array in matrices(item)]
    return [x]


def sizes(data: list[Any]) -> dict[str, int]:
    """N examples of T steps, H hidden units (used by the moons alone)."""
    shape = data[0].shape
    return {"N": shape[0], "T": shape[1], "H": 16}


def compiled(file: str, sizes: dict[str, int]) -> Any:
    """The function `step` of a file of C."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("there is no C compiler here (cc, gcc or clang)")
    constants = [f"-D{name}={size}" for name, size in sizes.items()]
    with tempfile.TemporaryDirectory() as folder:
        code, library = str(Path(folder) / "step.o"), str(Path(folder) / "step.so")
        subprocess.run(
            [compiler, *FLAGS, *constants, "-c", str(SOURCES / file), "-o", code], check=True
        )
        # Not linked with -ffast-math: that library, once loaded, would take the smallest floats
        # from the whole process.
        subprocess.run([compiler, "-shared", code, "-lm", "-o", library], check=True)
        return ctypes.CDLL(library).step


def pointers_to(arrays: list[Any]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
