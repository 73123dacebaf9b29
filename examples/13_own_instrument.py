"""Write your own instrument: what it measures stands in the history beside everything else.

    python examples/13_own_instrument.py
    mlp train digits --use examples/13_own_instrument.py --set 'record.instruments=["small_weights"]'

An instrument is a name and a function that reads a `mlp.Step`: network, batch, gradient, update, all as they are after
the step. It never writes, so a run is the same with and without it. A population has a leading axis: measure along the
last one.
"""

import numpy as np

import mlp


def small_weights(step: mlp.Step) -> np.ndarray:
    """The share of the parameters below 0.01, of each layer."""
    parts = step.network.layout.blocks(step.network.params)
    return np.stack([(np.abs(part) < 0.01).mean(-1) for part in parts], axis=-1)


SMALL_WEIGHTS = mlp.Instrument("small_weights", small_weights, period=5, labels=lambda s: s.network.layout.block_names)

if __name__ == "__main__":
    iris = mlp.data.load("iris")
    config = {"loss": {"l1": 0.02}, "record": {"instruments": [SMALL_WEIGHTS]}}
    history = mlp.run(config, (iris.X, iris.y)).history
    print("steps:", history.steps("small_weights")[:4], "layers:", history.labels("small_weights"))
    print("shares at the end:", np.round(history["small_weights"][-1], 2))
