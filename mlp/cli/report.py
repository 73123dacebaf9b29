"""The page of a run: written with every run, and again by the command `mlp report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mlp.cli.permit import permit
from mlp.cli.process import DONE, warn
from mlp.cli.streams import is_colored, show, takes
from mlp.errors import DataError
from mlp.experiment import Run, load_run
from mlp.experiment.run import check_run_path
from mlp.experiment.run_place import REPORT, files_behind, reserve
from mlp.history import History
from mlp.preprocessing import Prepared
from mlp.report.sparkline import ASCII, COLORED, PLAIN, draw_training
from mlp.run_page import build_report, read_rows
from mlp.storage.atomic import write_file, writing_itself
from mlp.storage.permission import as_path

if TYPE_CHECKING:
    from mlp.repairs import Repair


def write_report(run: Run, rows: Prepared | None, folder: Path, repair: Repair | None = None) -> None:
    """Write the page of a run into its folder, which is reserved. Where that fails the run is there all the same."""
    try:
        _write(build_report(run, rows, None if repair is None else repair.to_json()), folder)
    except DataError as error:
        warn(error)


def _write(page: str, folder: Path) -> None:
    path = folder / REPORT
    with writing_itself(path, "w") as out:
        out.write(page)


def show_training(history: History) -> None:
    """A picture of letters on standard output: blue on a terminal, and ASCII where there are no other letters."""
    letters = ASCII if not takes(PLAIN.levels) else COLORED if is_colored() else PLAIN
    if picture := draw_training(history, letters):
        print(f"\n{picture}\n")


def report(given: argparse.Namespace) -> int:
    """The page of a run, from what stands in its directory and from its data."""
    folder = check_run_path(given.run)
    permission = permit(given, files_behind(folder))
    path = folder / REPORT if given.out is None else as_path("-o", given.out)
    if given.out is not None:
        permission.check_file(path)
    run = load_run(folder, use=given.own)
    page = build_report(run, read_rows(run))
    if given.out is None:
        with reserve(folder):
            _write(page, folder)
    else:
        write_file(path, page.encode())
    show(path)
    return DONE
