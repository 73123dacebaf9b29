"""What something remembers, as JSON and arrays, and back into a fresh one of its kind.

No name of a class is written, and none is believed: `restore` is given an object that was just made the usual way,
`optimizer.init(params)` say, and fills in what was taken from another like it. What an object remembers are the fields
of a dataclass that can change, or those that its class names in `remembers`. Frozen dataclasses are what somebody
chose, functions and other objects what somebody wrote: they are left as they are in the fresh one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import FileFormatError

PLAIN = (type(None), bool, int, float, str)
SCRATCH = ("scratch", "room")  # memory for products: nothing in it is remembered. Version 0.1 kept it, as `room`


@dataclass
class Snapshot:
    """Arrays by name, and their names by identity: an array that is met twice is kept once, and is one again."""

    arrays: dict[str, Array] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _met: list[Any] = field(default_factory=list)  # an array that is gone could give its identity to another

    def take(self, value: Any, name: str) -> Any:
        """What JSON can hold of `value`; its arrays are kept under names that begin with `name`."""
        if type(value) in PLAIN:
            return value
        if isinstance(value, np.ndarray):
            return {"array": self._kept(value, name)}
        if isinstance(value, np.generic):
            return {"scalar": self._kept(np.asarray(value), name)}
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.take(part, f"{name}/{i}") for i, part in enumerate(value)]}
        if isinstance(value, Mapping):
            return {"dict": {key: self.take(part, f"{name}/{key}") for key, part in value.items()}}
        if isinstance(value, np.random.Generator):
            return {"generator": self.take(value.bit_generator.state, name)}
        names = remembered_fields(value)
        if names is None:
            return {"as_made": type(value).__name__}
        return {"fields": {part: self.take(getattr(value, part), f"{name}/{part}") for part in names}}

    def _kept(self, array: Array, name: str) -> str:
        if id(array) not in self._names:
            self._names[id(array)] = name
            self._met.append(array)
            self.arrays[name] = array
        return self._names[id(array)]


def remembered_fields(value: Any) -> tuple[str, ...] | None:
    """The names of what an object remembers; None for one that is as it was made."""
    if hasattr(type(value), "remembers"):
        names: tuple[str, ...] = type(value).remembers
        return names
    if not is_dataclass(value) or isinstance(value, type) or type(value).__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return None
    return tuple(f.name for f in fields(value) if f.name not in SCRATCH)


def restore(saved: Any, arrays: Mapping[str, Array], fresh: Any = None) -> Any:
    """What was taken; an object is `fresh`, filled in. FileFormatError where the two are not of one kind."""
    if type(saved) in PLAIN:
        _check_plain(saved, fresh)
        return saved
    [(kind, content)] = saved.items()
    if kind == "array":
        return _check_array(arrays[content], fresh)
    if kind == "scalar":
        return arrays[content][()]
    if kind in ("list", "tuple"):
        made = [restore(part, arrays, old) for part, old in _pair_up(content, fresh)]
        return made if kind == "list" else tuple(made)
    if kind == "dict":
        return {key: restore(part, arrays) for key, part in content.items()}
    if kind == "generator":
        return _restore_generator(restore(content, arrays), fresh)
    if kind == "as_made" and content == type(fresh).__name__:
        return fresh
    saved_fields = {name: part for name, part in content.items() if name not in SCRATCH} if kind == "fields" else {}
    if saved_fields and _fits(set(saved_fields), fresh):
        for name, part in saved_fields.items():
            setattr(fresh, name, restore(part, arrays, getattr(fresh, name)))
        return fresh
    raise FileFormatError(f"it remembers {kind} {str(content)[:60]} where {type(fresh).__name__} has a place")


def _fits(names: set[str], fresh: Any) -> bool:
    """Whether fields of these names are those of the fresh object, as it is now or was in an earlier version.

    A field with a default that was not saved is newer than the file, and keeps its fresh value. A property that can be
    set is a field that has another name now.
    """
    mine = set(remembered_fields(fresh) or ())
    defaults = {f.name for f in fields(fresh) if f.default is not MISSING} if is_dataclass(fresh) else set()
    earlier = {name for name in names - mine if getattr(getattr(type(fresh), name, None), "fset", None)}
    return names - earlier <= mine and len(mine - names - defaults) <= len(earlier)


def _check_plain(saved: Any, fresh: Any) -> None:
    """Refuse a plain value in the place of an array or an object, and text and numbers in the place of each other."""
    numbers = (bool, int, float)
    fits = fresh is None or saved is None or type(saved) is type(fresh)
    fits = fits or (isinstance(saved, numbers) and isinstance(fresh, (*numbers, np.generic)))
    fits = fits or (isinstance(saved, numbers) and isinstance(fresh, np.ndarray) and fresh.ndim == 0)
    if not fits or (saved is None and isinstance(fresh, np.ndarray | bool | int | float | str)):
        raise FileFormatError(f"it remembers {str(saved)[:60]} where {type(fresh).__name__} has a place")


def _pair_up(parts: list[Any], fresh: Any) -> list[tuple[Any, Any]]:
    """Each part and the fresh one at its place, None where there is none."""
    olds = list(fresh) if isinstance(fresh, list | tuple) else []
    return [(part, olds[i] if i < len(olds) else None) for i, part in enumerate(parts)]


def _check_array(array: Array, fresh: Any) -> Array:
    """An array that was saved; refused where the fresh one has another size. A number may have become one of many."""
    if isinstance(fresh, np.ndarray) and fresh.ndim and fresh.size and fresh.shape != array.shape:
        raise FileFormatError(f"it remembers an array {array.shape}, and {fresh.shape} is needed")
    return array


def _restore_generator(state: Any, fresh: Any) -> np.random.Generator:
    """The fresh generator, which goes on where the other was."""
    if not isinstance(fresh, np.random.Generator):
        raise FileFormatError(f"it remembers a generator where {type(fresh).__name__} has a place")
    fresh.bit_generator.state = state
    return fresh
