"""Experiments: from a file that says what to do, to a run that says how it went.

`run` does it all; `experiment` gives the parts, whose `epochs()` one may watch. `load_run` reads a run directory.
`resume` goes on with a run that was stopped. `repair` runs an experiment again without its faults.
"""

from mlp.experiment.repair import Repair, mended, repair
from mlp.experiment.result import Run, load_run
from mlp.experiment.resume import resume
from mlp.experiment.run import Epoch, Experiment, experiment, run

__all__ = ["Epoch", "Experiment", "Repair", "Run", "experiment", "load_run", "mended", "repair", "resume", "run"]
