"""What a PyTorch model and its loss answer when a watch asks: outputs for kept rows, the best constant answer.

They are asked without gradients and in the mode of use, and each mode is put back. Hooks of others are not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mlp.arrays import Array
from mlp.experiment.before_training import note_once
from mlp.frameworks.evaluations import score
from mlp.frameworks.targets import best_constant_loss, decide, find_task, name_loss
from mlp.frameworks.torch_modules import as_numbers
from mlp.frameworks.verdict import note_rows
from mlp.history import History
from mlp.model import quiet


class Asked(NamedTuple):
    """A model whose rows have this shape, and a loss of `n_out` outputs. `in_use`: keywords of a call of the model."""

    model: Any
    loss: Any
    n_out: int
    shape: tuple[int, ...]
    in_use: Mapping[str, Any]


def note_kept_rows(history: History, asked: Asked, X: Array, target: Array, steps: int) -> None:
    """Note the best constant answer, how kept rows X are answered after so many steps, and facts about them."""
    name = name_loss(asked.loss)
    found = ask_reference(asked.loss, target, asked.n_out, asked.model)
    if found is not None:
        note_once(history, "reference_loss", found)
    answers = answer_rows(asked.model, X.reshape(len(X), *asked.shape), asked.in_use)
    task = find_task(name, target, asked.n_out)
    if not task or answers is None or len(answers) != len(target):
        return
    with quiet():
        right = score(decide(asked.loss, answers, target), target, task)
    column = "train_r2" if task == "regression" else "train_accuracy"
    if column not in history or history.steps(column)[-1] < steps - 1:  # asked twice, noted once
        history.append(column, right, steps - 1)
    y = target.reshape(-1).astype(int) if task == "classification" else target
    note_rows(history, X, y, task, steps)


def answer_rows(model: Any, X: Array, in_use: Mapping[str, Any]) -> Array | None:
    """The outputs for rows as in use: no gradients, no dropout, no statistics that move. Each mode is put back."""
    import torch

    modes = [(module, module.training) for module in model.modules()]
    like = next((p for p in model.parameters() if p.is_floating_point()), None)  # Keras keeps seeds as parameters
    if like is None:
        return None
    try:
        model.eval()
        with torch.no_grad():
            return as_numbers(model(torch.as_tensor(X, dtype=like.dtype, device=like.device), **in_use))
    except (RuntimeError, ValueError, TypeError, AttributeError):  # a model that takes more than rows
        return None
    finally:
        for module, mode in modes:
            module.training = mode


def ask_reference(loss: Any, target: Array, n_out: int, model: Any) -> float | None:
    """The loss of the best constant answer to these targets."""
    import torch

    device = next((p.device for p in model.parameters()), "cpu")
    with torch.no_grad(), quiet():
        return best_constant_loss(loss, torch.as_tensor(target, device=device), n_out)
