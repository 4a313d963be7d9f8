"""Modules that hold modules: in a row, in a list, in a dict."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any

from nn.module import Module


class ModuleList(Module, MutableSequence[Any]):
    """A list of modules, whose parameters are the model's: `layers.0`, `layers.1`, ...

    (A plain list does as well, in an attribute of a module. This one is a module itself.)
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        if isinstance(modules, Module) and not isinstance(modules, ModuleList):
            raise TypeError(f"ModuleList takes a list of modules: write ModuleList([{modules!r}]).")
        self._items = [self._checked(module) for module in modules]

    def _checked(self, module: Any) -> Any:
        if not isinstance(module, Module):
            raise TypeError(
                f"{type(self).__name__} holds modules, but this is of type "
                f"{type(module).__name__}: {module!r:.60}."
            )
        return module

    def _members(self) -> Iterable[tuple[Any, Any]]:
        return enumerate(self._items)

    def __getitem__(self, i: Any) -> Any:
        return type(self)._of(self._items[i]) if isinstance(i, slice) else self._items[i]

    @classmethod
    def _of(cls, items: list[Any]) -> Any:
        return cls(items)

    def __setitem__(self, i: Any, module: Any) -> None:
        if isinstance(i, slice):
            self._items[i] = [self._checked(item) for item in module]
        else:
            self._items[i] = self._checked(module)

    def __delitem__(self, i: Any) -> None:
        del self._items[i]

    def __len__(self) -> int:
        return len(self._items)

    def insert(self, index: int, value: Any) -> None:
        self._items.insert(index, self._checked(value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._items))})"


class ModuleDict(Module, MutableMapping[str, Any]):
    """A dict of modules, by texts, whose parameters are the model's: `parts.head`, ..."""

    __eq__, __hash__ = object.__eq__, object.__hash__  # a module is itself, as all modules are

    def __init__(self, modules: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._items: dict[str, Any] = {}
        self.update(modules)

    def _members(self) -> Iterable[tuple[Any, Any]]:
        return self._items.items()

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __setitem__(self, key: str, module: Any) -> None:
        if not isinstance(key, str) or not key or "." in key:
            raise ValueError(f"a key is a text without dots, but this is {key!r:.60}.")
        if not isinstance(module, Module):
            raise TypeError(f"ModuleDict holds modules, but here is {module!r:.60}.")
        self._items[key] = module

    def __delitem__(self, key: str) -> None:
        del self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"ModuleDict({', '.join(self._items)})"


class Sequential(ModuleList):
    """Modules, and functions, one after the other: each reads what the one before returned.

    `Sequential(Layer(2, 8), LayerNorm(8), Layer(8, 1, "linear"))` reads one example. If there is
    a module that takes a batch, BatchNorm1d, the whole takes a batch, a list of examples, and
    gives all other modules one example after the other.
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__(modules)

    @classmethod
    def _of(cls, items: list[Any]) -> Any:
        return cls(*items)

    def _checked(self, module: Any) -> Any:
        is_function = callable(module) and not isinstance(module, type)
        return module if is_function else super()._checked(module)

    @property
    def takes_batch(self) -> bool:
        return any(getattr(module, "takes_batch", False) for module in self._items)

    def forward(self, x: Any) -> Any:
        is_batch = self.takes_batch
        for module in self._items:
            if is_batch and not getattr(module, "takes_batch", False):
                x = [module(example) for example in x]
            else:
                x = module(x)
        return x
