"""Hooks that a model may be copied and stored with: a copy of the model has hooks that do nothing.

Without that, `copy.deepcopy(model)` in a loop would copy all that a watch has noted, and `torch.save(model)` fail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


def ignore(*_: Any, **__: Any) -> None:
    """The hook of a copy."""


def give_ignored() -> Callable[..., None]:
    """What a stored hook is read as."""
    return ignore


class Hook(partial[None]):
    """A function that is called as a hook; copied and pickled it is `ignore`."""

    def __deepcopy__(self, memo: Any) -> Callable[..., None]:
        return ignore

    def __reduce__(self) -> Any:
        return give_ignored, ()
