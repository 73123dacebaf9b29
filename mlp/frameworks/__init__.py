"""Training loops of others, PyTorch's and Keras': what they do is recorded and judged as a run of this package is.

Neither library is imported with the package: who hands over a model has imported it. `gradients` records what is as
long as the parameters, `nodes` what stands between layers, `rows` the samples that pass by, and `verdict` makes
findings of all of it. `torch_*` and `keras_*` know how each library is asked.
"""

from mlp.frameworks.keras_watch import watch_keras as watch_keras
from mlp.frameworks.torch_watch import TorchWatch as TorchWatch
from mlp.frameworks.torch_watch import watch_torch as watch_torch
