"""Shape: a network that cannot hold the answer, or loses it to noise."""

from __future__ import annotations

from collections.abc import Iterator

from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspicion import Suspicion, between, suspect


def linear(r: Reading) -> Iterator[Suspicion]:
    """Hidden layers that are one weighted sum together."""
    if r.setting("linear", 0.0) == 1:
        why = "all hidden layers are weighted sums, so together they are one"
        yield suspect(0.93, "missing_nonlinearity", why, 'activation = "relu"')


def narrow(r: Reading) -> Iterator[Suspicion]:
    """No hidden layer, or one through which hardly anything passes."""
    narrowest, layers = r.setting("narrowest", 64.0), r.setting("hidden_layers", 1.0)
    if layers == 0:
        yield suspect(0.6, "too_little_capacity", "there is no hidden layer", "hidden = [64]")
    elif narrowest <= 4:
        why = f"everything has to pass a layer of {narrowest:.0f}"
        yield suspect(0.9 - 0.1 * (narrowest - 1), "too_little_capacity", why, "hidden = [64]")


def dropout(r: Reading) -> Iterator[Suspicion]:
    """Noise that drowns the signal."""
    rate = r.setting("dropout", 0.0)
    if rate >= 0.4:
        why = f"dropout keeps only {100 * (1 - rate):.0f} % of the units at each step"
        yield suspect(0.3 + 0.6 * min(1.0, (rate - 0.4) / 0.4), "dropout_too_high", why, "dropout = 0.2")


def inputs(r: Reading) -> Iterator[Suspicion]:
    """Noise that drowns the inputs: most of them left out, or more of it than of them."""
    rate, noise = r.setting("input_dropout", 0.0), r.setting("input_noise", 0.0)
    if rate >= 0.5:
        why = f"input dropout keeps only {100 * (1 - rate):.0f} % of the inputs at each step"
        yield suspect(0.3 + 0.65 * min(1.0, (rate - 0.5) / 0.4), "dropout_too_high", why, "input_dropout = 0.2")
    if noise >= 1:
        why = f"the noise on the inputs has a deviation of {noise:g}, and they have about 1"
        yield suspect(0.5 + 0.45 * between(noise, 1, 5), "dropout_too_high", why, "input_noise = 0.1")


SHAPE = (linear, narrow, dropout, inputs)
