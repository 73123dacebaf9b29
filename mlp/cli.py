"""The command line: `mlp train`, `evaluate`, `predict`, `data`, `optimizers`.

The only place that knows argparse. Results go to standard output, progress and complaints to standard error. Exit
status: 0 done; 1 the training diverged; 2 the input was wrong, said in one line; 130 interrupted. Never a traceback for
bad input.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from mlp.data import catalogue
from mlp.errors import DataError, MLPError
from mlp.experiment import Experiment, Run, experiment, load_run
from mlp.experiment.config import override, put, read
from mlp.experiment.files import check_writable, plain
from mlp.experiment.prepare import display
from mlp.optimizers import OPTIMIZERS
from mlp.report.progress import watched
from mlp.report.text import answers, measured, metrics_table, preamble, verdict

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


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
    for command, act in ((evaluate, _evaluate), (predict, _predict)):
        command.add_argument("run", metavar="RUN", help="the directory that mlp train wrote")
        command.add_argument("source", metavar="SOURCE", help="the name of a data set, or the path of a file")
        command.set_defaults(act=act)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    predict.add_argument("-o", "--out", metavar="FILE", help="where to write; standard output if not given")
    commands.add_parser("data", help="the data sets there are").set_defaults(act=_data)
    commands.add_parser("optimizers", help="the optimizers there are").set_defaults(act=_optimizers)
    return top


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
    command.set_defaults(act=_train)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
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
    except KeyboardInterrupt:
        print("\nmlp: interrupted.", file=sys.stderr)
        return INTERRUPTED


def _complain(error: Exception) -> int:
    print(f"mlp: {' '.join(str(error).split())}", file=sys.stderr)
    return WRONG


def _no_output() -> int:
    """Whoever read the output went away (`mlp data | head`): be quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _train(given: argparse.Namespace) -> int:
    """Train, show, save."""
    config = read(given.config) if given.config else {}
    for assignment in given.set:
        config = override(config, assignment)
    if given.source:
        config = put(config, ("data", "source"), given.source)
    places = [given.config, "--set" if given.set else None]
    ready = experiment(config, where=" and ".join(filter(None, places)) or "config")
    folder = Path(given.out) if given.out else _new_folder(display(ready.config.data.source))
    check_writable(folder)
    print(preamble(ready))
    with interruptible(ready):
        for _ in watched(ready.epochs(), ready.config.training.epochs):
            pass
        run = ready.finish()
        run.save(folder)
    print(metrics_table(run), verdict(run), measured(run, folder), sep="\n")
    if given.json:
        print(as_json(run, folder))
    if ready.stopped:
        print(f"mlp: interrupted after {run.steps} steps; the weights so far are in {folder}.", file=sys.stderr)
        return INTERRUPTED
    return FAILED if any(finding.kind == "divergence" for finding in run.findings) else DONE


@contextmanager
def interruptible(ready: Experiment) -> Iterator[None]:
    """Let Ctrl-C end the training between two steps, so that weights and history fit together; a second one kills."""

    def stop(number: int, frame: object) -> None:
        ready.stopped = True
        signal.signal(signal.SIGINT, usual)

    usual = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _new_folder(name: str) -> Path:
    """runs/NAME-1, runs/NAME-2, ...: the first that is free."""
    number = 1
    while (folder := Path("runs") / f"{name}-{number}").exists():
        number += 1
    return folder


def as_json(run: Run, folder: Path) -> str:
    """The run as one line of JSON."""
    return json.dumps(
        plain(
            {
                "run": str(folder),
                "metrics": run.metrics,
                "findings": [finding.to_json() for finding in run.findings],
                "healthy": run.healthy,
                "steps": run.steps,
                "seconds": round(run.seconds, 3),
            }
        )
    )


def _evaluate(given: argparse.Namespace) -> int:
    """Metrics of a run on further data."""
    run = load_run(given.run)
    X, y = run.load(given.source)
    if y is None:
        raise DataError(f"{given.source} has no target {run.preprocessing.target_name!r} to compare with.")
    found = run.evaluate(X, y)
    if given.json:
        print(json.dumps(plain({"run": given.run, "source": given.source, "rows": len(X), "metrics": found})))
    else:
        print("\n".join(f"{name:10}{value:.4f}" for name, value in found.items()) + f"\n{len(X)} rows")
    return DONE


def _predict(given: argparse.Namespace) -> int:
    """Answers of a run, as CSV."""
    run = load_run(given.run)
    text = answers(run, run.load_rows(given.source))
    if given.out:
        _write(Path(given.out), text)
    else:
        sys.stdout.write(text)
    return DONE


def _write(path: Path, text: str) -> None:
    """Write to a temporary name, then rename."""
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        if temporary.is_file():
            temporary.unlink()


def _data(given: argparse.Namespace) -> int:
    """The data sets, one line each."""
    for entry in catalogue():
        size = f"{entry.n_rows} × {entry.n_features}"
        print(f"{entry.name:18}{entry.kind:10}{size:>14}  {entry.description} [{entry.source}; {entry.licence}]")
    return DONE


def _optimizers(given: argparse.Namespace) -> int:
    """The rules, one line each, with their sources."""
    for name, rule in OPTIMIZERS.items():
        lines = [" ".join(part.split()) for part in (rule.__doc__ or "").split("\n\n")]
        print(f"{name:12}{lines[0]} {lines[-1]}" if len(lines) > 1 else f"{name:12}{lines[0]}")
    return DONE
