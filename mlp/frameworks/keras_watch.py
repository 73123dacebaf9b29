"""A Keras model, watched: a callback for `fit`, where Keras runs on PyTorch.

There a Keras layer is a module of PyTorch, so what is watched is a PyTorch loop: the one inside of `fit`. Here stands
what Keras calls otherwise: the loss, the optimizer, and layers that have their activation inside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlp.arrays import Array
from mlp.diagnosis.findings import Findings
from mlp.errors import HyperparameterError, MissingExtraError, check_count
from mlp.frameworks.keras_layers import read_keras_chain
from mlp.frameworks.torch_modules import READ, Anatomy, Part
from mlp.frameworks.torch_watch import TorchWatch
from mlp.history import History

KINDS = {"BatchNormalization": "BatchNorm1d", "LayerNormalization": "LayerNorm", "InputLayer": "Identity"}
"""What layers are called in PyTorch, where that differs."""
NUMBERS = {
    "mean_squared_error": "MSELoss",
    "mean_absolute_error": "L1Loss",
    "huber": "HuberLoss",
    "huber_loss": "HuberLoss",
}
CLASSES = ("sparse_categorical_crossentropy", "categorical_crossentropy")


def watch_keras(model: Any, *, rows: int | None = None) -> Any:
    """A callback that watches the training of a compiled Keras 3 model, on the backend of PyTorch.

        watch = mlp.watch_keras(model)
        model.fit(X, y, callbacks=[watch])
        print(watch.findings)

    It has what `watch_torch` gives: `history`, `findings`, `unread`, `unknown`, `rows`, `experiment()`. The training is
    the same, bit for bit.
    `rows`: how many rows an epoch has, where they are changed at every step. MissingExtraError without Keras,
    HyperparameterError for what is no compiled model, and for another backend.
    """
    if not hasattr(model, "fit") or not hasattr(model, "compute_loss") or not hasattr(model, "layers"):
        raise HyperparameterError("model", model, "a model of Keras 3")
    if rows is not None:
        check_count("rows", rows)
    try:
        import keras
    except ImportError:
        raise MissingExtraError("a model of Keras", "torch") from None
    if keras.backend.backend() != "torch":
        needed = "a model on the backend of PyTorch: set the environment variable KERAS_BACKEND=torch"
        raise HyperparameterError("model", f"one on {keras.backend.backend()}", needed)
    if not getattr(model, "compiled", False):
        raise HyperparameterError("model", model, "compiled: call model.compile(optimizer, loss) first")

    return _build_callback(keras.callbacks.Callback, Attachment(model, rows))


def _build_callback(base: Any, attached: Attachment) -> Any:
    """A callback of Keras, whose base class is there only where Keras is."""

    class KerasWatch(base):  # type: ignore[misc]  # Keras is not read by mypy
        """The callback; what it does stands in `Attachment`."""

        attachment = attached

        def on_train_begin(self, logs: Any = None) -> None:
            self.attachment.attach()

        def on_train_end(self, logs: Any = None) -> None:
            self.attachment.detach()

        @property
        def history(self) -> History:
            return self.attachment.watch.history

        @property
        def findings(self) -> Findings:
            return self.attachment.watch.findings

        @property
        def unread(self) -> tuple[str, ...]:
            return self.attachment.watch.unread

        @property
        def unknown(self) -> tuple[str, ...]:
            return self.attachment.watch.unknown

        @property
        def rows(self) -> tuple[Array, Array]:
            return self.attachment.watch.rows

        def experiment(self) -> dict[str, dict[str, Any]]:
            return self.attachment.watch.experiment()

        def report(self, path: str | os.PathLike[str] | None = None) -> str | Path:
            return self.attachment.watch.report(path)

    return KerasWatch()


class Attachment:
    """Puts a watch on a model while it trains: around its `compute_loss`, and around its optimizer's `apply`."""

    def __init__(self, model: Any, rows: int | None) -> None:
        self.model, self.rows = model, rows
        self._watch: TorchWatch | None = None
        self._loss, self._read_target, self._name = find_loss(model.loss)

    @property
    def watch(self) -> TorchWatch:
        """The watch; HyperparameterError before the first `fit`."""
        if self._watch is None:
            raise HyperparameterError("watch", "one that has seen nothing", "model.fit(..., callbacks=[watch]) first")
        return self._watch

    def attach(self) -> None:
        """Begin to watch, or go on."""
        model, optimizer = self.model, KerasOptimizer(self.model.optimizer, self.model.trainable_variables)
        if self._watch is None:
            self._watch = TorchWatch(model, optimizer, self._loss, dissect_keras(model), self.rows, self._name)
        else:
            self._watch.attach(optimizer)
        watch, compute, read_target = self._watch, type(model).compute_loss, self._read_target

        def compute_loss(
            x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            value = compute(model, x, y, y_pred, sample_weight, training)
            if hasattr(y, "reshape") and hasattr(y_pred, "shape"):
                watch.note_loss(y_pred, read_target(y, y_pred), value)
            return value

        model.__dict__["compute_loss"] = compute_loss

    def detach(self) -> None:
        """Take everything off again."""
        self.model.__dict__.pop("compute_loss", None)
        if self._watch is not None:
            self._watch.optimizer.close()
            self._watch.close()


class KerasOptimizer:
    """An optimizer of Keras, asked as one of PyTorch is: hooks around its step, and its settings as a group."""

    def __init__(self, optimizer: Any, variables: Any) -> None:
        self.optimizer, self.name_of_rule = optimizer, type(optimizer).__name__
        self.params = [variable.value for variable in variables]
        self._before: Callable[..., Any] | None = None
        self._after: Callable[..., Any] | None = None

        def apply(grads: Any, trainable_variables: Any = None) -> Any:
            if self._before:
                self._before(self, (), {})
            found = type(optimizer).apply(optimizer, grads, trainable_variables)
            if self._after:
                self._after(self, (), {})
            return found

        optimizer.__dict__["apply"] = apply

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The settings under PyTorch's names."""
        own, group = (
            self.optimizer,
            {"params": self.params, "nesterov": bool(getattr(self.optimizer, "nesterov", False))},
        )
        if hasattr(own, "beta_1"):
            group["betas"] = (_number(own, "beta_1"), _number(own, "beta_2"))
        else:
            group["momentum"] = _number(own, "momentum")
        names = {"lr": "learning_rate", "eps": "epsilon", "weight_decay": "weight_decay", "amsgrad": "amsgrad"}
        names |= {"alpha": "rho", "centered": "centered", "clip": "global_clipnorm", "clipnorm": "clipnorm"}
        found = {name: _number(own, theirs) for name, theirs in names.items()}
        return [group | {name: value for name, value in found.items() if value or name in ("lr", "weight_decay")}]

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> KerasOptimizer:
        """Call `hook` before every step."""
        self._before = hook
        return self

    def register_step_post_hook(self, hook: Callable[..., Any]) -> KerasOptimizer:
        """Call `hook` after every step."""
        self._after = hook
        return self

    def remove(self) -> None:
        """Call no hook any more."""
        self._before = self._after = None

    def close(self) -> None:
        """Give the optimizer its own step back."""
        self.optimizer.__dict__.pop("apply", None)


def _number(owner: Any, name: str) -> float:
    """An attribute as a number; 0 where it is off or missing."""
    value = getattr(owner, name, None)
    return 0.0 if value is None else float(f"{float(value):.7g}")  # float32 has no more digits


def find_loss(loss: Any) -> tuple[Any, Callable[[Any, Any], Any], str]:
    """PyTorch's loss of the same name, how it wants its targets, and what kind of outputs it takes.

    A loss that is not known comes back as it is.
    """
    from torch import nn

    name = loss if isinstance(loss, str) else getattr(loss, "__name__", getattr(loss, "name", ""))
    name = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}.get(name, name)
    is_raw = bool(getattr(loss, "from_logits", False) or getattr(loss, "_fn_kwargs", {}).get("from_logits", False))
    if name in CLASSES:
        found = nn.CrossEntropyLoss() if is_raw else nn.NLLLoss()
        return found, _as_labels, "CrossEntropyLoss" if is_raw else "probabilities"
    if name == "binary_crossentropy":
        found = nn.BCEWithLogitsLoss() if is_raw else nn.BCELoss()
        return found, _as_outputs, type(found).__name__
    if name in NUMBERS:
        return getattr(nn, NUMBERS[name])(), _as_outputs, NUMBERS[name]
    if name == "poisson":
        return nn.PoissonNLLLoss(log_input=False), _as_outputs, "PoissonNLLLoss"
    return loss, _as_outputs, ""


def _as_labels(target: Any, outputs: Any) -> Any:
    """Class labels (n,), of labels (n, 1) or of rows with a 1 at the class."""
    is_one_hot = target.ndim == 2 and target.shape[1] == outputs.shape[-1] > 1
    return (target.argmax(1) if is_one_hot else target.reshape(-1)).long()


def _as_outputs(target: Any, outputs: Any) -> Any:
    """Targets in the shape of the outputs: Keras makes them so before it compares."""
    found = target.to(outputs.dtype)
    return found.reshape(outputs.shape) if found.numel() == outputs.numel() else found


def dissect_keras(model: Any) -> Anatomy:
    """The anatomy of a model of Keras: its layers without layers inside."""
    layers = list(_leaves(model))
    parts = [Part(layer.name, KINDS.get(type(layer).__name__, type(layer).__name__), layer) for layer in layers]
    params = {layer.name: [v.value for v in layer.trainable_variables] for layer in layers if layer.trainable_variables}
    unread = tuple(part.name for part in parts if part.kind not in READ | {"Activation", "Add"})
    return Anatomy(parts, params, unread, read_keras_chain, {"training": False})


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer
