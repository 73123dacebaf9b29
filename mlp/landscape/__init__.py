"""The loss around the points of a training: along lines, in planes, and how it curves there.

`sections` computes losses along a line or in a plane, `directions` says which, `trajectory` lays the plane through the
way that a training took, and `extremes` maps the ends of the Hessian's spectrum. A `Landscape` holds what was asked
for; `files` writes it as numbers or as a picture. A look changes nothing: a `Surface` has arrays of its own.
"""

from mlp.landscape.directions import filter_direction
from mlp.landscape.extremes import Extremes, extremes
from mlp.landscape.files import check_ending, save
from mlp.landscape.landscape import Landscape, Spectrum, find_spectrum
from mlp.landscape.sections import Line, Plane, line_along, line_between, losses_at, plane_along
from mlp.landscape.trajectory import Trajectory, trajectory

__all__ = [
    "Extremes",
    "Landscape",
    "Line",
    "Plane",
    "Spectrum",
    "Trajectory",
    "check_ending",
    "extremes",
    "filter_direction",
    "find_spectrum",
    "line_along",
    "line_between",
    "losses_at",
    "plane_along",
    "save",
    "trajectory",
]
