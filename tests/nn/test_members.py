"""What is a parameter, what a buffer, and what they are called."""

import collections
import copy
import dataclasses
import gc
import pickle
import random
import threading
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import Value, no_grad


@dataclasses.dataclass
class Pair:
    a: Value
    b: object = None


class Own:
    def __init__(self):
        self.w = Value(1.0)
        self.layers = [nn.Layer(1, 1)]


class Slotted:
    __slots__ = ("w",)

    def __init__(self):
        self.w = Value(1.0)


Named = collections.namedtuple("Named", "x y")


def holding(**attributes):
    class Holding(nn.Module):
        def __init__(self):
            self.b = Value(0.0)
            for name, x in attributes.items():
                setattr(self, name, x)

    return Holding()


def object_array(*shape):
    np = pytest.importorskip("numpy")
    array = np.empty(shape, dtype=object)
    for i in np.ndindex(*shape):
        array[i] = Value(float(sum(i)))
    return array


HOLDERS = {
    "list": (lambda: [Value(1.0)], ["w.0"]),
    "tuple": (lambda: (Value(1.0), 2.0), ["w.0"]),
    "dict": (lambda: {"x": Value(1.0)}, ["w.x"]),
    "namedtuple": (lambda: Named(Value(1.0), 2.0), ["w.0"]),
    "deque": (lambda: collections.deque([Value(1.0)], maxlen=3), ["w.0"]),
    "UserList": (lambda: collections.UserList([Value(1.0)]), ["w.0"]),
    "UserDict": (lambda: collections.UserDict(x=Value(1.0)), ["w.x"]),
    "defaultdict": (lambda: collections.defaultdict(list, x=[Value(1.0)]), ["w.x.0"]),
    "mapping proxy": (lambda: types.MappingProxyType({"x": Value(1.0)}), ["w.x"]),
    "namespace": (lambda: types.SimpleNamespace(x=Value(1.0)), ["w.x"]),
    "set": (lambda: {Value(1.0)}, ["w.0"]),
    "frozenset": (lambda: frozenset([Value(1.0)]), ["w.0"]),
    "array": (lambda: object_array(2), ["w.0", "w.1"]),
    "matrix": (lambda: object_array(2, 2), ["w.0.0", "w.0.1", "w.1.0", "w.1.1"]),
    "array without axes": (lambda: object_array(), ["w.0"]),
    "dataclass": (lambda: Pair(Value(1.0), [Value(2.0)]), ["w.a", "w.b.0"]),
    "own object": (Own, ["w.w", "w.layers.0.neurons.0.w.0", "w.layers.0.neurons.0.b"]),
    "slots": (Slotted, ["w.w"]),
    "in each other": (lambda: {"x": [(Pair(Value(1.0)),)]}, ["w.x.0.0.a"]),
    "map of Values": (lambda: map(Value, [1.0, 2.0]), ["w.0", "w.1"]),
    "generator of layers": (
        lambda: (nn.Layer(1, 1) for _ in range(1)),
        ["w.0.neurons.0.w.0", "w.0.neurons.0.b"],
    ),
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_parameters_are_found_named_saved_and_trained(kind, tmp_path):
    make, names = HOLDERS[kind]
    model, twin = holding(w=make()), holding(w=make())
    assert [name for name, _ in model.named_parameters()] == ["b", *names]
    assert len(model.parameters()) == 1 + len(names)
    for i, p in enumerate(model.parameters()):
        p.data, p.grad = i + 0.5, 1.0
    nn.save(model, tmp_path / "m.json")
    nn.load(twin, tmp_path / "m.json")
    assert [p.data for p in twin.parameters()] == [i + 0.5 for i in range(1 + len(names))]
    nn.optim.SGD(model.parameters(), lr=1.0).step()
    assert [p.data for p in model.parameters()] == [i - 0.5 for i in range(1 + len(names))]
    model.zero_grad()
    assert all(p.grad == 0.0 for p in model.parameters())


def test_what_was_put_there_past_the_attribute_is_found_too():
    model = holding()
    model.__dict__["w"] = map(nn.Layer, [1, 1], [1, 1])
    assert len(model.parameters()) == 5
    assert len(model.parameters()) == 5


def test_a_generator_of_data_stays_one_and_loses_nothing():
    model = holding(data=(x for x in [1.0, 2.0, 3.0]), endless=map(float, iter(int, 1)))
    assert len(model.parameters()) == 1
    assert list(model.data) == [1.0, 2.0, 3.0]
    assert next(model.endless) == next(model.endless) == 0.0


def test_what_python_and_packages_made_is_not_searched():
    class Loader(threading.Thread):  # the user's own class is, whatever it is built on
        value = None

    thread = threading.Thread()
    thread.hidden = Value(1.0)
    model = holding(thread=thread, optimizer=nn.optim.SGD([Value(1.0)], lr=1.0), f=lambda: Value(1))
    assert len(model.parameters()) == 1
    loader = Loader()
    loader.value = Value(1.0)
    assert len(holding(loader=loader).parameters()) == 2


def test_objects_that_hold_each_other_end_the_search():
    model, own = holding(), Own()
    own.model, own.me, model.own = model, own, own
    loop = [Value(1.0)]
    loop.append(loop)
    model.loop = loop
    assert len(model.parameters()) == 5


def test_a_set_trains_but_its_state_has_no_names():
    model = holding(w={Value(1.0), Value(2.0)})
    assert len(model.parameters()) == 3
    for ask in (model.state_dict, lambda: dict(model.named_parameters())):
        with pytest.raises(ValueError, match="'w' is a set, and sets have no order"):
            ask()


@pytest.mark.parametrize("shared", [Value(1.0), nn.Layer(1, 1)])
def test_a_parameter_of_the_class_is_refused(shared):
    class Shared(nn.Module):
        w = shared

    with pytest.raises(TypeError, match=r"w is an attribute of the class Shared.*self\.w = "):
        Shared().parameters()
    own = Shared()
    own.w = Value(2.0)
    assert own.parameters() == [own.w]


# --- what the forward pass keeps -------------------------------------------------------------


class Keeps(nn.Module):
    """Keeps its inputs and activations in every way."""

    def __init__(self):
        self.layer = nn.Layer(2, 2)
        self.seen, self.recent = [], collections.deque(maxlen=2)
        self.by_name, self.some = {}, [None]
        self.pair = Pair(None)

    def forward(self, xs, extra=None):
        self.inputs = xs
        self.wrapped = [Value(x.data) for x in xs]
        self.seen.append(xs)
        self.recent.extend(xs)
        self.by_name["x"] = xs
        self.some[0] = extra
        self.pair.b = xs
        return self.layer(xs)


def test_inputs_that_forward_keeps_are_no_parameters():
    model = Keeps()
    names = [name for name, _ in model.named_parameters()]
    for _ in range(3):
        model([Value(1.0), Value(2.0)], extra=Value(3.0))
    assert [name for name, _ in model.named_parameters()] == names
    assert len(model.state_dict()) == len(names) == 6
    assert copy.deepcopy(model).state_dict() == model.state_dict()
    assert pickle.loads(pickle.dumps(model)).state_dict() == model.state_dict()


def test_results_that_forward_keeps_without_a_graph_are_no_parameters():
    class Remembers(nn.Module):
        def __init__(self):
            self.layer, self.seen = nn.Layer(1, 1), []

        def forward(self, x):
            self.seen.append(self.layer([x]))
            return self.seen[-1]

    model = Remembers()
    with no_grad():
        for x in (1.0, 2.0, 3.0):
            model(x)
    model(4.0)
    assert len(model.seen) == 4
    assert model.parameters() == model.layer.parameters()


def test_a_parameter_that_comes_in_as_an_input_stays_one():
    class Outer(nn.Module):
        def __init__(self):
            self.inner = Keeps()
            self.start = [Value(1.0), Value(2.0)]

        def forward(self, xs):
            return self.inner(self.start)

    model = Outer()
    model([0.0])
    assert len(model.parameters()) == 8
    assert len(model.inner.parameters()) == 6
    inner = Keeps()
    inner.start = Value(5.0)
    inner([inner.start, Value(1.0)])
    assert len(inner.parameters()) == 7


def test_what_is_assigned_outside_of_forward_is_a_parameter_again():
    model = Keeps()
    model([Value(1.0), Value(2.0)])
    model.wrapped = [Value(1.0)]
    assert len(model.parameters()) == 7
    del model.wrapped
    assert len(model.parameters()) == 6


class Lazy(nn.Module):
    def __init__(self):
        self.layers, self.w = [], None

    def forward(self, xs):
        if not self.layers:
            self.layers = [nn.Layer(len(xs), 1)]
            self.register_parameter("w", {"scale": Value(1.0)})
        return self.layers[0](xs) * self.w["scale"]


def test_layers_and_registered_parameters_that_forward_makes_are_trained():
    model = Lazy()
    model([1.0, 2.0])
    assert [name for name, _ in model.named_parameters()] == [
        *("layers.0.neurons.0." + p for p in ("w.0", "w.1", "b")),
        "w.scale",
    ]
    with pytest.raises(TypeError, match="leaf Values to train"):
        model.register_parameter("v", [1.0, Value(1.0) * 2])


def test_received_inputs_do_not_pile_up():
    model = Keeps()
    model.forward = lambda xs: model.layer(xs)
    for _ in range(3000):
        model([Value(1.0), Value(2.0)])
    gc.collect()
    assert len(vars(model)["_notes"].received) < 2500


def test_another_thread_may_assign_parameters_during_a_forward_pass():
    begun, done = threading.Event(), threading.Event()

    class Slow(nn.Module):
        def forward(self, x):
            begun.set()
            assert done.wait(5)
            return x

    model = Slow()
    thread = threading.Thread(target=model, args=(1.0,))
    thread.start()
    assert begun.wait(5)
    model.w = Value(1.0)
    done.set()
    thread.join()
    assert model.parameters() == [model.w]


def test_a_forward_pass_that_fails_leaves_nothing_switched():
    class Failing(nn.Module):
        def forward(self, x):
            raise RuntimeError("no")

    model = Failing()
    with pytest.raises(RuntimeError):
        model(1.0)
    model.w = Value(1.0)
    assert model.parameters() == [model.w]


# --- buffers ---------------------------------------------------------------------------------


class Running(nn.Module):
    """Counts its calls and keeps a running mean, in forward."""

    def __init__(self):
        self.w = Value(1.0)
        self.register_buffer("mean", [0.0, 0.0])
        self.register_buffer("steps", 0)
        self.register_buffer("table", {"a": [Value(1.0)], "b": (2.0, None)})

    def forward(self, xs):
        self.mean = [0.9 * m + 0.1 * x for m, x in zip(self.mean, xs)]
        self.steps += 1
        return self.w


def test_buffers_are_saved_and_not_trained(tmp_path):
    model, twin = Running(), Running()
    model([1.0, 2.0])
    model.table["a"][0].data = 7.0
    assert [name for name, _ in model.named_parameters()] == ["w"]
    assert dict(model.named_buffers()) == {
        "mean.0": 0.1,
        "mean.1": 0.2,
        "steps": 1,
        "table.a.0": 7.0,
        "table.b.0": 2.0,
    }
    nn.save(model, tmp_path / "m.json")
    nn.load(twin, tmp_path / "m.json")
    assert twin.state_dict() == model.state_dict()
    assert twin.mean == [0.1, 0.2]
    assert (twin.steps, type(twin.steps)) == (1, int)
    assert twin.table["a"][0].data == 7.0
    assert twin.table["b"] == (2.0, None)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.state_dict() == model.state_dict()
        assert other.parameters() == [other.w]


def test_a_buffer_that_is_an_array_stays_one():
    np = pytest.importorskip("numpy")
    model = nn.Module()
    model.register_buffer("mean", np.zeros((2, 2)))
    model.load_state_dict({f"mean.{i}.{j}": 2.0 * i + j for i in (0, 1) for j in (0, 1)})
    assert model.mean.tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_buffers_have_the_names_of_their_modules():
    model = holding(parts={"x": [Running()]})
    assert [n for n, _ in model.named_buffers()][:2] == ["parts.x.0.mean.0", "parts.x.0.mean.1"]
    assert "parts.x.0.steps" in model.state_dict()


def test_a_buffer_holds_numbers_under_a_name_of_its_own():
    model = Running()
    with pytest.raises(ValueError, match="an attribute 'w' already"):
        model.register_buffer("w", 1.0)
    with pytest.raises(ValueError, match="an attribute 'forward' already"):
        model.register_buffer("forward", 1.0)
    for bad in ("text", ["text"], object()):
        with pytest.raises(TypeError, match="a buffer holds numbers"):
            model.register_buffer("new", bad)
    assert not hasattr(model, "new")
    del model.mean
    model.mean = Value(1.0)
    assert len(model.parameters()) == 2


# --- names -----------------------------------------------------------------------------------


def test_names_do_not_clash():
    x, y = Value(1.0), Value(2.0)
    assert [n for n, _ in holding(d={1: x, "1": y}).named_parameters()] == ["b", "d.[1]", "d.1"]
    names = [n for n, _ in holding(d={"a": {"b": x}, "a.b": y}).named_parameters()]
    assert names == ["b", "d.a.b", "d.['a.b']"]


KEYS = st.one_of(
    st.text("ab.1[]'\\", max_size=4),
    st.integers(0, 12),
    st.sampled_from([None, 1.5, (0, 1), "(0, 1)", "None", "1.5", "[1]", "['1']", ("a.b",)]),
)
TREES = st.recursive(
    st.just(None),
    lambda inner: st.one_of(st.dictionaries(KEYS, inner, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=12,
)


def grown(tree):
    if isinstance(tree, dict):
        return {key: grown(x) for key, x in tree.items()}
    return [grown(x) for x in tree] if isinstance(tree, list) else Value(0.0)


@given(TREES)
def test_a_state_loses_nothing_whatever_the_keys(tree):
    a, b = holding(w=grown(tree)), holding(w=grown(tree))
    for i, p in enumerate(a.parameters()):
        p.data = float(i)
    assert len(a.state_dict()) == len(a.parameters())
    b.load_state_dict(a.state_dict())
    assert [p.data for p in b.parameters()] == [float(i) for i in range(len(a.parameters()))]


def test_keys_that_cannot_be_told_apart_are_refused():
    class Same:
        def __repr__(self):
            return "same"

    with pytest.raises(ValueError, match="two parameters or modules have the name 'd.same'"):
        holding(d={Same(): Value(1.0), Same(): Value(2.0)}).state_dict()


# --- states ----------------------------------------------------------------------------------


def test_a_state_that_fits_in_part_is_loaded_if_not_strict():
    small, large = (nn.MLP(2, [n], rng=random.Random(n)) for n in (1, 2))
    state = large.state_dict() | {"layers.0.neurons.1.b": 5.0}
    before = small.state_dict()
    keys = small.load_state_dict(state, strict=False)
    assert keys.missing_keys == []
    assert keys.unexpected_keys == [f"layers.0.neurons.1.{p}" for p in ("w.0", "w.1", "b")]
    assert small.state_dict() == {k: v for k, v in state.items() if k in before}
    keys = large.load_state_dict({}, strict=False)
    assert len(keys.missing_keys) == 6
    assert large.load_state_dict(large.state_dict()) == ([], [])
    with pytest.raises(ValueError, match="strict=False"):
        small.load_state_dict(state)


def test_a_state_is_a_dict_of_numbers():
    model = nn.MLP(1, [1])
    for bad in ("model.json", None, model, [1.0]):
        with pytest.raises(TypeError, match=r"nn\.load\(model, path\)"):
            model.load_state_dict(bad)
    before = model.state_dict()
    with pytest.raises(TypeError, match="number"):
        model.load_state_dict(dict.fromkeys(before, True))
    assert model.state_dict() == before
