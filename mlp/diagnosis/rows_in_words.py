"""On what a number was measured, in words: which rows, how many of them, while training or afterwards.

Two numbers of one output that differ are measured on different rows or at different times, and say so. A history typed
by hand may not know how many rows there were.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlp.diagnosis.reading import Reading
from mlp.diagnosis.thresholds import FEW_ROWS

USES = {"train": "to train on", "validation": "to validate on"}


def first_of(seen: float, total: float, use: str) -> str:
    """The first `seen` of `total` rows; NaN where a number is not known.

    >>> first_of(1024, 5000, "to train on"), first_of(9, 9, "to validate on"), first_of(float("nan"), 9, "to train on")
    ('the first 1024 of the 5000 rows to train on', 'the 9 rows to validate on', 'the rows to train on')
    """
    if seen < total:
        return f"the first {seen:.0f} of the {total:.0f} rows {use}"
    return f"the {total:.0f} rows {use}" if total == seen else f"the rows {use}"


def total(r: Reading, part: str) -> float:
    """How many rows a part has; NaN where that is not known."""
    return r.setting("rows" if part == "train" else "validation_scored")


def scored(r: Reading, part: str) -> str:
    """The rows of a part that the network was asked about after each epoch."""
    return first_of(r.setting(f"{part}_scored"), total(r, part), USES[part])


def probed(r: Reading, part: str) -> str:
    """The rows of a part that the plain network was asked about."""
    return first_of(r.one("baseline_rows", part), total(r, part), USES[part])


def trained_on(r: Reading) -> str:
    """The rows that the plain network was trained on."""
    return first_of(r.one("baseline_rows", "trained"), total(r, "train"), USES["train"])


def crossed(r: Reading) -> str:
    """Whose score on training rows is not that of memorised rows: "Plain networks, ..., have"."""
    share = "four fifths" if total(r, "train") < FEW_ROWS else "half"
    return f"Plain networks, each trained on {share} of the rows to train on and asked about the others, have"


def score(r: Reading) -> str:
    """What a score is called."""
    return "accuracy" if r.score_name == "accuracy" else "r²"


def mean_loss(r: Reading) -> str:
    """What the loss is that a run is judged by: not that of the weights it ends with, but on the way to them."""
    over = "mean over the last epoch" if "train_loss" in r else "mean over the latest steps"
    return f"{over}, while it trained" + (", classes balanced" if r.setting("balanced", 0.0) == 1 else "")


def compared(r: Reading) -> str:
    """The rows whose labels were held against those of their neighbours."""
    return first_of(r.one("label_noise_rows"), total(r, "train"), USES["train"])


def scanned(r: Reading) -> str:
    """The rows that were looked through before the first step."""
    return first_of(r.one("scanned_rows"), total(r, "train"), USES["train"])


def each_scanned(r: Reading) -> str:
    """Each of them."""
    return f"each of {scanned(r)}" if r.one("scanned_rows") < total(r, "train") else "every row to train on"


def list_names(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def passed(r: Reading) -> str:
    """The rows that went through the network once before the first step."""
    return first_of(r.one("dry_rows"), total(r, "train"), USES["train"])
