"""The command line: `mlp train`, `resume`, `evaluate`, `predict`, `diagnose`, `compare`, `export`, `bench` and so on.

The only place that knows argparse. Results go to standard output, progress and complaints to standard error. Exit
status: 0 done; 1 the training diverged; 2 the input was wrong, said in one line; 130 interrupted, 143 terminated. Never
a traceback for bad input, whatever standard output is: what it cannot write becomes "?". What a command reads it never
writes, and what is there already it replaces only with --force.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from io import StringIO, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from mlp.comparison import compare as compare_runs
from mlp.config import explaining_paths, override, parse, put, read_toml, to_toml
from mlp.data import catalogue
from mlp.data.complaints import counted
from mlp.data.sources import files
from mlp.errors import DataError, MLPError
from mlp.exchange.export import describe_export, open_export
from mlp.experiment import Epoch, Repair, Run, Setup, State, Stop, begin, epochs, finish, load_run, repair_run
from mlp.experiment.checkpoint import read_checkpoint
from mlp.experiment.checkpoint_schedule import CheckpointSchedule
from mlp.experiment.loop import is_over
from mlp.experiment.resume import check_replaced, is_finished, restore
from mlp.experiment.run import Recorded, load_recorded, run_folder
from mlp.experiment.run_directory import files_behind, new_folder, repaired_folder, reserve, to_json_values
from mlp.optimizer_bench import (
    BenchSettings,
    OptimizerComparison,
    check_folder,
    n_trials,
    open_workers,
    parse_bench_settings,
    run_protocol,
)
from mlp.optimizers import OPTIMIZERS
from mlp.output import Permission, as_path, explaining, replacing
from mlp.preprocessing.source import files_read, short_name
from mlp.problems import PROBLEMS
from mlp.report.comparison import comparison_text
from mlp.report.evaluation import evaluation
from mlp.report.pretraining import pretraining
from mlp.report.progress import show_trials, watched
from mlp.report.text import (
    meanings,
    measured,
    metrics_table,
    preamble,
    repair_text,
    verdict,
    write_answers,
)
from mlp.sinks import check_logs, logs, remove_events

DONE, FAILED, WRONG, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(WRONG, f"{self.prog}: {' '.join(message.split())}. See {self.prog} --help.\n")


def parser() -> Parser:
    """The arguments of all commands."""
    top = Parser(prog="mlp", description="Train small neural networks, and learn why they do not learn.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _train_arguments(commands.add_parser("train", help="train a network on a data set or a file"))
    evaluate = commands.add_parser("evaluate", help="how good a trained network is on further data")
    predict = commands.add_parser("predict", help="the answers of a trained network, as CSV")
    diagnosis = commands.add_parser("diagnose", help="what is wrong with a run, from what was recorded")
    again = commands.add_parser("resume", help="go on with a run that was stopped, or train it further")
    again.add_argument("--epochs", metavar="N", type=int, help="how many in all, if other than planned")
    for command, act in (
        (evaluate, _evaluate), (predict, _predict), (diagnosis, _diagnose), (again, _resume),
    ):  # fmt: skip
        command.add_argument("run", metavar="RUN", help="the directory that mlp train wrote")
        command.set_defaults(act=act)
    for command in (evaluate, predict):
        command.add_argument("source", metavar="SOURCE", help="the name of a data set, or the path of a file")
    for command in (evaluate, diagnosis, again):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    _compare_arguments(commands.add_parser("compare", help="two runs or more, side by side"))
    _export_arguments(commands.add_parser("export", help="a run in the format of others: ONNX, safetensors, CSV, ..."))
    predict.add_argument("-o", "--out", metavar="FILE", help="where to write; standard output if not given, or -")
    _force_argument(predict, "a file that is there")
    _bench_arguments(commands.add_parser("bench", help="compare optimizers: table, files and plots"))
    commands.add_parser("data", help="the data sets there are").set_defaults(act=_data)
    commands.add_parser("optimizers", help="the optimizers there are").set_defaults(act=_optimizers)
    commands.add_parser("findings", help="what can be found, why, and what to do").set_defaults(act=_findings)
    return top


def _force_argument(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--force", action="store_true", help=f"replace {what}; what is read is never replaced")


def _compare_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("runs", metavar="RUN", nargs="+", help="directories that mlp train wrote")
    command.add_argument("--on", metavar="SOURCE", help="compare the answers to its rows; the test part if not given")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(act=_compare)


def _export_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="the directory that mlp train wrote")
    command.add_argument(
        "file", metavar="FILE", help="model: .onnx or .safetensors; history: .csv, .jsonl, or FOLDER/ for TensorBoard"
    )
    _force_argument(command, "a file that is there, or an earlier log in FOLDER/")
    command.set_defaults(act=_export)


def _train_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="SOURCE", nargs="?", help="the name of a data set (see mlp data), or a path")
    command.add_argument("-c", "--config", metavar="FILE", help="an experiment file (.toml)")
    command.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="one key of the experiment, again and again",
    )
    command.add_argument("-o", "--out", metavar="DIR", help="the run directory; a new one under runs/ if not given")
    command.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    command.add_argument(
        "--log",
        metavar="FILE",
        action="append",
        default=[],
        help="write what is recorded while it goes on: .csv, .jsonl, or a folder for TensorBoard; again and again",
    )
    command.add_argument(
        "--repair",
        action="store_true",
        help="if the run is not healthy, try remedies and run the repaired experiment too, into DIR-repaired",
    )
    _force_argument(command, "the run in DIR, finished or not, and logs that are there")
    command.set_defaults(act=_train)


def _bench_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("-c", "--config", metavar="FILE", help="a file with a table [bench] (.toml)")
    command.add_argument("--optimizers", metavar="A,B", help="names of rules (see mlp optimizers), or all")
    command.add_argument("--problems", metavar="X,Y", help=f"names of problems: {', '.join(PROBLEMS)}, ...")
    command.add_argument("--seeds", metavar="N", type=int, help="fresh runs of each rule on each problem")
    command.add_argument("--data", metavar="DIR", help="the folder with mnist.npz, fashion_mnist.npz or proben1/")
    command.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes; all cores")
    command.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler instead: tcp://HOST:PORT")
    command.add_argument("-o", "--out", metavar="DIR", help="where to write, and to go on; runs/bench-N if not given")
    _force_argument(command, "files in DIR that are none of a comparison")
    command.set_defaults(act=_bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    _prepare_streams()
    try:
        with handling({signal.SIGTERM: _terminate}):
            return _carried_out(arguments)
    except KeyboardInterrupt as end:
        print(f"\nmlp: interrupted {end}".rstrip() + ".", file=sys.stderr)
        return INTERRUPTED


def _carried_out(arguments: Sequence[str] | None) -> int:
    """The status of one command; what is wrong with its input is said in one line."""
    try:
        given = parser().parse_args(arguments)
        act: Callable[[argparse.Namespace], int] = given.act
        status = act(given)
        sys.stdout.flush()
        return status
    except MLPError as error:
        return _complain(error)
    except OSError as error:
        return _no_output() if isinstance(error, BrokenPipeError) else _complain(error)
    except MemoryError:
        return _complain(MLPError("there is not enough memory. Take fewer rows, a smaller batch or a smaller network."))


def _prepare_streams() -> None:
    """Let no character be one too many: not in ASCII, not in code page 1252, not where output is closed (>&-)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, StringIO())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _terminate(number: int, frame: object) -> NoReturn:
    """Leave by way of all that has to be put in order first."""
    sys.exit(TERMINATED)


@contextmanager
def handling(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    """Have signals handled inside so, and after it as before. Only the main thread may, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _warn(error: Exception) -> None:
    print(f"mlp: {' '.join(str(error).split())}", file=sys.stderr)


def _complain(error: Exception) -> int:
    _warn(error)
    return WRONG


def _no_output() -> int:
    """Whoever read the output went away (`mlp data | head`): be quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _train(given: argparse.Namespace) -> int:
    """Train, show, save."""
    config = written = {} if given.config is None else read_toml(given.config)
    for assignment in given.set:
        config = override(config, assignment)
    if given.source:
        config = put(config, ("data", "source"), given.source)
    where = " and ".join(filter(None, [given.config, "--set" if given.set else None])) or "config"
    asked = parse(config, where)
    permission = _permission(given, files_read(asked, given.config))
    folder = new_folder(short_name(asked.data.source)) if given.out is None else as_path("-o", given.out)
    second = repaired_folder(folder)
    folders = (folder, second) if given.repair else (folder,)
    for place in folders:
        check_replaced(place, asked, permission)
    check_logs(given.log, folders, permission)
    with explaining_paths(given.config or "", written):
        setup, state = begin(config, where=where)
    stop = Stop()
    with reserve(folder), reserve(second) if given.repair else nullcontext():
        for path in filter(Path.is_dir, map(Path, given.log)):
            remove_events(path)
        with logs(state.history, given.log, _warn) as following:
            print(preamble(setup))
            run = _train_run(setup, state, stop, folder, following.update)
        repair = _repaired(run, folder, second) if given.repair and not stop.requested else None
    if given.json:
        print(as_json(run, folder, *(() if repair is None else (repair, second))))
    return _status(setup, state, stop, run if repair is None else repair.after, folder)


def _permission(given: argparse.Namespace, read: Iterable[Path]) -> Permission:
    """What a command may write that reads these files. Standard output may not have been led into one of them."""
    found = Permission([*read], getattr(given, "force", False))
    found.check_stream(sys.stdout)
    return found


def _resume(given: argparse.Namespace) -> int:
    """Go on from the checkpoint, show, save."""
    folder = run_folder(given.run)
    _permission(given, files_behind(folder))
    saved = read_checkpoint(folder)
    if is_finished(saved, given.epochs):
        run = load_run(folder)
        done = f"{folder}: nothing to do, all {counted(saved.epoch, 'epoch')} are done"
        print(as_json(run, folder) if given.json else f"{done}; to train it further: {_go_on(folder)} --epochs N")
        return DONE
    setup, state = restore(saved, given.epochs)
    stop = Stop()
    with reserve(folder):
        print(preamble(setup))
        print(f"{'resumed':10}after {counted(state.steps, 'step')}, {counted(state.epoch, 'epoch')} done")
        run = _train_run(setup, state, stop, folder)
    if given.json:
        print(as_json(run, folder))
    return _status(setup, state, stop, run, folder)


def _train_run(
    setup: Setup, state: State, stop: Stop, folder: Path, each_epoch: Callable[[], None] = lambda: None
) -> Run:
    """Train, show and write the run of an experiment, with checkpoints on the way."""
    checkpoints = CheckpointSchedule(setup, state, folder, stop)
    with interruptible(stop), _naming_the_way_back(checkpoints):
        for line in pretraining(setup, state, stop):
            print(line)
        n_epochs = setup.config.training.epochs - state.epoch
        for _ in watched(epochs(setup, state, checkpoints, stop), n_epochs):
            each_epoch()
        run = finish(setup, state)
        run.save(folder)
    print(metrics_table(run), verdict(run), measured(run, folder), sep="\n")
    return run


@contextmanager
def _naming_the_way_back(checkpoints: CheckpointSchedule) -> Iterator[None]:
    """Where a signal ends the command at once, say how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if not checkpoints.written:
            raise
        folder = checkpoints.folder
        print(f"\nmlp: ended at once; the last checkpoint is in {folder}. To go on: {_go_on(folder)}", file=sys.stderr)
        sys.exit(INTERRUPTED if isinstance(end, KeyboardInterrupt) else TERMINATED)


def _status(setup: Setup, state: State, stop: Stop, last: Run, folder: Path) -> int:
    """The exit status; what to do about an interruption is said."""
    if stop.requested:
        so_far = f"mlp: interrupted after {state.steps} steps; the weights so far are in {folder}"
        print(so_far if is_over(setup, state) else f"{so_far}. To go on: {_go_on(folder)}", file=sys.stderr)
        return INTERRUPTED
    return FAILED if any(finding.kind == "divergence" for finding in last.findings) else DONE


def _go_on(folder: Path) -> str:
    """The command that goes on with a run."""
    return f"mlp resume {shlex.quote(str(folder))}"


def _bench(given: argparse.Namespace) -> int:
    """Compare optimizers; what is finished is on disk, so that the same command goes on where it stopped."""
    settings = _bench_settings(given)
    folder = new_folder("bench") if given.out is None else as_path("-o", given.out)
    check_folder(folder, settings, _permission(given, map(Path, filter(None, [given.config, settings.data]))))
    found, done = OptimizerComparison(), 0
    with open_workers(given.jobs, given.cluster) as executor:
        try:
            for step in show_trials(run_protocol(settings, found.cells, executor, folder)):
                done = step.done
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
            so_far = f"\nmlp: interrupted; {done} of {n_trials(settings)} trials are in {folder}"
            print(f"{so_far}. Go on with: mlp bench -c {folder / 'bench.toml'} -o {folder}", file=sys.stderr)
            return INTERRUPTED
    print(found.text())
    print(f"\n{found.save(folder)}")
    return DONE


def _bench_settings(given: argparse.Namespace) -> BenchSettings:
    """The settings of the file, and over them those of the command line."""
    config = {} if given.config is None else read_toml(given.config)
    for name in ("optimizers", "problems"):
        if getattr(given, name) is not None:
            names = [part.strip() for part in getattr(given, name).split(",")]
            config = put(config, ("bench", name), list(OPTIMIZERS) if names == ["all"] else names)
    for name in ("seeds", "data"):
        if getattr(given, name) is not None:
            config = put(config, ("bench", name), getattr(given, name))
    return parse_bench_settings(config, given.config or "mlp bench")


def _watched(setup: Setup, state: State) -> Iterator[Epoch]:
    """The epochs of an experiment, with progress."""
    return watched(epochs(setup, state), setup.config.training.epochs)


def _repaired(run: Run, folder: Path, second: Path) -> Repair:
    """Mend a run, show how, and write the repaired experiment and its run."""
    repair = repair_run(run, show=_watched)
    print(repair_text(repair))
    if repair.changes:
        file = folder / "repaired.toml"
        with explaining(file), replacing(file, "w") as out:
            out.write(to_toml(repair.config))
        repair.after.save(second)
        print(f"repaired experiment: {file}; run directory: {second}")
    return repair


@contextmanager
def interruptible(wish: Stop) -> Iterator[None]:
    """Let Ctrl-C end the training between two steps, so that weights and history fit together; a second one kills."""

    def stop(number: int, frame: object) -> None:
        wish.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with handling({signal.SIGINT: stop}):
        yield


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


def _diagnose(given: argparse.Namespace) -> int:
    """The findings again, by the detectors of today, from the history of a run."""
    folder = run_folder(given.run)
    _permission(given, files_behind(folder))
    run = load_recorded(folder)
    print(as_json(run, Path(given.run)) if given.json else verdict(run).lstrip())
    return DONE


def _evaluate(given: argparse.Namespace) -> int:
    """Metrics of a run on further data."""
    _permission(given, [*files_behind(run_folder(given.run)), *files(given.source)])
    run = load_run(given.run)
    X, y = run.load(given.source)
    if y is None:
        raise DataError(f"{given.source} has no target {run.model.preprocessing.target_name!r} to compare with.")
    found = run.appraise(X, y)
    if given.json:
        print(json.dumps(to_json_values({"run": given.run, "source": given.source, **found.to_json()})))
    else:
        print(evaluation(found, known))
    return DONE


def _compare(given: argparse.Namespace) -> int:
    """Runs side by side."""
    _permission(given, [*chain.from_iterable(map(files_behind, map(run_folder, given.runs))), *files(given.on or "")])
    found = compare_runs(given.runs, given.on)
    print(json.dumps(to_json_values(found.to_json())) if given.json else comparison_text(found))
    return DONE


def _export(given: argparse.Namespace) -> int:
    """A run in the format that the ending of the file says."""
    write = open_export(given.file, _permission(given, files_behind(run_folder(given.run))))
    run = load_run(given.run)
    write(run)
    print(describe_export(run, given.file))
    return DONE


def _predict(given: argparse.Namespace) -> int:
    """Answers of a run, as CSV in UTF-8."""
    permission = _permission(given, [*files_behind(run_folder(given.run)), *files(given.source)])
    path = None if given.out in (None, "-") else as_path("-o", given.out)
    if path:
        permission.check_file(path)
    run = load_run(given.run)
    rows = run.load_rows(given.source)
    if path:
        with explaining(path), replacing(path, "w") as out:
            write_answers(run, rows, out)
    else:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        write_answers(run, rows, sys.stdout)
    return DONE


def _data(given: argparse.Namespace) -> int:
    """The data sets, one line each."""
    for entry in catalogue():
        size = f"{entry.n_rows} × {entry.n_features}"
        print(f"{entry.name:18}{entry.kind:10}{size:>14}  {entry.description} [{entry.source}; {entry.licence}]")
    return DONE


def _findings(given: argparse.Namespace) -> int:
    """Kinds and causes, one line each."""
    print(*meanings(), sep="\n")
    return DONE


def _optimizers(given: argparse.Namespace) -> int:
    """The rules, one line each, with their sources: what comes before and with the first year of the last paragraph."""
    width = 2 + max(map(len, OPTIMIZERS))
    for name, rule in OPTIMIZERS.items():
        lines = [" ".join(part.split()) for part in (rule.__doc__ or "").split("\n\n")]
        source = re.match(r".*?\(\d{4}", lines[-1])
        print(f"{name:{width}}{lines[0]}" + (f" {source[0]})" if source else ""))
    return DONE
