"""Methods that an estimator has only under a condition.

Whoever asks with `hasattr`, as scikit-learn does, gets the right answer; on the class they are plain functions.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def available_if(check: Callable[[Any], None]) -> Callable[[F], F]:
    """A decorator: an instance has the method only while `check(instance)` raises no AttributeError.

    A property that returns another method would not do: scikit-learn asks what it gets for its `__name__`. This is the
    descriptor of scikit-learn's own `available_if`; here the check says why the method is missing.

    >>> class Door:
    ...     is_open = False
    ...     def check_open(self):
    ...         if not self.is_open:
    ...             raise AttributeError("the door is shut")
    ...     @available_if(check_open)
    ...     def enter(self):
    ...         return "inside"
    >>> door = Door()
    >>> hasattr(door, "enter")
    False
    >>> door.is_open = True
    >>> door.enter(), door.enter.__name__
    ('inside', 'enter')
    """

    def hide(method: F) -> F:
        return cast(F, Available(method, check))

    return hide


class Available:
    """A method `method` that is there while `check` of the instance passes."""

    def __init__(self, method: Callable[..., Any], check: Callable[[Any], None]) -> None:
        self.method, self.check = method, check

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The bound method of an instance, AttributeError where it has none; the function itself of a class."""
        if instance is None:
            return self.method
        self.check(instance)
        return MethodType(self.method, instance)
