"""Problems for optimizers: one row each, functions of a vector and networks alike.

`problem` states what a row says. To add one, write how it begins and one row in its family; `problem_named` finds it.
"""

from mlp.problems.problem import Course, Problem, Stop, Target, larger_is_better, takes_populations
from mlp.problems.table import PROBLEMS, needs_folder, problem_named

__all__ = [
    "PROBLEMS",
    "Course",
    "Problem",
    "Stop",
    "Target",
    "larger_is_better",
    "needs_folder",
    "problem_named",
    "takes_populations",
]
