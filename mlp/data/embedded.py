"""The data sets that come with the package, each with its source and licence.

The numbers lie in `files/`, made by `files/convert.py`; what is said about them stands here. Knows nothing of
networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlp.data.dataset import Dataset

CC_BY = "CC BY 4.0 (UCI Machine Learning Repository)"


class Embedded(NamedTuple):
    """What is known of a data set before it is read."""

    n_rows: int
    n_features: int
    n_classes: int
    target_name: str
    description: str
    source: str
    licence: str


EMBEDDED = {
    "digits": Embedded(
        1797,
        64,
        10,
        "label",
        "handwritten digits, 8 x 8 pixels of 0 ... 16",
        "Alpaydin, Kaynak: Optical Recognition of Handwritten Digits, UCI 80 (test part); from scikit-learn",
        CC_BY,
    ),
    "iris": Embedded(
        150,
        4,
        3,
        "species",
        "three species of iris, four lengths in cm",
        "Fisher (1936), UCI 53; from scikit-learn, which corrects the two rows that are wrong in UCI's file",
        CC_BY,
    ),
    "wine": Embedded(
        178,
        13,
        3,
        "cultivar",
        "wines of three cultivars, thirteen chemical measurements on very different scales",
        "Aeberhard, Forina: Wine, UCI 109, from scikit-learn",
        CC_BY,
    ),
    "breast_cancer": Embedded(
        569,
        30,
        2,
        "diagnosis",
        "malignant or benign tumours, thirty measurements of cell nuclei",
        "Wolberg, Street, Mangasarian: Breast Cancer Wisconsin (Diagnostic), UCI 17, from scikit-learn",
        CC_BY,
    ),
}


def embedded_file(name: str) -> Path:
    """Where one of them lies."""
    return Path(__file__).parent / "files" / f"{name}.npz"


def load_embedded(name: str) -> Dataset:
    """One of the data sets in EMBEDDED: pixels in uint8, measurements in float64, codes in int64."""
    from importlib.resources import as_file, files  # 4 ms, with tempfile and archives: only where a set is read

    about = EMBEDDED[name]
    with (
        as_file(files("mlp.data") / "files" / f"{name}.npz") as path,
        np.load(path, allow_pickle=False) as stored,
    ):
        X, divisor = stored["X"], stored["divisor"]
        return Dataset(
            X if (divisor == 1).all() else X / divisor,
            stored["y"].astype(np.int64),
            tuple(str(name) for name in stored["feature_names"]),
            about.target_name,
            tuple(str(name) for name in stored["class_names"]),
            name=name,
            description=about.description,
            source=about.source,
            licence=about.licence,
        )
