"""Every trial once: none lost, none counted twice, the same results wherever they run."""

from __future__ import annotations

import itertools
import multiprocessing.connection
import os
import threading
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweeping import die_once, die_when_told, draw, fail, mortal

from mlp.errors import DataError, HyperparameterError
from mlp.sweep import Journal, Outcome, ProcessPool, Serial, identity, sweep

ABOUT = {"mlp": "test"}
TRIALS = [{"seed": seed} for seed in range(8)]


def by_name(outcomes: Any) -> dict[str, Any]:
    """Results by the names of their trials; a trial that comes twice is an error."""
    found = list(outcomes)
    assert len({identity(outcome.trial) for outcome in found}) == len(found)
    return {identity(outcome.trial): outcome.result for outcome in found}


SERIAL = by_name(sweep(TRIALS, draw))


def test_every_trial_runs_once() -> None:
    assert list(SERIAL.values()) == [draw(trial) for trial in TRIALS]


def test_outcomes_come_one_at_a_time_where_there_is_one_worker() -> None:
    """A serial sweep of a thousand trials hands out its first outcome after one."""
    begun: list[int] = []
    outcomes = sweep(TRIALS, lambda trial: begun.append(trial["seed"]), Serial())
    next(outcomes)
    assert begun == [0]


def test_a_process_pool_gives_the_bits_of_a_serial_sweep() -> None:
    with ProcessPool(2) as pool:
        assert by_name(sweep(TRIALS, draw, pool)) == SERIAL


def test_any_executor_of_the_standard_library_will_do() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert by_name(sweep(TRIALS, draw, pool)) == SERIAL


def test_trials_of_a_process_that_died_are_run_again(tmp_path: Path) -> None:
    trials = [{"seed": seed, "flag": str(tmp_path / "died")} for seed in range(8)]
    with ProcessPool(2) as pool, Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        found = by_name(sweep(trials, die_once, pool, journal))
    assert (tmp_path / "died").exists()
    assert sorted(r["seed"] for r in found.values()) == list(range(8))
    assert sorted(r["numbers"] for r in found.values()) == sorted(r["numbers"] for r in SERIAL.values())
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 1 + 8


def test_a_sweep_that_is_left_while_its_processes_die_says_nothing(tmp_path: Path) -> None:
    """Ctrl-C reaches the processes too. The thread of the standard library's pool marks the futures of those that died,
    and met futures that the sweep had cancelled: InvalidStateError, a traceback, and processes that stayed."""
    trials = [{"seed": seed, "flag": str(tmp_path / "die")} for seed in range(8)]
    threads, processes = set(threading.enumerate()), set(multiprocessing.active_children())
    with ProcessPool(2) as pool:
        pool.ahead = 8  # more than there is room for with the processes: some futures wait
        outcomes = sweep(trials, die_when_told, pool)
        assert next(outcomes).trial["seed"] == 0
        workers = set(multiprocessing.active_children()) - processes
        outcomes.close()
        (tmp_path / "die").touch()
        for thread in set(threading.enumerate()) - threads:
            thread.join()  # that of the pool; an exception there is an error of this test
    assert len(workers) == 2
    assert all(multiprocessing.connection.wait([worker.sentinel]) for worker in workers), "they have ended"


def test_a_trial_that_kills_every_worker_is_not_tried_for_ever() -> None:
    with ProcessPool(1) as pool, pytest.raises(BrokenExecutor):
        list(sweep(TRIALS[:1], mortal, pool))


def test_an_error_of_a_trial_ends_the_sweep_and_names_the_trial(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "trials.jsonl", ABOUT) as journal,
        pytest.raises(ValueError, match="three is no number") as caught,
    ):
        list(sweep(TRIALS, fail, Serial(), journal))
    assert caught.value.__notes__ == ['in the trial {"seed":3}']
    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        assert len(journal.done) == 3


@pytest.mark.parametrize("finished", range(9))
def test_a_sweep_goes_on_where_it_stopped(tmp_path: Path, finished: int) -> None:
    """Left after so many trials; what is on disk is not run again and is the same as if never stopped."""
    ran: list[int] = []

    def run(trial: dict[str, Any]) -> Any:
        ran.append(trial["seed"])
        return draw(trial)

    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        list(itertools.islice(sweep(TRIALS, run, Serial(), journal), finished))
    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        outcomes = list(sweep(TRIALS, run, Serial(), journal))
    assert ran == list(range(8))
    assert by_name(outcomes) == SERIAL
    assert sum(outcome.recalled for outcome in outcomes) == finished


def test_a_line_torn_by_a_crash_is_cut_off_and_its_trial_run_again(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with Journal(path, ABOUT) as journal:
        list(sweep(TRIALS[:3], draw, Serial(), journal))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    with Journal(path, ABOUT) as journal:
        assert len(journal.done) == 2
        assert by_name(sweep(TRIALS[:3], draw, Serial(), journal)) == by_name(sweep(TRIALS[:3], draw))
    assert len(path.read_bytes().splitlines()) == 4


def test_trials_of_before_that_are_not_asked_for_stay_out(tmp_path: Path) -> None:
    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        list(sweep(TRIALS, draw, Serial(), journal))
        assert [outcome.trial["seed"] for outcome in sweep(TRIALS[2:4], draw, Serial(), journal)] == [2, 3]


def test_numbers_on_disk_are_those_that_were_computed(tmp_path: Path) -> None:
    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        fresh = [o.result for o in sweep(TRIALS, draw, Serial(), journal)]
    with Journal(tmp_path / "trials.jsonl", ABOUT) as journal:
        assert [o.result for o in sweep(TRIALS, draw, Serial(), journal)] == fresh


@pytest.mark.parametrize("seed", [np.int64(1), float("nan"), object()])
def test_a_trial_that_json_cannot_write_is_named(seed: object) -> None:
    """json's own TypeError said which type it was, but not where: the trial is the user's, and so is the line."""
    with pytest.raises(HyperparameterError, match=r"trials = \{'seed': .* what JSON can write"):
        list(sweep([{"seed": seed}], len))


def test_the_same_trial_twice_is_refused() -> None:
    with pytest.raises(HyperparameterError, match="there once"):
        list(sweep([{"seed": 1, "rule": "sgd"}, {"rule": "sgd", "seed": 1}], draw))


def test_a_journal_of_other_versions_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "trials.jsonl", {"mlp": "0.1"}):
        pass
    with pytest.raises(DataError, match=r"0\.1.*0\.2.*new folder"):
        Journal(tmp_path / "trials.jsonl", {"mlp": "0.2"})


@pytest.mark.parametrize("text", ["[]\n", "name,value\n1,2\n", '{"about": {"mlp": "test"}}\n{"trial": 1}\n'])
def test_what_is_no_journal_is_refused_by_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "trials.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"line [12]: this is no journal"):
        Journal(tmp_path / "trials.jsonl", ABOUT)
    assert (tmp_path / "trials.jsonl").read_text() == text


def test_two_sweeps_do_not_write_to_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "trials.jsonl", ABOUT), pytest.raises(DataError, match="another sweep"):
        Journal(tmp_path / "trials.jsonl", ABOUT)


def test_the_name_of_a_trial_does_not_depend_on_the_order_of_its_keys() -> None:
    assert identity({"b": [1.5, None], "a": "x"}) == identity({"a": "x", "b": [1.5, None]})


def test_an_outcome_says_how_long_it_took() -> None:
    outcome = next(sweep(TRIALS, draw))
    assert isinstance(outcome, Outcome)
    assert outcome.seconds > 0


def test_a_disk_that_is_full_costs_no_finished_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line stayed in the file, and the complaint was "[Errno 28]" without a path."""
    with Journal(tmp_path / "trials.jsonl", {}) as journal:
        journal.add({"seed": 0}, 1, 0.0)
        whole, write = journal.path.read_bytes(), os.write
        monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:9]))
        with pytest.raises(
            DataError, match=r"trials\.jsonl cannot be written: No space left.*finished trials are kept"
        ):
            journal.add({"seed": 1}, 1, 0.0)
    assert journal.path.read_bytes() == whole


def test_a_journal_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    """Its last line, which did not end with a line break, was cut off as one that a killed sweep had torn."""
    (tmp_path / "a.jsonl").write_text('{"mine": 1}\n{"mine": 2}')
    (tmp_path / "b.jsonl").write_text("one line")
    (tmp_path / "c.jsonl").symlink_to("victim")
    for name in ("a", "b"):
        with pytest.raises(DataError, match="no journal of a sweep"):
            Journal(tmp_path / f"{name}.jsonl")
    with pytest.raises(DataError, match="is a link"):
        Journal(tmp_path / "c.jsonl")
    assert (tmp_path / "a.jsonl").read_text().endswith('{"mine": 2}')
    assert (tmp_path / "b.jsonl").read_text() == "one line"
    assert not (tmp_path / "victim").exists()
