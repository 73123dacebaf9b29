"""Repair: an experiment without its faults.

`repair` suspects, tries and keeps what helps; `trials` are the short trainings that it compares; `changes` turns what a
cause advises into a configuration.
"""

from mlp.repairs.repair import Repair as Repair
from mlp.repairs.repair import repair as repair
from mlp.repairs.repair import repair_run as repair_run
