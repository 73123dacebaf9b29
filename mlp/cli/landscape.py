"""The command `mlp landscape`: what kind of point a run ended at, and the loss around it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from mlp.cli.permit import permit
from mlp.cli.process import DONE
from mlp.cli.streams import show
from mlp.experiment import load_run
from mlp.experiment.end_point import find_landscape, find_point, open_scene
from mlp.experiment.rule_memory import read_memory
from mlp.experiment.run import check_run_path
from mlp.experiment.run_files import to_json_values
from mlp.experiment.run_place import files_behind
from mlp.landscape import check_ending, save
from mlp.run_page import Looked, build_report, read_rows
from mlp.storage.atomic import write_file
from mlp.storage.permission import as_path

PAGE = ".html"  # the report of the run, with what was seen


def landscape(given: argparse.Namespace) -> int:
    """The kind of point that a run ended at; what else was asked for, into a file too."""
    folder = check_run_path(given.run)
    permission = permit(given, files_behind(folder))
    path = None if given.out is None else as_path("-o", given.out)
    if path is not None:
        check_ending(path, (PAGE,))
        permission.check_file(path)
    run = load_run(folder, use=given.own)
    scene = open_scene(run.config, run.network, where=str(folder), own=given.own)
    point = find_point(scene, run.history, read_memory(folder, run.network, scene.setup.rule))
    found = find_landscape(
        scene, run.waypoints, run.steps,
        line=given.line or (path is not None and not (given.plane or given.trajectory or given.spectrum)),
        plane=given.plane, trajectory=given.trajectory, spectrum=given.spectrum,
    )  # fmt: skip
    if path is not None and path.suffix.lower() == PAGE:
        write_file(path, build_report(run, read_rows(run), looked=Looked(point, found)).encode())
    elif path is not None:
        save(found, path)
    if given.json:
        show(json.dumps(to_json_values({"run": given.run, "point": asdict(point), **found.to_json()})))
    else:
        show("\n".join(filter(None, [str(point), str(found), "" if path is None else str(path)])))
    return DONE
