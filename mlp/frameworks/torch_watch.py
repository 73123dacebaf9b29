"""A PyTorch loop, watched: hooks on the model, the loss and the optimizer, and nothing to be written in the loop.

The hooks read and return nothing, draw no random numbers and leave no tensor behind, so a loop trains the same, bit
for bit, with and without them. What a loop evaluates without gradients is told apart from what it trains on.
"""

from __future__ import annotations

import os
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis.findings import Findings
from mlp.errors import HyperparameterError, check_count
from mlp.experiment.before_training import note_once
from mlp.frameworks.evaluations import Evaluations, score
from mlp.frameworks.gradients import Gradients
from mlp.frameworks.rows import RowsMet
from mlp.frameworks.targets import decide, find_task, name_loss
from mlp.frameworks.torch_facts import (
    Start,
    answer_rows,
    ask_reference,
    is_default_start,
    is_linear,
    last_link,
    note_output_loss_mismatch,
    read_settings,
)
from mlp.frameworks.torch_modules import Anatomy, as_numbers, dissect, find_activation
from mlp.frameworks.torch_nodes import Look, Units, record_look, record_start
from mlp.frameworks.verdict import judge_loop, note_rows
from mlp.history import History
from mlp.model import quiet
from mlp.run_page import build_recording_report
from mlp.storage.atomic import write_file

LOOK = 97  # steps from one look at the nodes to the next: a look takes about a third of a small step
ROWS = 2048  # that stand for an epoch, where nobody knows how many it has
CHECKED = 20  # steps whose gradients are looked at before backward


def watch_torch(model: Any, optimizer: Any, loss: Any, *, rows: int | None = None) -> TorchWatch:
    """Watch the training of a PyTorch model; call it once, before the loop. The loop itself stays as it is.

        watch = mlp.watch_torch(model, optimizer, loss)
        for X, y in loader:
            ...
        print(watch.findings)

    `loss` is a module, `nn.CrossEntropyLoss()`. Of a function, `F.cross_entropy`, or one of your own, write
    `loss = watch.loss` and call that: it calls yours. `rows`: how many rows an epoch has; without it that is found out
    when the first rows come again. HyperparameterError for what is no model, optimizer or loss.
    """
    if not hasattr(model, "named_modules") or not hasattr(model, "register_forward_hook"):
        raise HyperparameterError("model", model, "a torch.nn.Module")
    if not hasattr(optimizer, "register_step_pre_hook"):
        raise HyperparameterError("optimizer", optimizer, "an optimizer of torch.optim, of torch 2.0 or later")
    if not callable(loss):
        raise HyperparameterError("loss", loss, "a loss: nn.CrossEntropyLoss(), or a function of outputs and targets")
    if rows is not None:
        check_count("rows", rows)
    return TorchWatch(model, optimizer, loss, dissect(model), rows)


class TorchWatch:
    """What was recorded of a PyTorch loop, and what it means.

    `history`: the columns that a run of this package records too. `findings`: the verdict on it; whoever asks has the
    kept rows answered once, without gradients, and maybe a plain network trained beside them (numpy, half a second).
    `unread`: the modules whose nodes could not be read. `unknown`: what else could not be seen, in sentences.
    `takes`: what the loss takes for outputs, where its name does not say it.
    """

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, anatomy: Anatomy, rows: int | None, takes: str = ""
    ) -> None:
        self.model, self.optimizer, self.history = model, optimizer, History()
        self.unread, self._parts, self._in_use = anatomy.unread, anatomy.parts, anatomy.in_use
        self._loss, self._takes = loss, takes
        self._rows = RowsMet(rows)
        self._given: Array | None = None
        self._losses: list[Any] = []
        self._gradients = Gradients(self.history, anatomy.layers, _value, _grad)
        self._columns = [self.history.column(name) for name in ("loss", "learning_rate", "epoch")]
        self._evaluations = Evaluations(self.history)
        self._look: Look | None = None
        self._units: Units | None = None
        self._next_units = 0
        self._passes = 0
        self._start = Start(False, False)
        self._is_asking = self._is_inside = False
        self._shape: tuple[int, ...] = ()
        self.steps = 0
        self._batch = 0
        self._seen = 0
        self._n_out = 0
        self._first_rate = _rate(optimizer)
        self._rates = 0.0
        self.attach(optimizer)

    def attach(self, optimizer: Any) -> None:
        """Hang the hooks on the model, the optimizer and the loss; after `close`, to go on."""
        self.optimizer = optimizer
        self._hooks = [
            self.model.register_forward_hook(self._on_forward),
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]
        if hasattr(self._loss, "register_forward_hook"):
            hook = self._loss.register_forward_hook(lambda _, given, value: self._on_loss(given, value))
            self._hooks.append(hook)
        self._prepare()

    def loss(self, outputs: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        """The loss of the loop, noted: for losses that are functions."""
        value = self._loss(outputs, target, *args, **kwargs)
        if not hasattr(self._loss, "register_forward_hook"):
            self._on_loss((outputs, target), value)
        return value

    def close(self) -> None:
        """Take all hooks off. What was recorded stays."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        if self._look is not None:
            self._look.close()
            self._look = None

    def note_loss(self, outputs: Any, target: Any, value: Any) -> None:
        """Note a loss that was computed elsewhere."""
        self._on_loss((outputs, target), value)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be seen, one sentence each."""
        said = [f"{name}: its nodes are not read, its gradients are." for name in self.unread]
        if not self.steps:
            said.append("No step was seen: is this the optimizer of the loop?")
        if not self._passes:
            said.append("No loss was seen: call the loss that was given, or watch.loss where that is a function.")
        elif "reference_loss" not in self.history and self.history.get("loss") is not None:
            said.append(f"The best constant answer of {name_loss(self._loss)} is not known: the first loss stands in.")
        if self._rows.n_rows is None:
            said.append("How many rows an epoch has was not seen; watch_torch(..., rows=) says it.")
        return tuple(said)

    @property
    def findings(self) -> Findings:
        """The verdict on what was recorded until now, and what could not be seen for it."""
        self._settle()
        return judge_loop(self.history)

    def report(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """What was recorded until now as a page of HTML: its text, or with `path` the path of the file written."""
        size = sum(p.numel() for p in self.model.parameters() if p.is_floating_point())
        name = f"{type(self.model).__name__}, {size} parameters"
        title = f"A loop of {self.steps} steps: {type(self.optimizer).__name__}"
        text = build_recording_report(title, name, self.history, self.findings, self.unknown)
        return text if path is None else write_file(path, text.encode())

    # what the hooks call

    def _on_forward(self, _: Any, given: Any, outputs: Any) -> None:
        """Keep the rows that went in for the loss that follows."""
        self._given = None
        if not self._rows.is_open and getattr(outputs, "requires_grad", False):
            return
        x: Any = given[0] if given and not self._is_asking else None
        if getattr(x, "is_floating_point", bool)() and x.dim() > 1:
            is_training = getattr(outputs, "requires_grad", False)
            if self._rows.is_open or not is_training:
                self._given, self._shape = as_numbers(x).reshape(len(x), -1), tuple(x.shape[1:])

    def _on_loss(self, given: Any, value: Any) -> None:
        """Note a loss: one to train on, or one of an evaluation."""
        if self._is_asking or len(given) < 2 or not hasattr(value, "requires_grad"):
            return
        outputs, target = given[0], given[1]
        mean = value.detach().mean() if value.dim() else value.detach()
        if getattr(self._loss, "reduction", "") == "sum":
            mean = mean / max(1, len(outputs))
        if not value.requires_grad:
            self._note_evaluation(outputs, target, float(mean))
            return
        if not self._losses and self.steps < CHECKED:
            value.register_hook(lambda _: self._on_backward())
        self._losses.append(mean)
        self._passes += 1
        self._seen += len(outputs) if outputs.dim() else 1
        if self._rows.is_open and self._given is not None and getattr(target, "dim", None) is not None:
            numbers = as_numbers(target)
            if numbers.ndim and len(numbers) == len(self._given):
                self._rows.add_batch(self._given, numbers)
        if self._passes == 1:
            self._begin(outputs, target)

    def _on_backward(self) -> None:
        """Note whether gradients of an earlier step are still there."""
        if self.steps:
            old = [p.grad for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
            self.history.append("uncleared_gradients", float(any(bool(g.any()) for g in old)), self.steps)

    def _before_step(self, _: Any, args: Any, kwargs: Any) -> None:
        """Record the loss and the gradients of a step that is about to be made."""
        closures = [given for given in (*args, *kwargs.values()) if callable(given)]  # the optimizer itself is none
        self._is_inside = bool(closures)
        if not closures:  # else the gradients come inside of the step
            self._gradients.before(self.steps, wanted=self.steps % LOOK == 0)

    def _after_step(self, *_: Any) -> None:
        """Record what the step did, and prepare the next."""
        if not self._losses:
            return
        step, history = self.steps, self.history
        if self._is_inside:
            self._gradients.before(step)
        value = float(sum(self._losses)) / len(self._losses) if len(self._losses) > 1 else float(self._losses[0])
        rate = _rate(self.optimizer)
        for column, number in zip(self._columns, (value, rate, self._epoch()), strict=True):
            column.steps.append(step)
            column.values.append(number)
        self._rates += rate
        self._gradients.after(step)
        if self._look is not None and self._look.passages:
            self._record_nodes(self._look)
        if self._units is not None and step + 1 >= self._units.start + self._window:
            self._units.note_shares(history, step)
            self._units, self._next_units = None, step + max(150, 4 * self._window)
        self._losses = []
        self.steps += 1
        self._prepare()

    # nodes

    def _prepare(self) -> None:
        """Hang the hooks of the next step, if it is looked at."""
        if self._units is None and self.steps >= self._next_units:
            self._units = Units(self.steps)
        wanted = self.steps % LOOK == 0 or not (self._units is None or self._units.is_settled)
        if wanted and self._look is None:
            self._look = Look(self._parts)
        elif self._look is not None:
            self._look.forget()
            if not wanted:
                self._look.close()
                self._look = None

    @property
    def _window(self) -> int:
        """Steps over which units are looked at: an epoch, where that is known and not long."""
        if self._rows.n_rows is None:
            return max(32, ROWS // max(1, self._batch))
        return min(1000, max(1, self._rows.n_rows // max(1, self._batch)))

    def _record_nodes(self, look: Look) -> None:
        step, units = self.steps, self._units
        if step % LOOK == 0:
            is_single = len(self._losses) == 1
            grads = dict(zip(self._gradients.grads.labels, self._gradients.squares, strict=True))
            of_dense = sum(grads.get(p.name, nan) for p in look.dense)
            record_look(self.history, look, step, of_dense if is_single else nan)
        if units is not None:
            units.look(look)

    def _epoch(self) -> int:
        """How often the rows were gone through before, where that is known."""
        return max(0, self._seen - 1) // self._rows.n_rows if self._rows.n_rows else 0

    # the beginning and the end

    def _begin(self, outputs: Any, target: Any) -> None:
        """Note what the first batch says of outputs and targets, and the first weights."""
        answers = as_numbers(outputs)
        self._batch = len(answers) if answers.ndim else 1
        self._n_out = answers.shape[1] if answers.ndim > 1 else 1
        with quiet():
            kind = find_activation(outputs) or last_link(self._parts)
            note_output_loss_mismatch(
                self.history, self._takes or name_loss(self._loss), kind, answers, as_numbers(target)
            )
            if self._given is not None:
                size = float(np.sqrt(np.square(self._given, dtype=np.float64).mean()))
                note_once(self.history, "input_size", size)
            if self._look is not None:
                record_start(self.history, self._look)
                self._start = Start(is_default_start(self._look), is_linear(self._look))

    def _note_evaluation(self, outputs: Any, target: Any, value: float) -> None:
        """Note a batch that was evaluated, if it holds rows that are not trained on."""
        if self._given is not None and self._rows.share_known(self._given) < 0.1:
            self._evaluations.note_batch(self.steps, value, as_numbers(outputs), as_numbers(target), self._loss)

    def _settle(self) -> None:
        """Note what is known at the end: the settings, the best constant answer, scores on the kept rows."""
        if not self.steps:
            if self._passes:
                note_once(self.history, "missing_updates", self._passes)
                note_once(self.history, "loss", float(self._losses[-1]))
            return
        self._evaluations.flush(self.steps)
        kept = self._rows.kept()
        numbers = {
            "learning_rate": self._first_rate,
            "mean_rate": self._rates / self.steps,
            "train_scored": 0 if kept is None else len(kept[0]),
            "validation_scored": self._evaluations.n_rows,
            "batch_size": self._batch,
            **read_settings(self._parts, self.optimizer, self._start, is_read=not self.unread),
        }
        if rows := self._rows.n_rows:
            epochs = max(1, round(self._seen / rows))
            numbers |= {"rows": rows, "epochs": epochs, "planned_steps": self.steps}
        note_once(self.history, "settings", [float(v) for v in numbers.values()], list(numbers))
        if kept is not None:
            self._is_asking = True
            try:
                self._note_rows(*kept)
            finally:
                self._is_asking = False

    def _note_rows(self, X: Array, target: Array) -> None:
        """Note the best constant answer, how the kept rows are answered now, and facts about them."""
        name = name_loss(self._loss)
        found = ask_reference(self._loss, target, self._n_out, self.model)
        if found is not None:
            note_once(self.history, "reference_loss", found)
        task = find_task(name, target, self._n_out)
        answers = answer_rows(self.model, X.reshape(len(X), *self._shape), self._in_use)
        if not task or answers is None or len(answers) != len(target):
            return
        with quiet():
            right = score(decide(self._loss, answers, target), target, task)
        column = "train_r2" if task == "regression" else "train_accuracy"
        if column not in self.history or self.history.steps(column)[-1] < self.steps - 1:  # asked twice, noted once
            self.history.append(column, right, self.steps - 1)
        y = target.reshape(-1).astype(int) if task == "classification" else target
        note_rows(self.history, X, y, task, self.steps)


def _value(parameter: Any) -> Array:
    return as_numbers(parameter)


def _grad(parameter: Any) -> Array | None:
    if (grad := parameter.grad) is None:
        return None
    try:
        found: Array = grad.numpy()  # 0.5 µs, and 4 with the questions below
        return found
    except (RuntimeError, TypeError):  # on another device, sparse, half precision, or differentiable
        return as_numbers(grad.to_dense() if grad.is_sparse else grad)


def _rate(optimizer: Any) -> float:
    return float(optimizer.param_groups[0].get("lr", nan))
