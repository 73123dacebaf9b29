"""Problems for optimizers: functions of a vector and networks alike, one row each.

`problem` says what a row holds. To add a problem, write how it begins and one row in its family; `problem_named` finds
it by name. For a function of your own `function_problem` makes the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from mlp.errors import UnknownNameError
from mlp.problems.functions import FUNCTIONS
from mlp.problems.functions import function_problem as function_problem
from mlp.problems.images import DIGITS, IMAGES, image_problem
from mlp.problems.network_obstacles import NETWORKS
from mlp.problems.networks import Task as Task
from mlp.problems.networks import begin_network as begin_network
from mlp.problems.noise_obstacles import NOISES
from mlp.problems.obstacle import DIVERGED as DIVERGED
from mlp.problems.obstacle import Obstacle as Obstacle
from mlp.problems.proben1 import TABLE10, proben1_problem
from mlp.problems.problem import Descent as Descent
from mlp.problems.problem import Problem as Problem
from mlp.problems.problem import Stop as Stop
from mlp.problems.problem import Target as Target
from mlp.problems.problem import larger_is_better as larger_is_better
from mlp.problems.problem import takes_populations as takes_populations
from mlp.problems.quadratic import QUADRATICS
from mlp.problems.toys import TOYS, encoder_problem, parity_problem
from mlp.problems.vector_obstacles import VECTORS

DIALS = {make.__name__: make for make in (*VECTORS, *NOISES, *NETWORKS)}
"""What makes an obstacle of any setting of its dial."""
OBSTACLES: Mapping[str, Obstacle] = {name: make() for name, make in DIALS.items()}
"""Problems with one known difficulty each, at their usual settings."""
PROBLEMS: Mapping[str, Problem] = {
    row.name: row for row in (*FUNCTIONS, *QUADRATICS, *TOYS, *DIGITS, *OBSTACLES.values())
}
"""Those that need no data from elsewhere."""


def needs_folder(name: str) -> bool:
    """Whether the data of the problem are read from a folder."""
    return name in IMAGES or name.startswith("proben1-")


@cache
def problem_named(name: str, folder: str | None = None) -> Problem:
    """The problem of that name, also parity-N, encoder-N-M-N, proben1-NAME and OBSTACLE-DIAL.

    `folder` holds the data that do not come with the package. They are read when the problem begins.
    """
    if name in PROBLEMS:
        return PROBLEMS[name]
    if name in IMAGES:
        return image_problem(name, folder)
    if bits := re.fullmatch(r"parity-(\d{1,2})", name):
        return parity_problem(int(bits[1]))
    if sizes := re.fullmatch(r"encoder-(\d{1,4})-(\d{1,4})-\1", name):
        return encoder_problem(int(sizes[1]), int(sizes[2]))
    if file := re.fullmatch(r"proben1-([a-z]+\d)", name):
        return proben1_problem(file[1], folder)
    if (turned := re.fullmatch(r"([a-z_]+)-(\d[\d.e+-]{0,9})", name)) and turned[1] in DIALS:
        return turn_dial(turned[1], turned[2])
    raise UnknownNameError("problem", name, [*PROBLEMS, *IMAGES, *(f"proben1-{file}" for file in TABLE10)])


def turn_dial(name: str, setting: str) -> Obstacle:
    """The obstacle of that name with another setting of its dial; UnknownNameError where this is no number."""
    try:
        return DIALS[name](float(setting))
    except (ValueError, OverflowError):
        raise UnknownNameError("problem", f"{name}-{setting}", DIALS) from None
