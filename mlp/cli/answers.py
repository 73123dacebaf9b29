"""Commands that ask a trained network: its answers, how good they are, and the network in other formats."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from itertools import chain

from mlp.arrays import Array
from mlp.cli.permit import permit
from mlp.cli.process import DONE, warn
from mlp.cli.streams import show, write_as_utf8
from mlp.data.sources import files
from mlp.errors import DataError, DriftedInputsWarning
from mlp.experiment import Run, load_run
from mlp.experiment.run import check_run_path
from mlp.experiment.run_files import to_json_values
from mlp.experiment.run_place import files_behind
from mlp.preprocessing.drift import describe_drift
from mlp.report import text
from mlp.report.tables import comparison_text, evaluation_text
from mlp.storage.atomic import write_file, writing
from mlp.storage.permission import as_path


def warn_once(run: Run, rows: Array) -> list[str]:
    """Say in one line which columns of all rows are far off what was learned, and of no part of them again."""
    preprocessing = run.model.preprocessing
    found = preprocessing.find_drift(preprocessing.raw(rows))
    if found:
        warn(describe_drift(found))
    warnings.simplefilter("ignore", DriftedInputsWarning)
    return list(map(str, found))


def evaluate(given: argparse.Namespace) -> int:
    """Metrics of a run on further data."""
    permit(given, [*files_behind(check_run_path(given.run)), *files(given.source)])
    run = load_run(given.run, use=given.own)
    X, y = run.load(given.source)
    if y is None:
        raise DataError(f"{given.source} has no target {run.model.preprocessing.target_name!r} to compare with.")
    drifted = warn_once(run, X)
    found, known = run.appraise(X, y), run.trained_on(given.source)
    if given.json:
        about = {"run": given.run, "source": given.source, "trained_on": known, "drifted_inputs": drifted}
        show(json.dumps(to_json_values({**about, **found.to_json()})))
    else:
        show(evaluation_text(found, known))
    return DONE


def compare(given: argparse.Namespace) -> int:
    """Runs side by side."""
    from mlp.comparison import compare_runs

    behind = [*chain.from_iterable(map(files_behind, map(check_run_path, given.runs))), *files(given.on or "")]
    permission, path = permit(given, behind), None if given.out is None else as_path("-o", given.out)
    if path:
        permission.check_file(path)
    found = compare_runs(given.runs, given.on, use=given.own)
    if path:
        from mlp.comparison_page import build_comparison_page

        write_file(path, build_comparison_page(found).encode())
    show(json.dumps(to_json_values(found.to_json())) if given.json else comparison_text(found))
    return DONE


def export(given: argparse.Namespace) -> int:
    """A run in the format that the ending of the file says."""
    from mlp.exchange.export import describe_export, open_export

    write = open_export(given.file, permit(given, files_behind(check_run_path(given.run))))
    run = load_run(given.run, use=given.own)
    write(run)
    show(describe_export(run, given.file))
    return DONE


def predict(given: argparse.Namespace) -> int:
    """Answers of a run, as CSV in UTF-8."""
    permission = permit(given, [*files_behind(check_run_path(given.run)), *files(given.source)])
    path = None if given.out in (None, "-") else as_path("-o", given.out)
    if path:
        permission.check_file(path)
    run = load_run(given.run, use=given.own)
    rows = run.load_rows(given.source)
    warn_once(run, rows)
    if path:
        with writing(path, "w") as out:
            text.write_answers(run, rows, out, safe=given.safe_cells)
    else:
        write_as_utf8()
        text.write_answers(run, rows, sys.stdout, safe=given.safe_cells)
    return DONE
