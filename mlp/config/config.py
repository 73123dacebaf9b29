"""An experiment: all sections together.

`parse` turns a file or a dict into a `Config`; what is not said takes its default. Names are not looked up here: what
they stand for follows when the parts are built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mlp.config.data import DataConfig
from mlp.config.loss import LossConfig
from mlp.config.network import NetworkConfig
from mlp.config.optimizer import OptimizerConfig
from mlp.config.schema import parse_section, show, suggest
from mlp.config.training import RecordConfig, TrainingConfig
from mlp.errors import ConfigError
from mlp.optimizers import OPTIMIZERS


@dataclass(frozen=True)
class Config:
    """An experiment, every key with a value."""

    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    record: RecordConfig = field(default_factory=RecordConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """As an experiment file says it; keys without a value are left out."""
        sections = asdict(self)
        for section in sections.values():
            section.update(section.pop("own", {}))
        return {
            name: {k: v for k, v in section.items() if v is not None and v != ""} for name, section in sections.items()
        }


SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "network": NetworkConfig,
    "loss": LossConfig,
    "optimizer": OptimizerConfig,
    "training": TrainingConfig,
    "record": RecordConfig,
}


def parse(given: Any, where: str = "config") -> Config:
    """A dict as a `Config`; what is not said takes its default. `where` is what errors call it."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: a table of sections is needed ({', '.join(SECTIONS)}); given was {show(given)}.")
    for name in given:
        if name not in SECTIONS:
            raise ConfigError(f"{where}: there is no section {show(name)}. {suggest(name, SECTIONS)}")
    tables = {name: given.get(name, {}) for name in SECTIONS}
    tables["record"] = _read_probe(tables["record"])
    return Config(**{name: parse_section(kind, tables[name], f"{where}, [{name}]") for name, kind in SECTIONS.items()})


def _read_probe(record: Any) -> Any:
    """[record] with `baseline`: in version 0.1.0 there was none, and `probe` said whether one may be trained."""
    if isinstance(record, Mapping) and "baseline" not in record and _is_never(record.get("probe")):
        return {**record, "baseline": "never"}
    return record


def _is_never(value: Any) -> bool:
    return isinstance(value, str) and value == "never"


def settle(config: Config) -> Config:
    """The configuration with what one key says of another; refuses keys that do not go together.

    Batches are full where the rule compares one step with the next, whatever size was given: so does scikit-learn for
    its lbfgs.
    """
    if config.training.ensemble and config.training.restarts == 1:
        raise ConfigError("[training] ensemble = true answers with all restarts, and restarts = 1. Set restarts = 5.")
    kind = OPTIMIZERS.get(config.optimizer.name)
    if kind is not None and kind.full_batch:
        _check_restarts(config, kind.single_network)
        config = replace(config, training=replace(config.training, batch_size="full"))
    if config.network.batch_norm and config.training.batch_size == 1:
        raise ConfigError(
            "[network] batch_norm = true with [training] batch_size = 1: the only row of a batch is its own mean, and "
            "every node becomes 0. Batch norm needs at least 2 rows in a batch."
        )
    return config


def _check_restarts(config: Config, searches_alone: bool) -> None:
    """Refuse a population for a rule that searches for one network at a time."""
    if searches_alone and config.training.restarts > 1:
        raise ConfigError(
            f"[training] restarts = {config.training.restarts} train as one population, and [optimizer] "
            f"{config.optimizer.name} searches for one network at a time. Set restarts = 1 and run it with several "
            "seeds."
        )
