"""The ladder: the tasks in the order of teaching, `TASKS` by name."""

from importlib import import_module

from autograd.exercises.task import Task

_MODULES = (
    "t01_slope",
    "t02_value",
    "t03_operators",
    "t04_functions",
    "t05_one_op",
    "t06_order",
    "t07_backward",
    "t08_zeroing",
    "t09_gradcheck",
    "t10_neuron",
    "t11_mlp",
    "t12_losses",
    "t13_sgd",
    "t14_adam",
    "t15_training",
    "t16_dropout",
    "t17_attention",
)
TASKS: dict[str, Task] = {}
for _name in _MODULES:
    _task: Task = import_module(f"{__name__}.{_name}").TASK
    TASKS[_task.name] = _task
