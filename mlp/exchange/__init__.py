"""Networks in the formats of others: ONNX, safetensors, scikit-learn, PyTorch.

What needs a package that is not installed says so by the name of the extra. Nothing here is needed to train, nothing
reads or writes a pickle, and no file is left half-written.
"""

from mlp.exchange.onnx_file import to_onnx
from mlp.exchange.safetensors_file import from_safetensors, to_safetensors
from mlp.exchange.sklearn_model import from_sklearn
from mlp.exchange.torch_state import from_torch

__all__ = ["from_safetensors", "from_sklearn", "from_torch", "to_onnx", "to_safetensors"]
