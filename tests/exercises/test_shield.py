"""Whatever a student's code does, the checker answers, and the world is as it was."""

import builtins
import math
import random
import sys
import threading

import pytest

import autograd
from autograd.exercises import TASKS, check, progress, shield
from autograd.exercises.judge import judge
from autograd.exercises.task import load

DOOR = "def slope(f, x):\n    "
GOOD = "(f(x + 1e-5) - f(x - 1e-5)) / 2e-5"


def verdict_of(source):
    task = TASKS["slope"]
    return judge(task, load(source, task.targets))


def trouble_of(source):
    return verdict_of(source).answer.trouble


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            f(x)\n        except:\n            pass",
        "while 1:\n        try:\n            f(x)\n        except BaseException:\n            f(x)",
        "def g():\n        [*map(f, [x] * 9**7)]\n    while 1:\n        try:\n            g()\n"
        "        except:\n            pass",
        "import time\n    time.sleep(60)",
        "import time\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
    ],
)
def test_an_endless_loop_is_ended_and_named(body):
    streams, modules = (sys.stdout, sys.stderr, sys.stdin), dict(sys.modules)
    (slope,) = load(DOOR + body, ["slope"])
    _, trouble, _ = shield.run(lambda: slope(lambda x: x * x, 3.0), seconds=0.2)
    assert trouble.kind == shield.ENDLESS
    assert (sys.stdout, sys.stderr, sys.stdin) == streams
    assert {name: sys.modules[name] for name in modules} == modules
    assert sys.gettrace() is None or "cov" in repr(sys.gettrace())


def test_an_endless_loop_is_ended_in_another_thread_too():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(trouble_of(DOOR + "while 1:\n        pass"))
    )
    thread.start()
    thread.join(20)
    assert found[0].kind == shield.ENDLESS


def test_endless_recursion_is_named():
    verdict = verdict_of(DOOR + "return slope(f, x)")
    assert "RecursionError" in str(verdict)
    assert "in slope" in str(verdict)


@pytest.mark.parametrize("body", ["import sys\n    sys.exit(0)", "raise SystemExit", "exit()"])
def test_exit_does_not_end_the_checker(body):
    assert trouble_of(DOOR + body).kind == shield.EXIT


def test_the_doors_of_a_notebook_are_shut_while_a_solution_runs(monkeypatch):
    """There `input` asks the page, and `exit` asks the shell to end the kernel."""

    class Shell:
        left = False

        def ask_exit(self):
            self.left = True

    def asks_the_page(prompt=""):
        raise NotImplementedError("a notebook without a page")

    shell = Shell()
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr(builtins, "input", asks_the_page)
    assert trouble_of(DOOR + "return get_ipython().ask_exit()").kind == shield.EXIT
    assert "EOFError" in trouble_of(DOOR + "return input()").text
    assert builtins.input is asks_the_page
    assert not shell.left
    shell.ask_exit()
    assert shell.left


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def slope(f):\n    return 1", "takes 1 positional argument"),
        (DOOR + "return 1 / 0", "ZeroDivisionError"),
        (DOOR + "return g(x)", "NameError"),
        (DOOR + "return input()", "EOFError"),
        (DOOR + "return 'fast'", "got fast"),
        ("slope = 3", "must be a function or a class"),
    ],
)
def test_other_troubles_are_told(source, words):
    verdict = verdict_of(source)
    assert not verdict.passed
    assert words in str(verdict)


def test_printing_is_kept_back_and_shown_in_the_report(capsys):
    verdict = verdict_of(DOOR + "print('here', x)\n    return 0.5")
    assert capsys.readouterr().out == ""
    assert "here 2" in str(verdict)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("import math\n    math.fabs = lambda x: 0.0\n    return " + GOOD, "math.fabs"),
        ("import builtins\n    builtins.all = lambda x: True\n    return " + GOOD, "builtins.all"),
        (
            "import autograd\n    autograd.Value.__add__ = autograd.Value.__mul__\n    return "
            + GOOD,
            "autograd.Value.__add__",
        ),
        ("import autograd.ops\n    del autograd.ops.OPS\n    return " + GOOD, "autograd.ops.OPS"),
    ],
)
def test_changed_globals_are_named_and_put_back(body, name):
    before = [dict(vars(owner)) for owner in (math, builtins, autograd.Value, autograd.ops)]
    verdict = verdict_of(DOOR + body)
    assert not verdict.passed
    assert name in str(verdict)
    after = [dict(vars(owner)) for owner in (math, builtins, autograd.Value, autograd.ops)]
    assert [{k: v for k, v in b.items() if k != "_"} for b in before] == [
        {k: v for k, v in a.items() if k != "_"} for a in after
    ]


def test_random_state_and_recursion_limit_are_put_back():
    state, limit = random.getstate(), sys.getrecursionlimit()
    body = "import random, sys\n    random.seed(1)\n    sys.setrecursionlimit(5000)\n    return "
    assert verdict_of(DOOR + body + GOOD).passed
    assert random.getstate() == state
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    "body",
    [
        "import sys\n    return sys._getframe(3).f_locals",
        "try:\n        1 / 0\n    except Exception as e:\n        return e.__traceback__.tb_frame",
        "import gc\n    return gc.get_objects()",
        "from autograd.exercises.ladder import TASKS\n    return TASKS",
        "import importlib\n    return importlib.import_module('autograd.exercises.ladder')",
    ],
)
def test_looking_into_the_checker_is_refused(body):
    verdict = verdict_of(DOOR + body)
    assert not verdict.passed
    assert "look into the checker" in str(verdict)


def test_the_checker_cannot_be_imported_by_the_code_under_test():
    name = "'.'.join(['autograd', 'exercises', 'ladder'])"
    verdict = verdict_of(DOOR + f"return __import__({name})")
    assert "ModuleNotFoundError" in str(verdict)
    assert sys.modules["autograd.exercises.ladder"].TASKS is TASKS


def test_no_answer_exists_while_the_students_code_runs(monkeypatch):
    """The oracle is asked only when the student's function has returned."""
    running, asked = [], []

    def slope(f, x):
        running.append(True)
        y = (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
        running.pop()
        return y

    real = autograd.functional.grad
    monkeypatch.setattr(
        autograd.functional, "grad", lambda f: asked.append(list(running)) or real(f)
    )
    assert judge(TASKS["slope"], (slope,)).passed
    assert asked
    assert not any(asked)


def test_the_packages_own_value_is_not_a_solution():
    class Mine(autograd.Value):
        pass

    for value in (autograd.Value, Mine):
        assert "write your own" in str(check("backward", value))


def test_progress_marks_what_was_checked(monkeypatch):
    monkeypatch.setattr("autograd.exercises._marks", {})
    check("slope", lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5)
    check("order", lambda root: [])
    rows = progress().splitlines()
    assert [row[0] for row in rows] == ["✓", *"····", "✗", *"·" * (len(TASKS) - 6)]
    assert "topological order" in rows[5]


def test_check_says_what_it_needs():
    with pytest.raises(ValueError, match="there is no task 'backwards'.*backward"):
        check("backwards", None)
    assert 'check("zeroing", Value, zero_grad)' in str(check("zeroing", object))
    assert "must be a class" in str(check("backward", lambda: 0))
