"""Models: a network with what stands before it and after it.

In order: `output_head` says how a network ends, `metrics` how good answers are, `model` has all of it.
"""

from mlp.model.metrics import Appraisal as Appraisal
from mlp.model.metrics import quiet as quiet
from mlp.model.metrics import score_name as score_name
from mlp.model.model import APART as APART
from mlp.model.model import Model as Model
from mlp.model.model import copy_member as copy_member
from mlp.model.model import group_minima as group_minima
from mlp.model.model import select_members as select_members
from mlp.model.output_head import OutputHead as OutputHead
from mlp.model.output_head import build_output_head as build_output_head
