"""The arguments of all commands, and what happens to one from its first word to its exit status.

The only place that knows argparse. Never a traceback for bad input, wherever standard output leads.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from mlp import __version__
from mlp.cli.interruption import ending_at_once
from mlp.cli.process import DONE, INTERRUPTED, WRONG, handling_signals, terminate, warn
from mlp.cli.streams import Stream, guarded_streams, lost_output
from mlp.errors import MLPError, visible


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        said = visible(" ".join(message.split()))
        self.exit(WRONG, f"{self.prog}: {said}.{_hint(message)} See {self.prog} --help.\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit when what was shown, a help say, is written."""
        sys.stdout.flush()
        super().exit(status, message)


def _hint(message: str) -> str:
    """What is meant by options that other tools have, --lr 0.1 or --batch-size=8, and that are none here."""
    from mlp.config.names_elsewhere import find_place  # here: most commands need no hint

    _, found, rest = message.partition("unrecognized arguments: ")
    words = [word.partition("=")[0] for word in rest.split() if found and word.startswith("--")]
    places = {word: place for word in words if (place := find_place(word))}
    hints = (f" For {word} give {_option_of(place, word)}." for word, place in places.items())
    return "".join(hints)


def _option_of(place: str, given: str) -> str:
    """How a key is given on the command line; to a command that does not take the option that was `given`."""
    from mlp.cli.train_settings import SHORT_OPTIONS

    short = next((option for option, key in SHORT_OPTIONS.items() if key == place), None)
    option = "" if short is None else f"--{short.replace('_', '-')}"
    return f"--set {place}=VALUE" if option in ("", given) else option


class CommandParser(Parser):
    """Learns what its command takes when it is asked: some helps name what takes long to import."""

    takes: tuple[Argument, ...] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, with the arguments of the command."""
        for names, options in self.takes:
            self.add_argument(*names, **{k: v() if k == "help" and callable(v) else v for k, v in options.items()})
        self.takes = ()
        return super().parse_known_args(args, namespace)


class Argument(NamedTuple):
    """An argument as argparse takes it; `help` may be a function that gives the text."""

    names: tuple[str, ...]
    options: dict[str, Any]


def argument(*names: str, **options: Any) -> Argument:
    """An argument by its names."""
    return Argument(names, options)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 1 or more")
    return int(text)


def force(what: str) -> Argument:
    """--force, of a command that replaces such files with it."""
    return argument("--force", action="store_true", help=f"replace {what}; what is read is never replaced")


RUN = argument("run", metavar="RUN", help="the directory that mlp train wrote")
SOURCE = argument("source", metavar="SOURCE", help="the name of a data set, or the path of a file")
JSON = argument("--json", action="store_true", help="print one JSON object as the last line")
USE = argument(
    "--use", metavar="FILE", action="append", default=[], help="a Python file with parts of your own; again and again"
)
OVERS = "a key of the experiment and the values to try, or a range LOW..HIGH; again and again"
SETS = "one key of the experiment, again and again; mlp config lists all keys"
QUIET = argument("-q", "--quiet", action="store_true", help="print nothing but what is wrong")
WATCH = argument("--watch", action="store_true", help="serve the growing report to browsers on this machine")
NAME = argument("name", metavar="NAME", nargs="?", help="show this one whole")
FORMATS = "model: .onnx or .safetensors; history: .csv, .jsonl, or FOLDER/ for TensorBoard"
LOGS = "write what is recorded while it goes on: .csv, .jsonl, or a folder for TensorBoard; again and again"
PAGES = "a page, .html; or one step written out: .md, .csv, .txt, or - for standard output; WHAT.html if not given"
LOOKS = "numbers: .csv, .json, .txt; a picture: .png, .svg, .pdf; the report of the run with all of it: .html"
REPAIRS = "if the run is not healthy, try remedies and run the repaired experiment too, into DIR-repaired"


class Command(NamedTuple):
    """What a command does, and what it takes. `act`: its module in `mlp.cli`, and the name of its function there."""

    act: str
    help: str
    arguments: tuple[Argument, ...]


def command(act: str, help: str, *arguments: Argument) -> Command:
    """A command by what it does."""
    return Command(act, help, arguments)


def find_function(act: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command. What it needs is imported now, and nothing else."""
    module, name = act.split(":")
    with ending_at_once():
        found: Callable[[argparse.Namespace], int] = getattr(import_module(f"mlp.cli.{module}"), name)
        return found


def name_presets() -> str:
    """What `mlp explain` takes."""
    from mlp.microscope.presets import PRESETS

    return f"one of {', '.join(PRESETS)}; an experiment file, a run, or a data set; xor if not given"


def name_problems() -> str:
    """The problems that `mlp bench` has."""
    from mlp.problems import PROBLEMS

    return f"names of problems: {', '.join(PROBLEMS)}, ...; also data sets, their files and experiment files"


COMMANDS = {
    "train": command(
        "commands:train",
        "train a network on a data set or a file",
        argument("source", metavar="SOURCE", nargs="?", help="the name of a data set (see mlp data), or a path"),
        argument("-c", "--config", metavar="FILE", help="an experiment file (.toml)"),
        argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help=SETS),
        argument("--epochs", metavar="N", type=int, help="how often all rows are seen: training.epochs"),
        argument("--hidden", metavar="N,N", help="widths of the hidden layers, like 64,32: network.hidden"),
        argument("--optimizer", metavar="NAME", help="the rule (see mlp optimizers): optimizer.name"),
        argument("--learning-rate", metavar="RATE", type=float, help="optimizer.learning_rate"),
        argument("--seed", metavar="N", type=int, help="the same seed gives the same bits: training.seed"),
        argument("-o", "--out", metavar="DIR", help="the run directory; a new one under runs/ if not given"),
        argument(
            "--dry-run", action="store_true", help="show data, split, network and how long it will take; then end"
        ),
        QUIET,
        argument("--folds", metavar="K", type=int, help="K runs, each tested on another K-th of the rows; their mean"),
        argument("--all", action="store_true", help="with --folds: one more run, of all rows, to use"),
        JSON,
        USE,
        argument("--log", metavar="FILE", action="append", default=[], help=LOGS),
        WATCH,
        argument("--threads", metavar="N", type=positive, help="threads of NumPy's products; see mlp doctor"),
        argument("--cluster", metavar="ADDRESS", help="workers of a Dask scheduler have the rows: tcp://HOST:PORT"),
        argument("--repair", action="store_true", help=REPAIRS),
        force("the run in DIR, finished or not, and logs that are there"),
    ),
    "evaluate": command("answers:evaluate", "how good a trained network is on further data", RUN, SOURCE, JSON, USE),
    "predict": command(
        "answers:predict",
        "the answers of a trained network, as CSV",
        *(RUN, SOURCE, USE),
        argument("-o", "--out", metavar="FILE", help="where to write; standard output if not given, or -"),
        argument(
            "--safe-cells", action="store_true", help="put ' before text that begins with = + - @, as formulas do"
        ),
        force("a file that is there"),
    ),
    "diagnose": command("commands:diagnose", "what is wrong with a run, from what was recorded", RUN, JSON, USE),
    "landscape": command(
        "landscape:landscape",
        "what kind of point a run ended at, and the loss around it",
        RUN,
        argument("--line", action="store_true", help="the loss from the first weights to the last, and across"),
        argument("--plane", action="store_true", help="the loss in a plane; with --spectrum how it curves there"),
        argument("--trajectory", action="store_true", help="the way of the training, in its principal plane"),
        argument("--spectrum", action="store_true", help="the eigenvalues of the Hessian"),
        argument("-o", "--out", metavar="FILE", help=LOOKS),
        *(JSON, USE),
        force("a file that is there"),
    ),
    "report": command(
        "report:report",
        "a run as a page: what happened, what was found, what it answers",
        *(RUN, USE),
        argument("-o", "--out", metavar="FILE", help="where to write; report.html in RUN if not given"),
        force("a file that is there"),
    ),
    "resume": command(
        "commands:resume",
        "go on with a run that was stopped, or train it further",
        argument("--epochs", metavar="N", type=int, help="how many in all, if other than planned"),
        *(RUN, JSON, USE, QUIET, WATCH),
        argument("--log", metavar="FILE", action="append", default=[], help=LOGS),
        force("logs that are there"),
    ),
    "compare": command(
        "answers:compare",
        "two runs or more, side by side",
        argument("runs", metavar="RUN", nargs="+", help="directories that mlp train wrote"),
        argument("--on", metavar="SOURCE", help="compare the answers to its rows; the test part if not given"),
        *(JSON, USE),
        argument("-o", "--out", metavar="FILE", help="write a page too: FILE.html"),
        force("a file that is there"),
    ),
    "export": command(
        "answers:export",
        "a run in the format of others: ONNX, safetensors, CSV, ...",
        *(RUN, USE),
        argument("file", metavar="FILE", help=FORMATS),
        force("a file that is there, or an earlier log in FOLDER/"),
    ),
    "explain": command(
        "explain:explain",
        "see backpropagation in a small network: every number of every step, as a page",
        argument(
            "source",
            metavar="WHAT",
            nargs="?",
            help=name_presets,
        ),
        argument("--steps", metavar="N", type=int, help="how many steps"),
        argument("--step", metavar="K", type=int, default=0, help="the step of a worksheet, counted from 0"),
        argument("-o", "--out", metavar="FILE", help=PAGES),
        force("a file that is there"),
    ),
    "bench": command(
        "bench:bench",
        "compare optimizers: table, files and plots",
        argument("-c", "--config", metavar="FILE", help="a file with a table [bench] (.toml)"),
        argument("--optimizers", metavar="A,B", help="names of rules (see mlp optimizers), or all"),
        argument("--problems", metavar="X,Y", help=name_problems),
        argument("--obstacles", action="store_true", help="instead: which rules get past which obstacle"),
        argument("--seeds", metavar="N", type=int, help="fresh runs of each rule on each problem"),
        argument("--data", metavar="DIR", help="the folder with mnist.npz, fashion_mnist.npz or proben1/"),
        argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes; all cores"),
        argument("--cluster", metavar="ADDRESS", help="a Dask scheduler instead: tcp://HOST:PORT"),
        USE,
        argument("-o", "--out", metavar="DIR", help="where to write, and to go on; runs/bench-N if not given"),
        force("files in DIR that are none of a comparison"),
    ),
    "sweep": command(
        "sweep:sweep",
        "try values of some keys: which is best, and which is the smallest that does as well",
        argument("source", metavar="SOURCE", nargs="?", help="the name of a data set (see mlp data), or a path"),
        argument("--over", metavar="KEY=A,B,C", action="append", default=[], help=OVERS),
        argument("--seeds", metavar="N", type=int, default=5, help="networks of each combination and fold; 5"),
        argument("--folds", metavar="K", type=int, default=5, help="parts to score on in turn; 5; 0: validation part"),
        argument("--random", metavar="N", type=int, default=0, help="draw N combinations, also from ranges LOW..HIGH"),
        argument("--halving", action="store_true", help="begin with few epochs; the best third goes on with more"),
        argument("-c", "--config", metavar="FILE", help="an experiment file (.toml)"),
        argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help=SETS),
        argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes; all cores"),
        argument("--cluster", metavar="ADDRESS", help="a Dask scheduler instead: tcp://HOST:PORT"),
        JSON,
        USE,
        argument("-o", "--out", metavar="DIR", help="where to write, and to go on; runs/sweep-N if not given"),
        force("files in DIR that are none of a sweep"),
    ),
    "doctor": command(
        "doctor:doctor",
        "which settings of this machine make training faster",
        argument("widths", metavar="WIDTHS", nargs="?", default="784-128-10", help="inputs, hidden units, outputs"),
        argument("--batch", metavar="N", type=int, default=128, help="rows of a batch; 128 if not given"),
        argument("--cluster", metavar="ADDRESS", help="whether a step on a Dask cluster would pay: tcp://HOST:PORT"),
        JSON,
    ),
    "config": command(
        "lookup:show_config",
        "every key of an experiment, with its default and what it is",
        argument("key", metavar="KEY", nargs="?", help="a section, or one key: training.epochs"),
    ),
    "data": command("lookup:list_data", "the data sets there are", NAME),
    "optimizers": command("lookup:list_optimizers", "the optimizers there are", NAME, USE),
    "findings": command("lookup:list_findings", "what can be found, why, and what to do", NAME, USE),
    "help": command(
        "lookup:show_help",
        "a page of the manual",
        argument("topic", metavar="TOPIC", nargs="*", help="a page, a heading, a command, a key or a finding"),
        argument("--list", action="store_true", help="list all pages"),
        argument("--reference", metavar="DIR", help="write all public names with their docstrings, as HTML"),
    ),
    "completion": command(
        "completion:completion",
        "a script that lets a shell complete commands and options",
        argument("shell", choices=("bash", "zsh", "fish"), help="source its output: source <(mlp completion bash)"),
    ),
}


LASTING = ("train", "resume", "bench", "sweep")
"""What these make is on disk: they go on where standard output cannot be written."""


def build_parser() -> Parser:
    """The arguments of all commands."""
    top = Parser(prog="mlp", description="Train small neural networks, and learn why they do not learn.")
    top.add_argument("--version", action="version", version=f"mlp {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, (act, help, arguments) in COMMANDS.items():
        parser = subparsers.add_parser(name, help=help)
        parser.takes = arguments
        parser.set_defaults(act=act)
    return top


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    with guarded_streams() as output:
        try:
            with handling_signals({signal.SIGTERM: terminate}):
                return _carry_out(arguments, output)
        except KeyboardInterrupt as end:
            print(f"\nmlp: interrupted {end}".rstrip() + ".", file=sys.stderr)
            return INTERRUPTED


def _carry_out(arguments: Sequence[str] | None, output: Stream) -> int:
    """The status of one command; what is wrong with its input is said in one line."""
    given = argparse.Namespace(made=None)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("always", ".*has changed since")  # a file with parts: said each time, in one line
            warnings.showwarning = lambda message, *_: warn(message)
            build_parser().parse_args(arguments, given)
            output.ends = given.command not in LASTING
            act = find_function(given.act)
            if hasattr(given, "use"):
                given.own = _read_parts(given.use)
            status = act(given)
        output.flush()
        return status if output.is_whole else _complain_of_output(output, given)
    except BrokenPipeError:  # whoever read the output went away: mlp data | head
        return DONE
    except (MLPError, OSError) as error:
        warn(error)
    except MemoryError:
        warn(MLPError("there is not enough memory. Take fewer rows, a smaller batch or a smaller network."))
    except Exception as error:
        if not getattr(given, "use", []):
            raise
        from mlp.config import describe_error

        warn(MLPError(describe_error(error)))  # the code of a part may raise anything
    return WRONG


def _complain_of_output(output: Stream, given: argparse.Namespace) -> int:
    """The status of a command that is done, but could not say so."""
    made = f" What was made is whole: {given.made}." if given.made else ""
    warn(f"{lost_output(output.error)}{made}")
    return WRONG


def _read_parts(files: list[str]) -> Any:
    """The parts of one's own that files define."""
    from mlp.config import read_parts

    return read_parts(files)
