"""The cause of a failure, from evidence.

Every wrong solution of the task's catalogue is run on the very cases that the student's solution
was run on; the one that gives the same wrong answers names the cause. If none does, the numbers
themselves are compared: a sign, a factor, nothing at all.
"""

import math
import re
from dataclasses import replace
from functools import cache
from time import process_time
from typing import Any

from autograd.exercises import shield
from autograd.exercises.outcome import Answer, compared, observe, same
from autograd.exercises.subject import Here, Key, Place, Subject, answers
from autograd.exercises.task import Case, Law, Mistake, Task, load
from autograd.exercises.variants import variants
from autograd.exercises.verdict import Verdict

PATIENCE = 10.0  # seconds of the processor at most for the search among variants: it ends by itself

Experience = list[tuple[bool, Case, Answer]]  # does the case belong to the law that failed?


def explained(verdict: Verdict, subject: Subject, key: Key) -> Verdict:
    """The verdict with the cause of its failure."""
    law, case, answer = verdict.law, verdict.case, verdict.answer
    assert law is not None and case is not None and answer is not None
    if answer.trouble and answer.trouble.kind != shield.ERROR:
        endless = answer.trouble.kind == shield.ENDLESS and law.cause
        return replace(verdict, cause=endless or _CAUSES[answer.trouble.kind])
    seen = _experience(law, subject, key)
    if not all(again.right for _, _, again in seen[: verdict.cases]):
        return replace(verdict, cause=_KEPT)
    known, evidence = _known_mistakes(key, seen, subject.source())
    if len(known) == 1:
        return replace(verdict, cause=known[0].cause, mistake=known[0].name, evidence=evidence)
    if known:
        causes = " ".join(f"({i}) {mistake.cause}" for i, mistake in enumerate(known, 1))
        names = " or ".join(mistake.name for mistake in known)
        return replace(verdict, cause=f"{_SEVERAL} {causes}", mistake=names)
    if law.cause:
        return replace(verdict, cause=law.cause)
    if answer.trouble:
        text = answer.trouble.text
        return replace(verdict, cause=next(cause for part, cause in _ERRORS if part in text))
    failing = [a for this, _, a in seen if this]
    where = _common_part(seen, case)
    what = _plain_cause(failing) or _variant(key, seen) or _pattern(failing)
    return replace(verdict, cause=f"{what} {where}".strip() or _UNKNOWN)


def _experience(law: Law, subject: Subject, key: Key) -> Experience:
    """The subject's answers to all cases of the task, up to one that comes to no end."""
    seen: Experience = []
    subject.begin(key.task, key.seed)
    for law_, case, answer in answers(subject, key):
        if answer.trouble and answer.trouble.kind != shield.ERROR:
            return seen
        seen.append((law_ is law, case, answer))
    return seen


def _known_mistakes(key: Key, seen: Experience, source: str) -> tuple[list[Mistake], str]:
    """The mistakes of the catalogue whose answers are the student's: the one that agrees best, or
    all that agree as well as that and do not contradict the student's text.

    They must agree both ways: where the student fails, and where the mistake would fail. Else a
    mistake that spoils everything would be blamed for a single wrong case that it happens to hit.
    """
    failing = [i for i, (this, _, answer) in enumerate(seen) if this and not answer.right]
    best: list[Mistake] = []
    best_score = (0.0, 0.0)
    mistakes = [m for m in key.task.mistakes if _works(key.task, key.seed, m)]
    for mistake in mistakes if failing else ():
        if not _agree(seen[failing[0]][2], _answer_of(key.task, key.seed, mistake, failing[0])):
            continue  # before its other cases are run, which may take long
        score = _score([_answer_of(key.task, key.seed, mistake, i) for i in range(len(seen))], seen)
        if score is None or score < best_score or not _may_be_in(mistake, source):
            continue
        best = [*best, mistake] if score == best_score else [mistake]
        best_score = score
    hits = round(best_score[0] * len(failing))
    return best, f"it gives your answer in {_of(hits, len(failing))}"


def _score(theirs: list[Answer], seen: Experience) -> tuple[float, float] | None:
    """How far a mistake's answers are the student's: where the law fails, and altogether."""
    agree = [_agree(mine, other) for (_, _, mine), other in zip(seen, theirs)]
    failing = [i for i, (this, _, answer) in enumerate(seen) if this and not answer.right]
    hits = sum(agree[i] for i in failing)
    would_fail = [same_ for same_, other in zip(agree, theirs) if not other.right]
    if hits < 0.6 * len(failing) or sum(would_fail) < 0.6 * len(would_fail):
        return None
    return hits / len(failing), sum(agree) / len(agree)


def _may_be_in(mistake: Mistake, source: str) -> bool:
    """Does the text not contradict it? (Unknown text contradicts nothing.)"""
    if not source:
        return True
    return all(t in source for t in mistake.has) and not any(t in source for t in mistake.lacks)


def _variant(key: Key, seen: Experience) -> str:
    """A right solution with one thing wrong that gives the student's answers, in words."""
    failing = [i for i, (this, _, answer) in enumerate(seen) if this and not answer.right]
    place, _, case = key.places()[failing[0]]
    end = process_time() + PATIENCE
    found: dict[str, tuple[float, float]] = {}
    for words, source in _variants_of(key.task):
        if process_time() > end:
            break
        try:
            subject = Here(load(source, key.task.targets, "<variant>"), key.cases)
        except Exception:  # it can't even be run
            continue
        if not _agree(seen[failing[0]][2], _quick(subject, key, place, case)):
            continue
        theirs = [_quick(subject, key, *which) for which in _first_of(key, len(seen))]
        score = _score(theirs, seen)
        if score and score[0] == 1.0:
            found[words] = score
    best = [words for words, score in found.items() if score == max(found.values())][:2]
    which = ", or ".join(best)
    return f"Your answers are those of a right solution in which {which}." if best else ""


def _first_of(key: Key, count: int) -> list[tuple[Place, Case]]:
    return [(place, case) for place, _, case in key.places()[:count]]


def _quick(subject: Here, key: Key, place: Place, case: Case) -> Answer:
    """A variant's answer to a case, if it doesn't take long."""
    law, number = place
    observation = observe(replace(subject.cases[law][1][number], seconds=0.3), subject.targets)
    return compared(observation, key.expected(place), case.tolerance)


@cache
def _variants_of(task: Task) -> list[tuple[str, str]]:
    return list(variants(task.reference, task.written_lines))


@cache
def _answer_of(task: Task, seed: int, mistake: Mistake, number: int) -> Answer:
    """What a wrong solution of the catalogue answers to one of the task's cases."""
    subject, key = _mistaken(task, seed, mistake), _key(task, seed)
    place, _, case = key.places()[number]
    return compared(subject.answer(place), key.expected(place), case.tolerance)


@cache
def _mistaken(task: Task, seed: int, mistake: Mistake) -> Here:
    subject = Here(load(task.wrong(mistake), task.targets))
    subject.begin(task, seed)
    return subject


def _works(task: Task, seed: int, mistake: Mistake) -> bool:
    """Can it be run at all? (`task test` tells its author; a student is not to suffer for it.)"""
    try:
        return bool(_mistaken(task, seed, mistake).targets)
    except Exception:
        return False


@cache
def _key(task: Task, seed: int) -> Key:
    return Key(task, seed, keep=True)


def _of(hits: int, n: int) -> str:
    if hits < n:
        return f"{hits} of the {n} cases that fail"
    all_of_them = {1: "the one case that fails", 2: "both cases that fail"}
    return all_of_them.get(n, f"all {n} cases that fail")


def _agree(a: Answer, b: Answer) -> bool:
    """Are two answers one and the same, as two programs with the same mistake would give?"""
    if a.trouble or b.trouble:
        return bool(a.trouble and b.trouble and a.trouble.text == b.trouble.text)
    mine, theirs = a.outcome or {}, b.outcome or {}
    return mine.keys() == theirs.keys() and all(_alike(mine[k], theirs[k]) for k in mine)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) or (a != a and b != b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    return type(a) is type(b) and bool(a == b)


_CAUSES = {
    shield.ENDLESS: "A loop or a recursion never ends: look at what should bring it to its end.",
    shield.EXIT: "Take the exit() out: give the result back with `return`.",
    shield.TAMPERED: "Work with names of your own, and leave the shared ones as they are.",
}
_SEVERAL = "Several mistakes give these very numbers; which of them is yours?"
_KEPT = (
    "Cases that came out right at first are wrong the second time: something is kept from call to "
    "call. A list in `def f(x, order=[])` is made once, and so is one outside of the function; "
    "make a new one in each call. (Or chance is at work: a set, for instance, has no order.)"
)
_UNKNOWN = (
    "None of the known mistakes gives this answer. Work the case out by hand, and print each step "
    "of your code beside it."
)
_ERRORS = (  # (what the error's text holds, the cause): the first that fits
    (
        "'NoneType' object is not callable",
        "None is called as if it were a function. `f = g()` calls g at once and keeps what it "
        "gave; to keep g itself, for later, leave the brackets out: `f = g`.",
    ),
    *(
        (
            f"takes {n} positional argument{'s' * (n != 1)} but {n + 1} ",
            "There is one argument too many. Is it a method without `self` as its first parameter? "
            "Python hands the object itself over, before all else.",
        )
        for n in range(4)
    ),
    (
        "NoneType",
        "Something is None where a result should be: is a `return` missing? (`append()`, "
        "`reverse()` and `sort()` change a list and give back None.)",
    ),
    (
        "would silently drop the graph",
        "Python's `math` works on plain numbers; Values have functions of their own, `v.exp()`, "
        "`v.log()` and `v.tanh()`, which keep the way back.",
    ),
    (
        "AttributeError: 'list'",
        "A list stands where one Value is expected: go through it item by item.",
    ),
    (
        "has no attribute 'backward'",
        "A plain number came out where a Value is expected. Compute with the Values themselves, "
        "without `.data` and `math`: a number knows no way back.",
    ),
    ("'method' object", "A method is used without being called: put `()` behind its name."),
    ("'function' ", "A function is used as if it were its result: call it, as in `f(x)`."),
    (
        "AttributeError: 'tuple'",
        "A tuple stands where one Value is expected: is a comma or a bracket in the wrong place?",
    ),
    *(
        (
            f"AttributeError: '{kind}'",
            "A plain number stands where a Value is expected: wrap it in Value. (Or, if a number "
            "is right here, use Python's `math` on it.)",
        )
        for kind in ("int", "float")
    ),
    (
        "AttributeError",
        "This name is not there: is it set in `__init__`, with `self.` before it, and spelled "
        "like this?",
    ),
    ("is not callable", "What stands before the brackets is no function: are they one too many?"),
    (
        "'Value' object is not iterable",
        "One Value stands where a list or a tuple is expected. (`(x)` is only x; a tuple of one "
        "is `(x,)`.)",
    ),
    *(
        (
            words,
            "A single thing stands where a list or a tuple is expected. (`(x)` is only x; a tuple "
            "of one is `(x,)`.)",
        )
        for words in ("is not iterable", "has no len()", "is not subscriptable", "cannot unpack")
    ),
    (
        "indices must be integers",
        "`for x in things` gives the things themselves, not their places: work with x, or take "
        "`for i, x in enumerate(things)`.",
    ),
    (
        "IndexError",
        "A list is asked for more than it has: places count from 0, and the last is `len - 1`.",
    ),
    ("ZeroDivisionError", "Something is divided by 0: print what stands below the line."),
    *(
        (words, "There is nothing in this list: is one thing too few put into it?")
        for words in ("empty sequence", "is empty")
    ),
    ("argument", "The call does not fit: compare the parameters with those in the task."),
    *(
        (
            words,
            "A whole list stands where a single number or Value belongs: go through it item by "
            "item, or unpack it, as in `f(*things)`.",
        )
        for words in ("'list'", "type list", "sequence", '(not "int") to list')
    ),
    ("not supported between", "These have no order: they cannot be compared, and not be sorted."),
    (
        "and 'Value'",
        "A plain number stands on the left of a Value, and nobody knows what to do. Is the method "
        "missing that Python asks for here (`__radd__` and the like)? Or should the right side be "
        "a plain number, too?",
    ),
    ("unsupported operand", "An operator is missing: which method does Python look for here?"),
    (
        "RecursionError",
        "A function calls itself without coming to an end. In `__mul__`, for instance, "
        "`self * other` calls `__mul__` once more; by a detour `-` and `__rsub__` can do so, too. "
        "Or is a node visited again and again?",
    ),
    ("NameError", "A name is used that was never set: is it misspelt, or is an `import` missing?"),
    ("EOFError", "input() has nobody to ask here: take what you need as a parameter."),
    ("", "Your code raised this error; the line that did it is named above."),
)


def _plain_cause(answers: list[Answer]) -> str:
    """Why there are no right numbers at all: nothing, no numbers, nan, only zeros."""
    wrong = [w for answer in answers for w in answer.wrong]
    if any(
        a.outcome and None in (a.outcome.get(name, 0) for name, _, _ in a.wrong) for a in answers
    ):
        printed = " (What is printed is not given back.)" if any(a.printed for a in answers) else ""
        return f"There is no answer (None): is a `return` missing, or a value never set?{printed}"
    if any(isinstance(got, str) and isinstance(want, float) for _, got, want in wrong):
        return (
            "Something else stands where a plain number belongs. Is a Value in it, or a function "
            "that was never called? The number in a Value is its `.data`."
        )
    if any(not math.isfinite(g) for g in _all_numbers([got for _, got, _ in wrong])):
        return (
            "nan is 0 / 0 or inf - inf, and inf is too big for a float: look for a division by "
            "0, log(0) or exp() of a big number."
        )
    slopes = all(re.search("grad$|slope$", name) for name, _, _ in wrong)
    pairs = _wrong_pairs(answers)
    if pairs and slopes and all(g == 0 for g, _ in pairs):
        return "Nothing arrives here: the number is still 0."
    return ""


def _wrong_pairs(answers: list[Answer]) -> list[tuple[float, float]]:
    wrong = [w for answer in answers for w in answer.wrong]
    return [(g, e) for _, got, want in wrong for g, e in _numbers(got, want) if not same(g, e)]


def _pattern(answers: list[Answer]) -> str:
    """What the wrong numbers of these answers have in common, if they have."""
    pairs = _wrong_pairs(answers)
    if not pairs:
        return ""
    ratios = [g / e for g, e in pairs if e]
    if ratios and ratios[0] and all(same(r, ratios[0]) for r in ratios):
        if same(ratios[0], -1.0):
            return "The size is right and the sign is wrong."
        if len(ratios) > 1 and not same(ratios[0], 1.0, 1e-2):
            return (
                f"The result is {ratios[0]:.4g} times what it should be. Is a factor wrong, or is "
                "a part left out or counted twice?"
            )
    if all(same(g, e, 1e-2) for g, e in pairs):
        return "Nearly right, but not exact enough: is something rounded, or cut off?"
    gaps = [g - e for g, e in pairs]
    if len(gaps) > 1 and all(same(gap, gaps[0]) for gap in gaps):
        return f"Each number is off by {gaps[0]:.4g}: something is added that should not be."
    return ""


def _common_part(seen: Experience, shown: Case) -> str:
    """What all the cases that fail have in their text, and few of those that pass.

    What stands in every case of the law says nothing: the law is about it.
    """
    failing = [_words(case) for _, case, answer in seen if not answer.right]
    passing = [_words(case) for _, case, answer in seen if answer.right]
    law = [_words(case) for this, case, _ in seen if this]
    mine = _words(shown)
    common = mine.intersection(*failing) - mine.intersection(*law)
    rare = [w for w in sorted(common) if sum(w in p for p in passing) < 0.3 * len(passing)]
    if not rare:
        return ""
    words = " and ".join(f"`{word}`" for word in rare)
    return f"Every case that fails has {words} in it: look there first."


def _words(case: Case) -> set[str]:
    text = re.sub(r"-?\b\d[\d.e]*", "", case.text)  # a number's sign is not an operator
    return set(re.findall(r"\*\*|[-+*/]|\w+(?=\()", text))


def _all_numbers(x: Any) -> list[float]:
    if isinstance(x, list):
        return [number for item in x for number in _all_numbers(item)]
    return [x] if isinstance(x, float) else []


def _numbers(got: Any, want: Any) -> list[tuple[float, float]]:
    if isinstance(got, float) and isinstance(want, float) and math.isfinite(got + want):
        return [(got, want)]
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        return [pair for g, w in zip(got, want) for pair in _numbers(g, w)]
    return []
