"""The command `mlp landscape`: it shows and writes what `experiment.look` finds around the end of a run."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mlp.cli.process import DONE
from mlp.experiment import load_run
from mlp.experiment.look import find_landscape, find_point, open_scene
from mlp.experiment.run import run_folder
from mlp.experiment.run_directory import to_json_values
from mlp.experiment.run_folder import files_behind
from mlp.landscape import check_ending, save
from mlp.storage.atomic import explaining
from mlp.storage.permission import Permission, as_path


def landscape(given: argparse.Namespace) -> int:
    """The kind of point that a run ended at; what else was asked for, into a file too."""
    folder = run_folder(given.run)
    permission = Permission([*files_behind(folder), *map(Path, given.use)], given.force)
    permission.check_stream(sys.stdout)
    path = None if given.out is None else as_path("-o", given.out)
    if path is not None:
        check_ending(path)
        permission.check_file(path)
    run = load_run(folder, use=given.own)
    scene = open_scene(run.config, run.network, where=str(folder), own=given.own)
    point = find_point(scene, run.history)
    found = find_landscape(
        scene, run.waypoints, run.steps,
        line=given.line or (path is not None and not (given.plane or given.trajectory or given.spectrum)),
        plane=given.plane, path=given.trajectory, eigenvalues=given.spectrum,
    )  # fmt: skip
    if path is not None:
        with explaining(path):
            save(found, path)
    if given.json:
        print(json.dumps(to_json_values({"run": given.run, "point": asdict(point), **found.to_json()})))
    else:
        print("\n".join(filter(None, [str(point), str(found), "" if path is None else str(path)])))
    return DONE
