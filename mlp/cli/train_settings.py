"""The experiment that the options of `mlp train` describe: a file, over it --set, over that the short options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from mlp.config import override, put, read_toml
from mlp.errors import ConfigError

SHORT_OPTIONS: Mapping[str, str] = {
    "epochs": "training.epochs",
    "hidden": "network.hidden",
    "optimizer": "optimizer.name",
    "learning_rate": "optimizer.learning_rate",
    "seed": "training.seed",
}
"""The keys that have an option of their own, by its name in Python."""


def read_widths(text: str) -> list[int]:
    """Widths as people type them: "64,32", "[64, 32]", "64"; "" and "[]" for no hidden layer.

    >>> read_widths("64,32"), read_widths("[8]"), read_widths("")
    ([64, 32], [8], [])
    """
    parts = [part for part in text.strip().strip("[]").split(",") if part.strip()]
    try:
        return [int(part) for part in parts]
    except ValueError:
        raise ConfigError(f"--hidden {text}: needed are widths, like --hidden 64,32.") from None


def read_settings(given: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """The experiment that a command describes, and what its file alone says."""
    written = {} if given.config is None else read_toml(given.config)
    config = written
    for assignment in given.set:
        config = override(config, assignment)
    for option, place in SHORT_OPTIONS.items():
        value = getattr(given, option)
        if value is not None:
            config = put(config, place.split("."), read_widths(value) if option == "hidden" else value)
    if given.source:
        config = put(config, ("data", "source"), given.source)
    return config, written


def name_settings(given: argparse.Namespace) -> str:
    """What errors call the experiment of a command."""
    short = [f"--{option.replace('_', '-')}" for option in SHORT_OPTIONS if getattr(given, option) is not None]
    return " and ".join(filter(None, [given.config, "--set" if given.set else None, *short])) or "config"
