"""The command `mlp explain`: a small training as a page, or one of its steps as a worksheet."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mlp.cli.process import DONE
from mlp.cli.streams import show, write_as_utf8
from mlp.config import parse
from mlp.data.sources import files
from mlp.errors import DataError, check_count
from mlp.experiment.run_place import files_behind
from mlp.microscope.experiment import describe_experiment, read_experiment, record_experiment
from mlp.microscope.explain import write_page, write_preset
from mlp.microscope.presets import PRESETS
from mlp.microscope.recording import Recording
from mlp.microscope.worked_step import Worksheet, write_sheet
from mlp.preprocessing.source import files_read
from mlp.storage.atomic import write_file
from mlp.storage.permission import Permission, as_path

SHEETS: dict[str, Callable[[Worksheet], str]] = {
    ".md": Worksheet.markdown,
    ".csv": Worksheet.csv,
    ".txt": Worksheet.text,
}
STEPS = 200
"""Steps of an experiment, if not said; a preset has as many as it needs."""


def explain(given: argparse.Namespace) -> int:
    """Record, and write what the ending of the file asks for."""
    name = "xor" if given.source is None else Path(given.source).stem
    path = None if given.out == "-" else as_path("-o", f"{name}.html" if given.out is None else given.out)
    ending = ".txt" if path is None else path.suffix.lower()
    if ending not in {".html", *SHEETS}:
        raise DataError(
            f"{path}: nothing is written with this ending. Give a page, .html, or a worksheet: .md .csv .txt."
        )
    if given.steps is not None:
        check_count("--steps", given.steps)
    permission = Permission(_files_read(given.source), given.force)
    if path is None:
        permission.check_stream(sys.stdout)
    else:
        permission.check_file(path)
    recordings, text = _record(given)
    if ending != ".html":
        text = SHEETS[ending](write_sheet(recordings[-1].numbers(given.step), digits=6))
    if path is None:
        write_as_utf8()
        sys.stdout.write(text)
        return DONE
    write_file(path, text.encode())
    show(f"{path}: {len(text.encode()) / 1000:.0f} kB, {recordings[0].n_steps} steps of backpropagation")
    return DONE


def _record(given: argparse.Namespace) -> tuple[Sequence[Recording], str]:
    """The recordings, and the page that shows them."""
    source = "xor" if given.source is None else given.source
    steps = "" if given.steps is None else f" --steps {given.steps}"
    command = f"mlp explain {shlex.quote(source)}{steps}"
    if source in PRESETS:
        preset = PRESETS[source]
        recordings = preset.record(given.steps or preset.steps)
        return recordings, write_preset(preset, recordings, command)
    found, summary = record_experiment(read_experiment(source), given.steps or STEPS, source)
    return (found,), write_page((found,), describe_experiment(found, source, summary, command))


def _files_read(source: str | None) -> list[Path]:
    """What the command reads, and so never writes."""
    if source is None or source in PRESETS:
        return []
    if Path(source).is_dir():
        return files_behind(Path(source))
    if source.endswith(".toml"):
        return files_read(parse(read_experiment(source), source), source)
    return [*files(source)]
