"""Preprocessing: from a source of data to the rows a network trains on, and back from its answers.

In order: `source` reads, `target` says what there is to learn, `preprocessing` holds what was learned from the training
rows, `prepare` does all of it and knows data again, `data_facts` says what can be said of it.
"""

from mlp.preprocessing.prepare import Prepared as Prepared
from mlp.preprocessing.prepare import check_same_data as check_same_data
from mlp.preprocessing.prepare import fingerprint as fingerprint
from mlp.preprocessing.prepare import prepare as prepare
from mlp.preprocessing.prepare import prepare_more as prepare_more
from mlp.preprocessing.prepare import resolve_target_scale as resolve_target_scale
from mlp.preprocessing.preprocessing import Part as Part
from mlp.preprocessing.preprocessing import Preprocessing as Preprocessing
from mlp.preprocessing.source import GivenRows as GivenRows
from mlp.preprocessing.source import Source as Source
