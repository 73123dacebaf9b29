"""Experiments: from a file that says what to do, to a run that says how it went.

Read the modules in this order. `setup` is what is decided before the first step, `state` is what moves, and `loop`
moves it. `before_training` notes what is known at the start, and `cost` how long it will take. `trial` trains beside a
run: the *baseline* is the trial of a plain network. `waypoints` keeps parameters on the way. `probe`, `end_point` and
`rule_memory` ask at what kind of point the run stands, and `watch` judges a run on its way. `run_files` has the
files of a run, `run_place` the place where they may be written; `checkpoint` and `checkpoint_schedule` write the
state. `run` does all of this. `resume` continues the same run on the same rows, and `continue_training` the same
network on new rows.
"""

from mlp.experiment.loop import Epoch as Epoch
from mlp.experiment.loop import Stop as Stop
from mlp.experiment.loop import epochs as epochs
from mlp.experiment.resume import resume as resume
from mlp.experiment.run import Run as Run
from mlp.experiment.run import finish as finish
from mlp.experiment.run import load_run as load_run
from mlp.experiment.run import run as run
from mlp.experiment.setup import Setup as Setup
from mlp.experiment.setup import set_up as set_up
from mlp.experiment.state import State as State
from mlp.experiment.state import begin as begin
from mlp.experiment.state import initial_state as initial_state
from mlp.experiment.watch import watch_epochs as watch_epochs
