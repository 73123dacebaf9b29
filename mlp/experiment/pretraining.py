"""What [network] pretrain asks for: how the hidden layers are to learn before training begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mlp.errors import ConfigError, MLPError
from mlp.experiment.build import made, unknown
from mlp.experiment.config import Config
from mlp.experiment.metrics import quiet
from mlp.experiment.prepare import Part
from mlp.network import Network
from mlp.pretraining import PRETRAINERS, Describer, LayerEpoch, check, pretrained


def describer(config: Config, rows: Part, network: Network) -> Describer | None:
    """What trains the layers, None where nothing does; refuses a network and rows that it cannot work with."""
    given = config.network.pretrain
    table = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = table.pop("name")
    if name == "none":
        if table:
            raise ConfigError(f"[network] pretrain none has no key {next(iter(table))!r}. Name rbm or autoencoder.")
        return None
    if name not in PRETRAINERS:
        raise unknown("[network] pretrain", name, {*PRETRAINERS, "none"})
    found: Describer = made(PRETRAINERS[name], table, f"[network] pretrain {name}")
    if rows.scaling is not None:
        raise ConfigError(
            "[network] pretrain needs its rows in memory, and those of a .npy stay on disk. Store them as .npz."
        )
    try:
        check(network, found)
    except MLPError as error:
        raise ConfigError(f"[network] {error}") from None
    return found


def pretrain(config: Config, rows: Part, network: Network, rng: np.random.Generator) -> None:
    """Pretrain as the configuration says, if it does."""
    found = describer(config, rows, network)
    if found is not None:
        for _ in quietly(pretrained(network, rows.X, found, rng)):
            pass


def quietly(facts: Iterator[LayerEpoch]) -> Iterator[LayerEpoch]:
    """The same facts. Numbers that overflow on the way are a finding; NumPy need not warn of them as well."""
    while True:
        with quiet():
            fact = next(facts, None)
        if fact is None:
            return
        yield fact
