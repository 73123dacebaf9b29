"""The same run on the same rows: it continues from its last checkpoint, as if it had never stopped.

The setup is made again from the configuration in the checkpoint and from the same data. The state is the one that the
checkpoint holds. From there on it is a run like any other. New rows: see `continue_training`.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlp.config import NO_PARTS, Config, OwnParts, changed_files, explaining_paths, read_parts, settle, use_options
from mlp.errors import ConfigError, DataError, FileFormatError, MLPError, in_one_line
from mlp.experiment.checkpoint import Checkpoint, read_checkpoint, restore_state
from mlp.experiment.loop import is_over
from mlp.experiment.run import Run, check_run_path, complete_run, load_run
from mlp.experiment.run_place import check_place, check_unread, is_empty_or_leftover, is_run, remove_leftovers, reserve
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, begin
from mlp.preprocessing import check_same_data
from mlp.preprocessing.source import files_read
from mlp.storage.permission import Permission


def resume(folder: str | os.PathLike[str], epochs: int | None = None, data: Any = None, *, use: Any = ()) -> Run:
    """Go on with the run in a run directory; it ends bit for bit as if it had never stopped, and is written there.

    `epochs`: how many in all, if other than planned: a finished run is trained further, with the rule's memory and
    the order of the rows going on. A schedule whose length was given keeps it; one whose length followed from the
    epochs is from here on what it would be in the longer run. `data`: (X, y) again, for a run that was given them.
    The run itself where there is nothing left to do. `use`: the Python file or the classes of your own parts, as they
    were when it began.
    """
    saved, own = read_checkpoint(check_run_path(folder)), read_parts(use)
    if nothing_left_to_do(saved, epochs, own):
        remove_leftovers(saved.path.parent)
        return load_run(folder, use=own)
    with reserve(saved.path.parent, Permission(files_read(saved.config))) as place:
        saved = read_checkpoint(place)
        if nothing_left_to_do(saved, epochs, own):
            return load_run(place, use=own)
        return complete_run(*restore(saved, epochs, data, own), place)


def nothing_left_to_do(saved: Checkpoint, epochs: int | None = None, own: OwnParts = NO_PARTS) -> bool:
    """Whether all is done and written: the run beside the checkpoint is the one that it leads to."""
    planned = saved.config.training.epochs
    further = epochs is not None and (type(epochs) is not int or epochs != planned)
    if not saved.state["over"] or further or not is_run(saved.path.parent):
        return False
    try:
        run = load_run(saved.path.parent, use=own)
    except MLPError:
        return False
    # seconds in 16 digits are as good as a serial number
    return (run.config, run.steps, run.seconds) == (saved.config, saved.steps, saved.state["seconds"])


def restore(
    saved: Checkpoint, epochs: int | None = None, data: Any = None, own: OwnParts = NO_PARTS
) -> tuple[Setup, State]:
    """The setup and the state of the run that the checkpoint is of, ready to go on."""
    config = saved.config
    if not config.data.source and data is None:
        raise DataError(
            f"{saved.path.parent}: this run was given its data as arrays. Go on in Python: "
            "mlp.resume(folder, data=(X, y))."
        )
    if epochs is not None:
        _check_epochs(saved, epochs)
        config = replace(config, training=replace(config.training, epochs=int(epochs)))
    check_unread(saved.path.parent, Permission(files_read(config), force=True))
    with explaining_paths(saved.path, config.to_dict()):
        setup, _ = begin(config.to_dict(), data, str(saved.path), own)
    if changed := changed_files(saved.config, setup.config):
        raise ConfigError(
            f"{saved.path.parent}: {', '.join(changed)} has changed since the run began, which would not go on as if "
            "it had never stopped. Give the file as it was, or train anew."
        )
    check_same_data(setup.fingerprint, saved.data, config.data.source)
    state = restore_state(setup, saved)
    if epochs is not None and is_over(setup, state) and epochs > state.epoch:
        raise ConfigError(f"{saved.path.parent} {_why_over(setup, state)}: more epochs change nothing. Train anew.")
    return setup, state


def _check_epochs(saved: Checkpoint, epochs: int) -> None:
    """Refuse what is no number of epochs, or fewer than there were."""
    begun = saved.epoch + (not saved.is_between_epochs)
    whole = isinstance(epochs, int) and not isinstance(epochs, bool)
    if not whole or not max(1, begun) <= epochs <= sys.maxsize:
        raise ConfigError(
            f"epochs = {in_one_line(epochs)} cannot be: {saved.path.parent} is in epoch {begun}, and epochs counts "
            f"from the beginning. Give a whole number, {max(1, begun)} or more."
        )


def _why_over(setup: Setup, state: State) -> str:
    """Why there is no more to train."""
    if state.diverged:
        return "diverged"
    patience = setup.config.training.patience
    return f"was ended by early stopping, after {patience} epochs without improvement"


# before another run is replaced


def check_replaced(folder: Path, config: Config, permission: Permission) -> None:
    """Refuse to write the run of an experiment over what is read, or over another run unless that is permitted.

    Where that one is unfinished, say how to go on with it.
    """
    check_place(folder)
    check_unread(folder, permission)
    if permission.force or is_empty_or_leftover(folder):
        return
    instead = "Give another folder with -o, or --force to replace it"
    go_on = f"mlp resume {shlex.quote(str(folder))}{use_options(config)}"
    try:
        saved = read_checkpoint(folder)
    except FileFormatError:  # that cannot be gone on with
        raise DataError(
            f"{folder} holds {'a finished run' if is_run(folder) else 'a damaged run'}. {instead}."
        ) from None
    if saved.state["over"] and is_run(folder):
        raise DataError(f"{folder} holds a finished run. {instead}; to train it further: {go_on} --epochs N.")
    differing = differing_keys(config, saved.config)
    if differing == ["training.epochs"]:
        differing, go_on = [], f"{go_on} --epochs {config.training.epochs}"
    if differing:
        what = ", ".join(differing[:3]) + (", ..." if len(differing) > 3 else "")
        raise DataError(f"{folder} holds an unfinished run of another experiment ({what}). {instead}.")
    raise DataError(
        f"{folder} holds an unfinished run of this experiment. To go on with it: {go_on}; --force replaces it."
    )


def differing_keys(config: Config, resolved: Config) -> list[str]:
    """In which keys an experiment, as it was given, is another than one that has been resolved.

    What was left open, "auto" or a number of the rule's own, may have come to anything.
    """
    given, other = ({"own_parts": {}, **either.to_dict()} for either in (settle(config), resolved))
    return [
        f"{section}.{name}"
        for section in given
        for name in dict.fromkeys([*given[section], *other[section]])
        if given[section].get(name, "auto") not in ("auto", other[section].get(name))
        or (name not in given[section] and section != "optimizer")
    ]
