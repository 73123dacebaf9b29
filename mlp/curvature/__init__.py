"""Curvature of the loss: eigenvalues of its Hessian from products alone, and what kind of point one stands at.

`lanczos`, `trace` and `density` know a matrix by its products only and nothing of networks. A `Surface` is the loss of
a network on fixed rows, with such products; `spectrum`, `ends` and `blocks` ask it. `escape` tells how long a rule's
steps take out of a saddle, and `classify_point` puts all of it together.
"""

from mlp.curvature.blocks import Block, Reach, blocks, reaches
from mlp.curvature.density import Density, density
from mlp.curvature.escape import Escape, Motion, escape, motion
from mlp.curvature.lanczos import Ritz, lanczos
from mlp.curvature.point import KINDS, Point, classify_point
from mlp.curvature.spectrum import Ends, ends, spectrum
from mlp.curvature.surface import Surface
from mlp.curvature.trace import Estimate, trace

__all__ = [
    "KINDS",
    "Block",
    "Density",
    "Ends",
    "Escape",
    "Estimate",
    "Motion",
    "Point",
    "Reach",
    "Ritz",
    "Surface",
    "blocks",
    "classify_point",
    "density",
    "ends",
    "escape",
    "lanczos",
    "motion",
    "reaches",
    "spectrum",
    "trace",
]
