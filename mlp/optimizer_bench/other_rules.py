"""Rules of other libraries as rules here, so that somebody else's implementation stands in the table beside ours.

`torch.NAME` is a class of `torch.optim`, `optax.NAME` a function of optax. What goes in and out are arrays; neither
library sees a network, and neither is imported before such a rule runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, MissingExtraError, UnknownNameError
from mlp.optimizers import Evaluation, Optimizer, State
from mlp.optimizers.optimizer import Rate


@dataclass
class OtherState(State):
    """The memory that the other library keeps, and what it works on."""

    other: Any


@dataclass
class TorchState(OtherState):
    """The same of a rule of `torch.optim`."""

    @property
    def average(self) -> Array:
        """What the rule answers with, if that is an average, as of ASGD: (*population, P). AttributeError if not."""
        averages = [values["ax"].numpy() for values in self.other.state.values() if "ax" in values]
        if not averages:
            raise AttributeError("average")
        return np.stack(averages) if len(self.other.param_groups) > 1 else np.asarray(averages[0])


@dataclass(frozen=True)
class FromTorch(Optimizer):
    """A rule of `torch.optim` by the name of its class, with its own defaults but for the learning rate and `keys`.

    Each member of a population is a parameter of its own, in a group with its own learning rate. L-BFGS, which asks for
    the loss again, is refused. MissingExtraError without torch.
    """

    rule: str = "Adam"
    learning_rate: Rate = 0.001
    keys: Mapping[str, Any] = field(default_factory=dict)

    name, keeps = "torch", TorchState

    def begin(self, params: Array) -> dict[str, Any]:
        """The optimizer of the other library, on tensors that share nothing with `params`."""
        torch = _import("torch")
        kinds = {name: kind for name, kind in vars(torch.optim).items() if isinstance(kind, type)}
        if self.rule not in kinds:
            raise UnknownNameError("rule of torch.optim", self.rule, kinds)
        if self.rule in ("LBFGS", "Optimizer"):
            raise HyperparameterError("rule", self.rule, "a rule that needs no closure")
        rows = params.reshape(-1, params.shape[-1])
        groups = [{"params": [torch.nn.Parameter(torch.tensor(row))]} for row in rows]
        return {"other": kinds[self.rule](groups, **self.keys)}

    def update(self, at: Evaluation, state: OtherState, out: Array) -> None:
        """Let it make its step, and take the difference."""
        torch = _import("torch")
        rates, size = state.pace.next(at.loss), at.params.shape[-1]
        groups = state.other.param_groups
        for group, rate in zip(groups, np.broadcast_to(np.ravel(rates), len(groups)), strict=True):
            group["lr"] = float(rate)
        places = zip(at.params.reshape(-1, size), at.grad.reshape(-1, size), out.reshape(-1, size), strict=True)
        held = [group["params"][0] for group in groups]
        with torch.no_grad():
            for tensor, (params, grad, _) in zip(held, places, strict=True):
                tensor.copy_(torch.from_numpy(params))
                tensor.grad = torch.from_numpy(grad.copy())
        state.other.step()
        for tensor, params, step in zip(held, at.params.reshape(-1, size), out.reshape(-1, size), strict=True):
            np.subtract(tensor.detach().numpy(), params, out=step)


@dataclass(frozen=True)
class FromOptax(Optimizer):
    """A rule of optax by the name of its function, with its own defaults but for the learning rate and `keys`.

    It computes in the precision of the parameters, and takes no schedule. optax has no default for the learning rate:
    0.001 is the middle of what is tried. MissingExtraError without optax.
    """

    rule: str = "adam"
    learning_rate: Rate = 0.001
    keys: Mapping[str, Any] = field(default_factory=dict)

    name, keeps, has_default = "optax", OtherState, False

    def begin(self, params: Array) -> dict[str, Any]:
        """The transformation of the other library, and its state."""
        if hasattr(self.learning_rate, "rate"):
            raise HyperparameterError("learning_rate", self.learning_rate, "a number for a rule of optax")
        make = getattr(_import("optax"), self.rule, None)
        if make is None:
            raise HyperparameterError("rule", self.rule, "the name of a rule of optax: adam, sgd, lion, ...")
        with _double():
            rate = np.asarray(self.learning_rate) if isinstance(self.learning_rate, np.ndarray) else self.learning_rate
            transformation = make(rate, **self.keys)
            return {"other": [transformation, transformation.init(_import("jax").numpy.asarray(params))]}

    def update(self, at: Evaluation, state: OtherState, out: Array) -> None:
        """Its update is the step."""
        state.pace.next(at.loss)
        transformation, memory = state.other
        as_array = _import("jax").numpy.asarray
        with _double():
            step, state.other[1] = transformation.update(as_array(at.grad), memory, as_array(at.params))
            out[...] = np.asarray(step)


TORCH_RATES = {
    "ASGD": 0.01, "Adadelta": 1.0, "Adafactor": 0.01, "Adagrad": 0.01, "Adamax": 0.002, "NAdam": 0.002, "RMSprop": 0.01,
    "Rprop": 0.01,
}  # fmt: skip
"""Defaults of `torch.optim` that are not 0.001."""
LIBRARIES: Mapping[str, type[FromTorch] | type[FromOptax]] = {"torch": FromTorch, "optax": FromOptax}


def find_other_rule(name: str) -> Optimizer | None:
    """The rule that `torch.NAME` or `optax.NAME` stands for; None for other names.

    >>> find_other_rule("torch.Adam")
    FromTorch(rule='Adam', learning_rate=0.001, keys={})
    """
    library, dot, rule = name.partition(".")
    rates = TORCH_RATES if library == "torch" else {}
    return LIBRARIES[library](rule, rates.get(rule, 0.001)) if dot and library in LIBRARIES else None


def _import(name: str) -> Any:
    """A module that may not be installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(f"a rule of {'optax' if name.startswith('jax') else name}", "bench") from None


def _double() -> Any:
    """The precision of the arrays that jax is given, and not its own single one."""
    jax = _import("jax")
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else _import("jax.experimental").enable_x64()
