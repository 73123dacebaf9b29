"""A PyTorch loop, watched: hooks on the model, the loss and the optimizer, and nothing to be written in the loop.

The hooks read and return nothing, draw no random numbers and leave no tensor behind, so a loop trains the same, bit
for bit, with and without them. What a loop evaluates without gradients is told apart from what it trains on.
"""

from __future__ import annotations

import os
from math import isfinite, nan
from pathlib import Path
from typing import Any

from mlp.arrays import Array
from mlp.diagnosis.findings import Findings
from mlp.errors import ConfigError, DataError, HyperparameterError, check_count
from mlp.experiment.before_training import note_once
from mlp.frameworks.evaluations import Evaluations
from mlp.frameworks.gradients import Gradients
from mlp.frameworks.loop_experiment import Loop, describe_loop, find_clipping
from mlp.frameworks.losses_met import CHECKED, LossesMet
from mlp.frameworks.rows import RowsMet
from mlp.frameworks.targets import KNOWN, name_loss
from mlp.frameworks.torch_end import Asked, note_kept_rows
from mlp.frameworks.torch_facts import FirstBatch, list_modal, note_first_batch, read_settings
from mlp.frameworks.torch_hooks import Hook
from mlp.frameworks.torch_looks import Looks
from mlp.frameworks.torch_modules import Anatomy, as_numbers, dissect, is_made_by, read_grad, read_rate
from mlp.frameworks.verdict import judge_loop
from mlp.history import History
from mlp.run_page import build_recording_report
from mlp.storage.atomic import write_file


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
    `experiment()`: the loop as an experiment, for `mlp.repair`, and `rows`: the rows that were kept of it.
    `unread`: the modules whose nodes could not be read. `unknown`: what else could not be seen, in sentences.

    It may stand in a `with`, which takes the hooks off at its end.
    """

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, anatomy: Anatomy, rows: int | None, takes: str = ""
    ) -> None:
        self.model, self.optimizer, self.history = model, optimizer, History()
        self.unread, self._anatomy = anatomy.unread, anatomy
        self._loss, self._takes = loss, takes
        self._is_sum = getattr(loss, "reduction", "") == "sum"
        self._rows = RowsMet(rows)
        self._given: Array | None = None
        self._losses = LossesMet(self._has_old_gradients, self._note_old_gradients)
        self._gradients = Gradients(self.history, anatomy.layers, as_numbers, read_grad)
        self._looks = Looks(self.history, anatomy.parts, self._gradients, self._rows)
        columns = [self.history.column(name) for name in ("loss", "learning_rate", "epoch")]
        self._puts = [(column.steps.append, column.put()) for column in columns]
        self._evaluations = Evaluations(self.history)
        self._first = FirstBatch()
        self._is_asking = self._is_inside = self._has_run = False
        self._shape: tuple[int, ...] = ()
        self.steps = self._unheard = 0
        self._hooks: list[Any] = []
        self._first_rate = read_rate(optimizer)
        self._rates = 0.0
        self.attach(optimizer)

    def attach(self, optimizer: Any) -> None:
        """Hang the hooks on the model, the optimizer and the loss; after `close`, to go on."""
        self.close()
        self.optimizer = optimizer
        self._hooks = [
            self.model.register_forward_hook(Hook(self._on_forward), with_kwargs=True),
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]
        if hasattr(self._loss, "register_forward_hook"):
            self._hooks.append(self._loss.register_forward_hook(Hook(self._on_call), with_kwargs=True))
        self._looks.prepare(self.steps)

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
        self._looks.close()

    def __enter__(self) -> TorchWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note_loss(self, outputs: Any, target: Any, value: Any) -> None:
        """Note a loss that was computed elsewhere."""
        self._on_loss((outputs, target), value)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be seen, one sentence each."""
        said = [f"{name}: its nodes are not read, its gradients are." for name in self.unread]
        if hasattr(self.model, "_orig_mod"):
            said.append("The model is compiled: its nodes are not read, its gradients are.")
        losses = self._losses
        if not losses.passes:
            said.append("No loss was seen: call the loss that was given, or watch.loss where that is a function.")
        elif not self.steps and self._first.has_moved:
            said.append("Weights moved, and not by the optimizer that was given: give the one of the loop.")
        elif not self.steps:
            said.append("No step was seen: is this the optimizer of the loop?")
        elif name_loss(self._loss) not in KNOWN or self._rows.kept() is None:
            said.append(f"The best constant answer of {name_loss(self._loss)} is not known: the first loss stands in.")
        if self.steps and self._unheard:
            said.append(f"{self._unheard} steps were made without a loss that was seen: they are not recorded.")
        if losses.times_backward > 1.5:
            said.append(f"Each loss went backward {losses.times_backward:.2g} times: its gradients add up.")
        if self._rows.n_rows is None:
            said.append("How many rows an epoch has was not seen; watch_torch(..., rows=) says it.")
        rates = sorted({float(group.get("lr", nan)) for group in self.optimizer.param_groups})
        if len(rates) > 1:
            said.append(f"Groups of parameters have rates from {rates[0]:g} to {rates[-1]:g}; the first counts.")
        if limit := find_clipping(self.history):
            said.append(f"Most gradients are {limit:g} long, as if they were cut to that: longer ones were not seen.")
        return tuple(said)

    @property
    def findings(self) -> Findings:
        """The verdict on what was recorded until now, and what could not be seen for it."""
        self._settle()
        return judge_loop(self.history)

    @property
    def rows(self) -> tuple[Array, Array]:
        """Rows that were trained on, X (n, n_features) and their targets, at most 2,048 of them."""
        kept = self._rows.kept()
        if kept is None:
            raise DataError("no rows were kept: give the rows that the loop trained on yourself.")
        return kept

    def experiment(self) -> dict[str, dict[str, Any]]:
        """The loop as an experiment: `mlp.run(watch.experiment(), (X, y))`, and `mlp.repair` in the same way.

        Network, loss, rule with its settings, batches, epochs, whether rows were shuffled, and where first weights came
        from, not what they were. ConfigError names in one line what no experiment can say: a layer, a rule, a schedule.
        """
        if not self.steps:
            raise ConfigError(" ".join(self.unknown))
        self._settle()
        kept, losses, rows = self._rows.kept(), self._losses, self._rows
        likes = [p for group in self.optimizer.param_groups for p in group["params"] if p.requires_grad]
        loop = Loop(
            chain=self._anatomy.read_chain(self.model),
            loss=self._loss,
            takes=self._takes,
            rule=getattr(self.optimizer, "name_of_rule", type(self.optimizer).__name__),
            groups=self.optimizer.param_groups,
            history=self.history,
            first=self._first.weights,
            trained=frozenset(map(id, likes)),
            target=None if kept is None else kept[1],
            batch=self._first.batch,
            n_losses=max(1, round(losses.passes / self.steps)),
            share=losses.factor_of_step,
            rows=rows.n_rows if rows.n_rows else rows.met if rows.met == losses.rows else None,
            epochs=round(losses.rows / max(1, rows.n_rows or rows.met)),
            is_shuffled=rows.is_shuffled,
            held_out=self._evaluations.n_rows,
            dtype="float64" if any(p.dtype.itemsize == 8 for p in likes) else "float32",
        )
        return describe_loop(loop)

    def report(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """What was recorded until now as a page of HTML: its text, or with `path` the path of the file written."""
        size = sum(p.numel() for p in self.model.parameters() if p.is_floating_point())
        name = f"{type(self.model).__name__}, {size} parameters"
        title = f"A loop of {self.steps} steps: {type(self.optimizer).__name__}"
        text = build_recording_report(title, name, self.history, self.findings, self.unknown)
        return text if path is None else write_file(path, text.encode())

    # what the hooks call

    def _on_forward(self, _: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Keep the rows that went in for the loss that follows."""
        self._given, self._has_run = None, True
        is_training = getattr(outputs, "requires_grad", False)
        if self._is_asking or (is_training and not self._rows.is_open):
            return
        x: Any = next(iter((*args, *kwargs.values())), None)
        if getattr(x, "is_floating_point", bool)() and x.dim() > 1:
            self._given, self._shape = as_numbers(x).reshape(len(x), -1), tuple(x.shape[1:])

    def _on_call(self, _: Any, args: Any, kwargs: Any, value: Any) -> None:
        """Note a loss that is a module."""
        self._on_loss((*args, *kwargs.values()) if kwargs else args, value)

    def _on_loss(self, given: Any, value: Any) -> None:
        """Note a loss: one to train on, or one of an evaluation."""
        if self._is_asking or len(given) < 2 or not hasattr(value, "requires_grad"):
            return
        outputs, target = given[0], given[1]
        n, x = outputs.shape[0] if outputs.dim() else 1, self._given
        if not self._has_run and value.requires_grad and not is_made_by(value, self._gradients.layers):
            return  # the loss of another model
        self._given, self._has_run = None, False
        mean = value.detach().mean() if value.dim() else value.item() if value.device.type == "cpu" else value.detach()
        if self._is_sum:
            mean = mean / max(1, n)
        if not value.requires_grad:
            self._note_evaluation(x, outputs, target, float(mean))
            return
        self._losses.add_loss(value, mean, n, n if self._is_sum else 1)
        if x is not None and self._rows.is_open and getattr(target, "dim", None) is not None:
            numbers = as_numbers(target)
            if numbers.ndim and len(numbers) == len(x):
                self._rows.add_batch(x, numbers)
        if self._losses.passes == 1:
            name, parts = self._takes or name_loss(self._loss), self._anatomy.parts
            self._first = note_first_batch(self.history, name, parts, self._looks.look, (x, outputs, target))
            self._looks.batch = self._first.batch

    def _has_old_gradients(self) -> bool:
        """Whether there are gradients, before backward makes new ones."""
        old = [p.grad for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        return any(bool(g.any()) for g in old)

    def _note_old_gradients(self, there_are: bool) -> None:
        self.history.append("uncleared_gradients", float(there_are), self.steps)

    def _before_step(self, _: Any, args: Any, kwargs: Any) -> None:
        """Record the gradients of a step that is about to be made."""
        if len(args) > 1 or kwargs:  # args[0] is the optimizer
            self._is_inside = any(callable(given) for given in (*args, *kwargs.values()))
        if self._is_inside:  # there the gradients come
            self._gradients.keep_weights(self.steps)
        elif self._losses.n:
            if self.steps < CHECKED:
                self.history.append("missing_gradients", float(not self._gradients.are_there), self.steps)
            wanted = self._looks.look is not None or not isfinite(self._losses.total)
            self._gradients.before(self.steps, wanted=wanted)

    def _after_step(self, *_: Any) -> None:
        """Record what the step did, and prepare the next."""
        losses, step = self._losses, self.steps
        if not losses.n:
            self._unheard += 1
            return
        if self._is_inside:
            self._gradients.before(step)
        n_losses, rate = losses.n, read_rate(self.optimizer)
        value = losses.take(is_closure=self._is_inside)
        self._rates += rate
        n_rows = self._rows.n_rows
        epoch = max(0, losses.rows - 1) // n_rows if n_rows else 0
        for (put_step, put), number in zip(self._puts, (value, rate, epoch), strict=True):
            put_step(step)
            put(number)
        self._gradients.after(step)
        self._is_inside = False
        self.steps = step + 1
        if self.steps >= self._looks.due:
            self._looks.note_look(step, n_losses)
            self._looks.prepare(self.steps)

    # the end

    def _note_evaluation(self, x: Array | None, outputs: Any, target: Any, value: float) -> None:
        """Note a batch that was evaluated, if it holds rows that are not trained on."""
        if x is not None and self._rows.share_known(x) < 0.1:
            if list_modal(self._anatomy.parts, is_training=True):
                note_once(self.history, "training_mode", 1.0)
            self._evaluations.note_batch(self.steps, value, as_numbers(outputs), as_numbers(target), self._loss)

    def _settle(self) -> None:
        """Note what is known at the end: the settings, the best constant answer, scores on the kept rows."""
        losses, kept = self._losses, self._rows.kept()
        if not self.steps:
            if losses.passes and not self._first.has_moved:
                note_once(self.history, "missing_updates", losses.passes)
                note_once(self.history, "loss", float(losses.total) / losses.n)
            return
        if self._rows.n_lost:
            note_once(self.history, "non_finite_rows", self._rows.n_lost)
        self._evaluations.flush(self.steps)
        parts, start = self._anatomy.parts, self._first.start
        numbers = {
            "learning_rate": self._first_rate,
            "mean_rate": self._rates / self.steps,
            "train_scored": 0 if kept is None else len(kept[0]),
            "validation_scored": self._evaluations.n_rows,
            "batch_size": self._first.batch,
            **read_settings(parts, self.optimizer, start, is_read=not self.unread),
        }
        if rows := self._rows.n_rows:
            epochs = max(1, round(losses.rows / rows))
            numbers |= {"rows": rows, "epochs": epochs, "planned_steps": self.steps}
        note_once(self.history, "settings", [float(v) for v in numbers.values()], list(numbers))
        if kept is not None:
            self._is_asking = True
            try:
                asked = Asked(self.model, self._loss, self._first.n_out, self._shape, self._anatomy.in_use)
                note_kept_rows(self.history, asked, *kept, self.steps)
            finally:
                self._is_asking = False
