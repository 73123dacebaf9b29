"""Training and what goes on with it: from the arguments of a command to an exit status.

It shows and writes what other rooms compute. Commands that do not train have modules of their own, so that none waits
for what it does not need.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp.cli.permit import permit
from mlp.cli.process import DONE, FAILED, INTERRUPTED, TERMINATED, interruptible, warn
from mlp.cli.report import show_training, write_report
from mlp.cli.streams import complain, show
from mlp.cli.threads import advise_kernels, advise_threads
from mlp.cli.train_settings import name_settings, read_settings
from mlp.config import Config, explaining_paths, parse, put, to_toml, use_options
from mlp.config.own_parts import DETECTOR
from mlp.data.complaints import counted
from mlp.errors import ConfigError
from mlp.experiment import Epoch, Run, Setup, State, Stop, begin, finish, load_run, watch_epochs
from mlp.experiment.checkpoint import Checkpoint, read_checkpoint
from mlp.experiment.checkpoint_schedule import CheckpointSchedule
from mlp.experiment.loop import Companion, is_over
from mlp.experiment.recorded import Recorded, load_recorded, tell_missing_detectors
from mlp.experiment.resume import check_replaced, nothing_left_to_do, restore
from mlp.experiment.run import check_run_path
from mlp.experiment.run_files import to_json_values
from mlp.experiment.run_place import files_behind, remove_leftovers, repaired_folder, reserve, reserve_new
from mlp.preprocessing.source import files_read, short_name
from mlp.report import text
from mlp.report.progress import StepProgress, show_epochs, show_pretraining
from mlp.sinks import check_logs, logs, remove_events
from mlp.storage.atomic import writing_itself
from mlp.storage.permission import Permission, as_path

if TYPE_CHECKING:
    from mlp.live_view import LiveView
    from mlp.repairs import Repair


def train(given: argparse.Namespace) -> int:
    """Train, show, save."""
    (config, written), where = read_settings(given), name_settings(given)
    asked = parse(config, where, given.own)
    for name in given.own.of(DETECTOR).keys() - {*asked.record.detectors}:
        warn(f"the detector {name!r} of --use is not asked: add --set 'record.detectors=[\"{name}\"]'")
    permission = permit(given, files_read(asked, given.config))
    if given.dry_run:
        return _show_plan(config, where, given)
    if given.cluster and (given.repair or given.folds is not None):
        raise ConfigError("--cluster trains one run, and goes with neither --repair nor --folds.")
    if given.all and given.folds is None:
        raise ConfigError("--all goes with --folds: one more run, of all rows.")
    if given.folds is not None:
        return _train_folds(given, config, asked, where, permission)
    with ExitStack() as held:
        folder, second = _reserve_folders(given, short_name(asked.data.source), permission, held)
        folders = (folder, second) if given.repair else (folder,)
        given.made = " and ".join(map(str, folders))
        for place in folders:
            check_replaced(place, asked, permission)
        check_logs(given.log, folders, permission)
        with explaining_paths(given.config or "", written):
            setup, state = begin(config, where=where, own=given.own)
        if given.cluster:
            from mlp.experiment.on_cluster import training_rows_on

            setup, state = held.enter_context(training_rows_on(given.cluster, setup, state))
        stop = Stop()
        for path in filter(Path.is_dir, map(Path, given.log)):
            remove_events(path)
        with logs(state.history, given.log, warn) as following:
            run = _train_run(setup, state, stop, folder, following.update, quiet=given.quiet, watch=given.watch)
        repair = _repair(setup, run, folder, second, given.quiet) if given.repair and not stop.requested else None
    if given.json:
        show(as_json(run, folder, *(() if repair is None else (repair, second))))
    return _status(setup, state, stop, run if repair is None else repair.after, folder)


def _show_plan(config: dict[str, Any], where: str, given: argparse.Namespace) -> int:
    """What would be trained, on what, and about how long it would take. Nothing is trained or written."""
    if given.folds is not None:
        config = put(put(config, ("data", "folds"), given.folds), ("data", "fold"), 1)
    setup, state = begin(config, where=where, own=given.own)
    show(f"{text.preamble(setup)}\n\n{state.network.summary()}\n\n{text.estimate_text(setup, given.folds or 1)}")
    return DONE


def _reserve_folders(
    given: argparse.Namespace, name: str, permission: Permission, held: ExitStack
) -> tuple[Path, Path]:
    """The run directory, and that of a repaired run; both are kept for this process as long as they are `held`."""
    place = reserve_new(name) if given.out is None else reserve(as_path("-o", given.out), permission)
    folder = held.enter_context(place)
    second = repaired_folder(folder)
    if given.repair:
        held.enter_context(reserve(second, permission))
    return folder, second


def _train_folds(
    given: argparse.Namespace, config: dict[str, Any], asked: Config, where: str, permission: Permission
) -> int:
    """A run for each fold, which is tested on that fold; then mean and deviation of what they came to.

    With `--all` one more, of all rows: none is held out to test on.
    """
    if given.repair or given.log or given.watch or given.folds < 2:
        raise ConfigError("--folds takes 2 or more, and goes with none of --repair, --log and --watch.")
    from mlp.report.tables import fold_metrics, folds_text  # with what compares runs

    stop, runs = Stop(), list[Run]()
    with ExitStack() as held:
        if given.out is None:
            folder = held.enter_context(reserve_new(short_name(asked.data.source)))
        else:
            folder = as_path("-o", given.out)
        given.made = folder
        places = {folder / name: (title, keys) for name, (title, keys) in _list_folds(given.folds, given.all).items()}
        for place in places:
            check_replaced(place, asked, permission)
        for place, (title, keys) in places.items():
            with reserve(place, permission):
                setup, state = begin({**config, "data": {**config["data"], **keys}}, where=where, own=given.own)
                if not given.quiet:
                    show(f"\n{'fold':10}{title}")
                runs.append(_train_run(setup, state, stop, place, quiet=given.quiet, first=not runs))
            if stop.requested:
                return _status(setup, state, stop, runs[-1], place)
    means, deviations = fold_metrics([run.metrics for run in runs[: given.folds]])
    if not given.quiet:
        show(folds_text(means, deviations, given.folds))
        if given.all:
            show(f"the network of all rows: {folder / 'all'}")
    if given.json:
        folds = list(map(str, places))[: given.folds]
        found = {"run": str(folder), "folds": folds, "metrics": means, "deviations": deviations}
        show(json.dumps(to_json_values(found | ({"all": str(folder / "all")} if given.all else {}))))
    return max(map(_judge, runs))


def _list_folds(n_folds: int, whole: bool) -> dict[str, tuple[str, dict[str, Any]]]:
    """By the name of a run of several: what it is, and its keys of [data]; the last is of all rows, where asked for."""
    found: dict[str, tuple[str, dict[str, Any]]] = {
        f"fold-{k}": (f"{k} of {n_folds}", {"folds": n_folds, "fold": k}) for k in range(1, n_folds + 1)
    }
    return found | ({"all": ("all rows: none to test on", {"folds": 0, "fold": 0, "test": 0.0})} if whole else {})


def resume(given: argparse.Namespace) -> int:
    """Go on from the checkpoint, show, save."""
    folder = given.made = check_run_path(given.run)
    permission = permit(given, files_behind(folder))
    saved = read_checkpoint(folder)
    if nothing_left_to_do(saved, given.epochs, given.own):
        remove_leftovers(folder)
        return _show_finished(folder, saved, given)
    stop = Stop()
    with reserve(folder, Permission(files_read(saved.config))):
        saved = read_checkpoint(folder)
        if nothing_left_to_do(saved, given.epochs, given.own):  # since another process, which had it, has ended
            return _show_finished(folder, saved, given)
        check_logs(given.log, (folder,), permission)
        setup, state = restore(saved, given.epochs, own=given.own)
        for path in filter(Path.is_dir, map(Path, given.log)):
            remove_events(path)
        with logs(state.history, given.log, warn) as following:
            run = _train_run(setup, state, stop, folder, following.update, quiet=given.quiet, watch=given.watch)
    if given.json:
        show(as_json(run, folder))
    return _status(setup, state, stop, run, folder)


def _show_finished(folder: Path, saved: Checkpoint, given: argparse.Namespace) -> int:
    """Say that there is nothing to go on with."""
    run = load_run(folder, use=given.own)
    done = f"{folder}: nothing to do, all {counted(saved.epoch, 'epoch')} are done"
    further = f"{done}; to train it further: {_go_on(folder, run.config)} --epochs N"
    show(as_json(run, folder) if given.json else further)
    return DONE


def _largest_product(setup: Setup) -> int:
    """How many multiplications the largest product of a step has."""
    rows = setup.config.training.rows_per_batch(len(setup.prepared.train))
    return rows * max(layer.n_in * layer.n_out for layer in setup.layout.layers if layer.n_params)


def _train_run(
    setup: Setup,
    state: State,
    stop: Stop,
    folder: Path,
    each_epoch: Callable[[], None] = lambda: None,
    *,
    quiet: bool = False,
    first: bool = True,
    watch: bool = False,
) -> Run:
    """Train, show and write the run of an experiment, with checkpoints on the way.

    `quiet`: show what is wrong, and nothing else. `first`: say what is about to be trained. `watch`: serve its page.
    """
    say = _be_quiet if quiet else show
    if first:
        say(text.preamble(setup))
        size = _largest_product(setup)
        for advice in filter(None, (advise_threads(size), advise_kernels(size))):
            say(advice)
    if state.steps:
        say(f"{'resumed':10}after {counted(state.steps, 'step')}, {counted(state.epoch, 'epoch')} done")
    checkpoints = CheckpointSchedule(setup, state, folder, stop)
    with interruptible(stop), _naming_the_way_back(checkpoints), _serve_page(setup, state, watch) as views:
        for line in show_pretraining(setup, state, stop):
            say(line)
        for _ in _follow(setup, state, stop, [checkpoints, *views], quiet):
            each_epoch()
        run = finish(setup, state)
        run.write(folder)
        write_report(run, setup.prepared, folder)
        for view in views:
            view.hand_over(run, setup.prepared)
    if quiet:
        if not run.healthy:
            show(text.verdict(run).lstrip())
        return run
    show("\n".join((text.metrics_table(run), text.verdict(run))))
    show_training(run.history)
    show(text.cost_text(run, folder))
    return run


@contextmanager
def _serve_page(setup: Setup, state: State, watch: bool) -> Iterator[list[LiveView]]:
    """The page of a training that goes on, if one is to be served; its address is said."""
    if not watch:
        yield []
        return
    from mlp.live_view import open_view  # a server takes 20 ms to import

    with open_view(setup, state) as view:
        print(f"mlp: watch it at {view.address}", file=sys.stderr, flush=True)
        yield [view]


def _follow(setup: Setup, state: State, stop: Stop, companions: list[Companion], quiet: bool) -> Iterator[Epoch]:
    """The epochs that are left, with progress on a terminal unless it is to be `quiet`."""
    if quiet:
        return watch_epochs(setup, state, companions, stop)
    n_epochs, progress = setup.config.training.epochs - state.epoch, StepProgress(setup, state)
    return show_epochs(watch_epochs(setup, state, [*companions, progress], stop), n_epochs)


def _be_quiet(text: object) -> None:
    """Say nothing."""


@contextmanager
def _naming_the_way_back(checkpoints: CheckpointSchedule) -> Iterator[None]:
    """Where a signal ends the command at once, say how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if not checkpoints.written:
            raise
        folder, go_on = checkpoints.folder, _go_on(checkpoints.folder, checkpoints.setup.config)
        complain(f"\nmlp: ended at once; the last checkpoint is in {folder}. To go on: {go_on}")
        sys.exit(INTERRUPTED if isinstance(end, KeyboardInterrupt) else TERMINATED)


def _status(setup: Setup, state: State, stop: Stop, last: Run, folder: Path) -> int:
    """The exit status; what to do about an interruption is said."""
    if stop.requested:
        so_far = f"mlp: interrupted after {state.steps} steps; the weights so far are in {folder}"
        complain(so_far if is_over(setup, state) else f"{so_far}. To go on: {_go_on(folder, setup.config)}")
        return INTERRUPTED
    return _judge(last)


def _judge(run: Run | Recorded) -> int:
    """The exit status of a run that went to its end."""
    return FAILED if any(finding.kind == "divergence" for finding in run.findings) else DONE


def _go_on(folder: Path, config: Config) -> str:
    """The command that goes on with a run."""
    return f"mlp resume {shlex.quote(str(folder))}{use_options(config)}"


def _show_epochs(setup: Setup, state: State) -> Iterator[Epoch]:
    """The epochs of an experiment, with progress."""
    return show_epochs(watch_epochs(setup, state), setup.config.training.epochs)


def _repair(setup: Setup, run: Run, folder: Path, second: Path, quiet: bool) -> Repair:
    """Mend a run, show how, and write the repaired experiment and its run."""
    from mlp.repairs import repair_run

    repair = repair_run(run, show=_show_epochs)
    if not (quiet and run.healthy):
        show(text.repair_text(repair))
    write_report(run, setup.prepared, folder, repair)
    if repair.changes:
        file = folder / "repaired.toml"
        with writing_itself(file, "w") as out:
            out.write(to_toml(repair.config))
        repair.after.write(second)
        write_report(repair.after, setup.prepared, second, repair)
        show(f"repaired experiment: {file}; run directory: {second}")
    return repair


def as_json(run: Run | Recorded, folder: Path, repair: Repair | None = None, second: Path | None = None) -> str:
    """The run, and its repair if there was one, as one line of JSON."""
    found = {
        "run": str(folder),
        "metrics": run.metrics,
        "findings": [finding.to_json() for finding in run.findings],
        "healthy": run.healthy,
        "steps": run.steps,
        "seconds": round(run.seconds, 3),
    }
    if repair is not None:
        found["repair"] = {"run": str(second) if repair.changes else None, **repair.to_json()}
    return json.dumps(to_json_values(found))


def diagnose(given: argparse.Namespace) -> int:
    """The findings again, by the detectors of today, from the history of a run. The status is that of `mlp train`."""
    folder = check_run_path(given.run)
    permit(given, files_behind(folder))
    run = load_recorded(folder, given.own)
    if missing := tell_missing_detectors(folder, given.own):
        warn(missing)
    show(as_json(run, Path(given.run)) if given.json else text.verdict(run).lstrip())
    return _judge(run)
