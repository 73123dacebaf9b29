"""What stands on the page of a run that goes on: how far it is, what was recorded, which alarms there were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from mlp.diagnosis import Finding
from mlp.experiment import Run
from mlp.experiment.loop import Companion, Epoch
from mlp.experiment.setup import Setup
from mlp.experiment.state import State
from mlp.history import History
from mlp.live_view.feed import Feed
from mlp.live_view.records import NewRecords, Records, add_records
from mlp.live_view.server import serve_feed
from mlp.page import build_page, to_page_data
from mlp.preprocessing import Prepared
from mlp.preprocessing.source import short_name
from mlp.run_page import (
    SCRIPTS,
    STYLES,
    Described,
    describe_findings,
    describe_history,
    describe_network,
    describe_run,
    number,
    say_how_to_repeat,
)

LIVE = "mlp.live_view/live.js"


class Moment(NamedTuple):
    """A training on its way: the `records` that are new, and all `alarms` and the latest epoch until now."""

    steps: int
    seconds: float
    records: list[Records]
    alarms: tuple[Finding, ...]
    latest: Epoch | None


class LiveView(Companion):
    """Hands a training on to those who look at it. `address`: where."""

    address = ""

    def __init__(self, setup: Setup, state: State) -> None:
        self.setup, self.state, self.feed = setup, state, Feed(self._tell)
        self._new, self._shown = NewRecords(state.history), History()
        self._alarms: tuple[Finding, ...] = ()
        self._latest: Epoch | None = None
        self._began, self._first = time.monotonic(), state.steps
        self._always = {
            "title": f"{short_name(setup.config.data.source)}: {setup.config.optimizer.name}",
            "network": describe_network(state.network),
            **say_how_to_repeat(setup.config),
        }

    def page(self) -> str:
        """The page before the first text: it asks for what is new, and for nothing else."""
        first = self._describe(Moment(self.state.steps, 0.0, [], (), None))
        return build_page(str(first.head["title"]), first.head, {}, STYLES, (*SCRIPTS, LIVE), connects=True)

    def tap(self, steps: Iterator[Any]) -> Iterator[Any]:
        """The same steps."""
        for step in steps:
            if self.feed.is_wanted:
                self.feed.put(self._look())
            yield step

    def after_epoch(self, epoch: Epoch) -> Epoch:
        """The same epoch; its alarms are kept."""
        self._alarms += epoch.alarms
        self._latest = epoch._replace(model=None, alarms=())
        return epoch

    def hand_over(self, run: Run, rows: Prepared) -> None:
        """Hand on the report of the run, and wait shortly until it has arrived."""
        if self.feed.is_watched:
            self.feed.say_last(_to_event(describe_run(run, rows)))

    def _look(self) -> Moment:
        seconds = time.monotonic() - self._began
        return Moment(self.state.steps, seconds, self._new.take(), self._alarms, self._latest)

    def _tell(self, moment: Moment) -> str:
        add_records(self._shown, moment.records)
        return _to_event(self._describe(moment))

    def _describe(self, moment: Moment) -> Described:
        history, population = self._shown, self.state.network.population
        if population and "loss" in history:
            history = history.member(_best_member(history), population)
        head = {
            "state": "training",
            "verdict": self._say(moment),
            "healthy": not moment.alarms,
            "tiles": [*self._tiles(moment)],
            "findings": describe_findings(moment.alarms),
            **{"weights": [], "answers": None, "repair": None},
            **self._always,
        }
        charts = describe_history(history)
        return Described(head | charts.head, charts.arrays)

    def _say(self, moment: Moment) -> str:
        """How far it is."""
        done, n = moment.steps, self.setup.n_steps
        if moment.latest is None and done == self._first:
            return "The training begins."
        epoch = 1 if moment.latest is None else min(moment.latest.number + 1, moment.latest.n_epochs)
        left = in_words(moment.seconds / max(done - self._first, 1) * (n - done))
        said = f"Training: epoch {epoch} of {self.setup.config.training.epochs}, step {done} of {n}, {left} left."
        return f"{said} An alarm may prove false: the verdict comes at the end." if moment.alarms else said

    def _tiles(self, moment: Moment) -> Iterator[list[str]]:
        if moment.latest is not None:
            yield ["train loss", number(moment.latest.train_loss)]
            for name in ("loss", "accuracy", "r2"):
                if name in moment.latest.validation:
                    shown = f"validation {'r²' if name == 'r2' else name}"
                    yield [shown, number(moment.latest.validation[name])]
        yield ["steps", str(moment.steps)]
        yield ["seconds", f"{moment.seconds:.0f}"]


def in_words(seconds: float) -> str:
    """How long that is, as people say it.

    >>> in_words(7.4), in_words(100), in_words(5000)
    ('7 s', '2 min', '1.4 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _best_member(history: History) -> int:
    """The one with the lowest loss now."""
    losses = history["validation_loss" if "validation_loss" in history else "loss"][-1]
    return int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))


def _to_event(page: Described) -> str:
    """As JSON in one line: what the scripts of a page read."""
    head, data = to_page_data(*page)
    return f'{{"head":{head},"data":"{data}"}}'


@contextmanager
def open_view(setup: Setup, state: State) -> Iterator[LiveView]:
    """A view of a training that is about to begin or to go on, served until this ends."""
    view = LiveView(setup, state)
    with serve_feed(view.page(), view.feed) as view.address:
        yield view
