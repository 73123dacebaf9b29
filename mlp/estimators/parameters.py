"""Parameters of an estimator: what its constructor takes, stored untouched, read and set by name.

As scikit-learn's `BaseEstimator` has it, so that `clone`, pipelines and searches work. Knows nothing of networks.
"""

from __future__ import annotations

import difflib
from copy import deepcopy
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from mlp.errors import HyperparameterError

ELSEWHERE = {
    "hidden_layer_sizes": "hidden",
    "solver": "optimizer",
    "alpha": "l2",
    "learning_rate_init": "learning_rate",
    "max_iter": "epochs",
    "n_iter_no_change": "patience",
    "tol": "min_delta",
    "seed": "random_state",
}
"""What scikit-learn and others call a parameter of ours. For hints only: a thing has one name here."""


class Parameters:
    """What an estimator was constructed with."""

    @classmethod
    def _names(cls) -> list[str]:
        return sorted(name for name in signature(cls.__init__).parameters if name != "self")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name. `deep` is there for scikit-learn: none of them is an estimator."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name; they are looked at when it is fitted. Returns itself."""
        known = self._names()
        for name in params:
            if name not in known:
                raise HyperparameterError("parameter", name, f"one of {', '.join(known)}{_hint(name, known)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """The call that makes it; what is as usual is left out."""
        usual = {name: p.default for name, p in signature(type(self).__init__).parameters.items()}
        own = {name: value for name, value in self.get_params().items() if not _equal(value, usual[name])}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in own.items())})"


def _hint(name: str, known: list[str]) -> str:
    meant = ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)
    return f" (did you mean {meant!r}?)" if meant else ""


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)


P = TypeVar("P", bound=Parameters)


def clone(estimator: P) -> P:
    """A new estimator with the same parameters, not fitted. scikit-learn's `clone` does the same."""
    return type(estimator)(**{name: deepcopy(value) for name, value in estimator.get_params().items()})
