"""Networks in the formats of others: ONNX, safetensors, scikit-learn, PyTorch.

What needs a package that is not installed says so by the name of the extra. Nothing here is needed to train, nothing
reads or writes a pickle, and no file is left half-written.
"""

from mlp.exchange.onnx_file import to_onnx as to_onnx
from mlp.exchange.other_networks import from_sklearn as from_sklearn
from mlp.exchange.other_networks import from_torch as from_torch
from mlp.exchange.safetensors_file import from_safetensors as from_safetensors
from mlp.exchange.safetensors_file import to_safetensors as to_safetensors
from mlp.exchange.torch_rule import TorchRule as TorchRule
