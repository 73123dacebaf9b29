"""Progress and alarms on standard error, on a terminal only; and a line for each layer that was pretrained."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mlp.diagnosis import Finding
from mlp.errors import visible
from mlp.experiment import Epoch, Setup, State, Stop
from mlp.experiment.loop import Companion, pretrain
from mlp.training import Step

if TYPE_CHECKING:
    from mlp.grid_search.plan import SearchProgress
    from mlp.optimizer_bench import BenchProgress

PAUSE = 0.2
"""Seconds between two lines about an epoch that takes long."""

P = TypeVar("P", "BenchProgress", "SearchProgress")


def show_epochs(epochs: Iterator[Epoch], n_epochs: int) -> Iterator[Epoch]:
    """Hand on `epochs`; on a terminal show how far they are, with tqdm where it is installed, and alarms above that.

    An alarm may turn out to be a false one: the verdict at the end counts.
    """
    if not sys.stderr.isatty():
        yield from epochs
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield from _overwrite_line(epochs)
        return
    with tqdm(total=n_epochs, unit="epoch", leave=False) as bar:
        for epoch in epochs:
            for alarm in epoch.alarms:
                bar.write(alarm_line(epoch, alarm), file=sys.stderr)
            bar.set_postfix_str(_state(epoch), refresh=False)
            bar.update()
            yield epoch


class StepProgress(Companion):
    """Shows on a terminal, some times a second, how far an epoch is that takes long."""

    def __init__(self, setup: Setup, state: State) -> None:
        self.setup, self.state = setup, state

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps."""
        return self._show(steps) if sys.stderr.isatty() else steps

    def _show(self, steps: Iterator[Step]) -> Iterator[Step]:
        shown = time.monotonic()
        for step in steps:
            if time.monotonic() - shown > PAUSE:
                shown = time.monotonic()
                share = f"step {len(self.state.losses)}/{self.setup.steps_per_epoch}"
                _show(f"epoch {self.state.epoch + 1}, {share}  loss {float(np.min(step.loss)):.4g}")
            yield step


def _overwrite_line(epochs: Iterator[Epoch]) -> Iterator[Epoch]:
    """One line that is written over and over, and gone at the end."""
    try:
        for epoch in epochs:
            for alarm in epoch.alarms:
                print(f"\r\033[K{alarm_line(epoch, alarm)}", file=sys.stderr)
            print(
                f"\r\033[Kepoch {epoch.number}/{epoch.n_epochs}  {_state(epoch)}",
                end="",
                file=sys.stderr,
                flush=True,
            )
            yield epoch
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def alarm_line(epoch: Epoch, alarm: Finding) -> str:
    """What was found in an epoch, and the likeliest cause."""
    cause = f" ({alarm.causes[0].name}: {alarm.causes[0].remedy})" if alarm.causes else ""
    return visible(f"epoch {epoch.number}: {alarm.severity}: {alarm.kind}: {alarm.message}{cause}")


def _state(epoch: Epoch) -> str:
    """How it goes: training loss, and the score on validation."""
    shown = [f"loss {epoch.train_loss:.4g}"]
    shown += [f"validation {name} {value:.4g}" for name, value in epoch.validation.items() if name != "loss"]
    return ", ".join(shown)


def show_trials(steps: Iterable[BenchProgress]) -> Iterator[BenchProgress]:
    """Hand on the progress of a bench; on a terminal show trials done, time left and the last trial."""
    return _show_progress(steps, lambda trial: f"{trial['kind']} {trial['rule']} on {trial['problem']}")


def show_search(steps: Iterable[SearchProgress]) -> Iterator[SearchProgress]:
    """Hand on the progress of a search; on a terminal show trials done, time left and the last trial."""
    return _show_progress(steps, lambda trial: f"{len(trial['members'])} networks on fold {trial['fold']}")


def _show_progress(steps: Iterable[P], describe: Callable[[Any], str]) -> Iterator[P]:
    """Hand on the progress; on a terminal one line is written over and over."""
    if not sys.stderr.isatty():
        yield from steps
        return
    start, fresh = time.monotonic(), 0
    try:
        for step in steps:
            fresh += not step.outcome.recalled
            line = _describe_trial(step, time.monotonic() - start, fresh, describe(step.outcome.trial))
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            yield step
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _describe_trial(step: Any, seconds: float, fresh: int, what: str) -> str:
    """One line: how many trials are done, how much time is left at the same speed, which trial was last."""
    left = f", {timedelta(seconds=round(seconds / fresh * (step.total - step.done)))} left" if fresh else ""
    return f"trial {step.done}/{step.total}{left}: {what}"


def show_pretraining(setup: Setup, state: State, stop: Stop) -> Iterator[str]:
    """Pretrain, if that is asked for; yield what became of each layer. Of a population the mean is shown."""
    if setup.pretrainer is None:
        return
    title = "pretrain"
    for layer, facts in groupby(pretrain(setup, state, stop), attrgetter("layer")):
        errors = []
        for fact in facts:
            errors.append(float(np.mean(fact.error)))
            _show(f"{layer}, epoch {fact.number}: {errors[-1]:.0%} of the variance is lost")
        _show("")
        epochs = f"{len(errors) - 1} epochs of {setup.pretrainer.name}"
        yield f"{title:10}{layer}: {errors[0]:.0%} → {errors[-1]:.0%} of the variance lost, {epochs}"
        title = ""


def _show(line: str) -> None:
    """Write over the last line of standard error, if that is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
