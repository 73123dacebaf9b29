"""Many trials over any executor, each of them once: none lost, none counted twice, whatever is interrupted.

`loop` hands trials out and takes outcomes in, `journal` keeps them on disk, `executors` are the places to run them:
here, in processes, on a cluster. Nothing here knows what a trial is, but that JSON can write it down.
"""

from mlp.sweep.executors import ProcessPool, Serial, cluster
from mlp.sweep.journal import Journal, identity
from mlp.sweep.loop import Outcome, sweep

__all__ = ["Journal", "Outcome", "ProcessPool", "Serial", "cluster", "identity", "sweep"]
