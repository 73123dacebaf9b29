"""Data: where it comes from, whether it can be trained on, how it is parted and scaled.

`load` turns any source into a `Dataset`; `check_trainable` refuses what cannot be learned from; `split` parts
rows; `scale.standard` and `scale.minmax` fit a `Scaling`. All of it is arrays in, arrays out:
nothing here knows a network.
"""

from mlp.data.check import check_trainable, infer_task
from mlp.data.columns import ColumnRules
from mlp.data.dataset import Dataset
from mlp.data.encoding import Column, Encoding
from mlp.data.labels import apply_labels, encode_labels
from mlp.data.scale import Scaling
from mlp.data.sources import Entry, catalogue, load
from mlp.data.split import Parts, split
from mlp.data.synthetic import blobs, encoder, moons, parity, rings, two_spirals, xor

__all__ = [
    "Column",
    "ColumnRules",
    "Dataset",
    "Encoding",
    "Entry",
    "Parts",
    "Scaling",
    "apply_labels",
    "blobs",
    "catalogue",
    "check_trainable",
    "encode_labels",
    "encoder",
    "infer_task",
    "load",
    "moons",
    "parity",
    "rings",
    "split",
    "two_spirals",
    "xor",
]
