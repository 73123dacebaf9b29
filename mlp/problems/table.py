"""The table of problems, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlp.errors import UnknownNameError
from mlp.problems.functions import FUNCTIONS
from mlp.problems.images import DIGITS, IMAGES
from mlp.problems.proben1 import TABLE10, proben1_problem
from mlp.problems.problem import Problem
from mlp.problems.quadratic import QUADRATICS
from mlp.problems.toys import TOYS, encoder_problem, parity_problem

PROBLEMS: Mapping[str, Problem] = {row.name: row for row in (*FUNCTIONS, *QUADRATICS, *TOYS, *DIGITS)}
"""Those that need no data from elsewhere."""

OTHERS = (*IMAGES, *(f"proben1-{name}" for name in TABLE10))


def needs_folder(name: str) -> bool:
    """Whether the problem's data are read from a folder."""
    return name in IMAGES or name.startswith("proben1-")


def problem_named(name: str, folder: str | None = None) -> Problem:
    """The row of that name, also parity-N, encoder-N-M-N and proben1-NAME of other sizes and names.

    `folder` holds the data of those that do not come with the package; they are read when the problem begins.
    """
    if name in PROBLEMS:
        return PROBLEMS[name]
    if name in IMAGES:
        return IMAGES[name](folder)
    if bits := re.fullmatch(r"parity-(\d{1,2})", name):
        return parity_problem(int(bits[1]))
    if sizes := re.fullmatch(r"encoder-(\d{1,4})-(\d{1,4})-\1", name):
        return encoder_problem(int(sizes[1]), int(sizes[2]))
    if file := re.fullmatch(r"proben1-([a-z]+\d)", name):
        return proben1_problem(file[1], folder)
    raise UnknownNameError("problem", name, [*PROBLEMS, *OTHERS])
