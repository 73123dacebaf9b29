"""What scikit-learn wants to know of an estimator: tags, metadata requests, callbacks.

No other module here imports scikit-learn, and this one only when it is asked: for tags and requests by scikit-learn
itself, for callbacks by users of scikit-learn ≥ 1.9. Methods that exist under a condition need no scikit-learn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, ClassVar, TypeVar, cast

from mlp.errors import MissingExtraError, NotFittedError

F = TypeVar("F", bound=Callable[..., Any])


def available_if(check: Callable[[Any], None]) -> Callable[[F], F]:
    """A decorator: an instance has the method only while `check(instance)` raises no AttributeError.

    It works as scikit-learn's own `available_if`; here the check says why the method is missing. A property that
    returns another method would not do: scikit-learn asks the method for its `__name__`.

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
    """A method that exists while `check` of the instance passes."""

    def __init__(self, method: Callable[..., Any], check: Callable[[Any], None]) -> None:
        self.method, self.check = method, check

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The bound method of an instance, AttributeError where it has none; of a class, the function itself."""
        if instance is None:
            return self.method
        self.check(instance)
        return MethodType(self.method, instance)


def not_fitted(estimator: Any) -> Exception:
    """The error of an estimator that was not fitted; scikit-learn's own error where that is in use."""
    message = f"This {type(estimator).__name__} is not fitted yet. Call fit with rows and targets first."
    exceptions = sys.modules.get("sklearn.exceptions")
    return NotFittedError(message) if exceptions is None else exceptions.NotFittedError(message)


def tags(kind: str, *, multi_output: bool, multi_label: bool, allow_nan: bool) -> Any:
    """scikit-learn's `Tags` of a "classifier" or "regressor"."""
    from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

    return Tags(
        estimator_type=kind,
        target_tags=TargetTags(required=True, multi_output=multi_output),
        transformer_tags=None,
        input_tags=InputTags(sparse=True, allow_nan=allow_nan),
        classifier_tags=ClassifierTags(multi_label=multi_label) if kind == "classifier" else None,
        regressor_tags=RegressorTags() if kind == "regressor" else None,
    )


class Requests:
    """Which metadata an estimator asks meta-estimators to pass on: `set_fit_request(sample_weight=True)`."""

    METADATA: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def get_metadata_routing(self) -> Any:
        """The requests so far; scikit-learn asks for them."""
        from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

        if hasattr(self, "_metadata_request"):
            return get_routing_for_object(self._metadata_request)
        found = MetadataRequest(owner=self)
        for method, names in self.METADATA.items():
            for name in names:
                getattr(found, method).add_request(param=name, alias=None)
        return found

    def set_fit_request(self, **asked: Any) -> Any:
        """Ask for metadata of `fit`: True, False, None, or another name for it. See scikit-learn's metadata routing."""
        return self._request("fit", asked)

    def set_partial_fit_request(self, **asked: Any) -> Any:
        """Likewise of `partial_fit`."""
        return self._request("partial_fit", asked)

    def set_score_request(self, **asked: Any) -> Any:
        """Likewise of `score`."""
        return self._request("score", asked)

    def _request(self, method: str, asked: Mapping[str, Any]) -> Any:
        sklearn = _sklearn("metadata routing")
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "metadata routing is off. Turn it on first: sklearn.set_config(enable_metadata_routing=True)."
            )
        known = self.METADATA.get(method, ())
        if unknown := set(asked) - set(known):
            raise TypeError(f"{method} takes no metadata {sorted(unknown)}. It takes {', '.join(known)}.")
        requests = self.get_metadata_routing()
        for name, alias in asked.items():
            if alias != "$UNCHANGED$":
                getattr(requests, method).add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self


def _sklearn(feature: str) -> Any:
    try:
        import sklearn
    except ImportError:
        raise MissingExtraError(feature, "sklearn") from None
    return sklearn


class Callbacks:
    """scikit-learn's callbacks: progress bars, scores at each epoch, and whatever stops a training early."""

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Have `callbacks` called at the beginning and the end of fitting, and of each epoch. Without any: no longer.

        They follow scikit-learn's `FitCallback` protocol (1.9 or later). If `on_fit_task_end` of one returns True,
        training ends after that epoch.
        """
        return _support("callbacks").set_callbacks(self, *callbacks)

    def _manage_callbacks(self, train: Callable[[], None]) -> None:
        """Train, and end the callbacks whatever happens."""
        if not _is_watched(self):
            return train()
        from sklearn.callback import with_callbacks

        with_callbacks(lambda estimator: train())(self)

    def _announce(
        self, epochs: Iterator[Any], n_epochs: int, seen: Mapping[str, Any], state: Callable[[], Mapping[str, Any]]
    ) -> Iterable[Any]:
        """The epochs; callbacks hear of each, and are shown X, y, metadata, and the estimator so far."""
        if not _is_watched(self):
            return epochs
        return _announce_epochs(self, epochs, n_epochs, seen, state)


def _is_watched(estimator: Any) -> bool:
    return bool(getattr(estimator, "_skl_callbacks", ())) or hasattr(estimator, "_parent_callback_ctx")


def _support(feature: str) -> Any:
    _sklearn(feature)
    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:
        raise MissingExtraError(f"{feature} (scikit-learn 1.9 or later)", "sklearn") from None
    return CallbackSupportMixin


def _announce_epochs(
    estimator: Any,
    epochs: Iterator[Any],
    n_epochs: int,
    seen: Mapping[str, Any],
    state: Callable[[], Mapping[str, Any]],
) -> Iterator[Any]:
    whole = _support("callbacks")._init_callback_context(estimator, max_subtasks=n_epochs)
    whole.call_on_fit_task_begin(estimator=estimator, **seen)
    for number in range(1, n_epochs + 1):
        task = whole.subcontext(task_name=f"epoch {number}")
        task.call_on_fit_task_begin(estimator=estimator, **seen)
        epoch = next(epochs, None)
        if epoch is None:  # early stopping: there was none to begin
            task.call_on_fit_task_end(estimator=estimator, **seen)
            break
        yield epoch
        if task.call_on_fit_task_end(estimator=estimator, **seen, reconstruction_attributes=state):
            break
    whole.call_on_fit_task_end(estimator=estimator, **seen, reconstruction_attributes=state)
