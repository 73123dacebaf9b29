"""An experiment: all sections together.

`parse` turns a file or a dict into a `Config`; what is not said takes its default. Names are not looked up here: what
they stand for follows when the parts are built.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mlp.config.data import DataConfig
from mlp.config.loss import LossConfig
from mlp.config.names_elsewhere import find_place
from mlp.config.network import NetworkConfig, activation_names
from mlp.config.optimizer import OptimizerConfig
from mlp.config.own_parts import NO_PARTS, OwnParts, file_of, name_parts, origin
from mlp.config.schema import OWN, OWN_OR_LIST, OwnName, naming_place, parse_section, refuse_use, show, suggest
from mlp.config.training import RecordConfig, TrainingConfig
from mlp.errors import ConfigError
from mlp.optimizers import OPTIMIZERS


@dataclass(frozen=True)
class Config:
    """An experiment, every key with a value.

    `own_parts`: by name of each part that the package does not have, the file that defines it and its SHA-256; nothing
    where it stands in no file.
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    own_parts: dict[str, dict[str, str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """As an experiment file says it; keys without a value are left out."""
        sections = asdict(self)
        own_parts = sections.pop("own_parts")
        for section in sections.values():
            section.update(section.pop("own", {}))
        return {
            name: {k: v for k, v in section.items() if v is not None and v != ""} for name, section in sections.items()
        } | ({"own_parts": own_parts} if own_parts else {})

    @property
    def answering_names(self) -> list[str]:
        """The names of the parts that answers depend on."""
        return [self.loss.name, *activation_names(self.network)]

    @property
    def part_names(self) -> list[str]:
        """The names of all parts that may be of one's own."""
        return [*self.answering_names, self.optimizer.name, *self.record.instruments, *self.record.detectors]


SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "network": NetworkConfig,
    "loss": LossConfig,
    "optimizer": OptimizerConfig,
    "training": TrainingConfig,
    "record": RecordConfig,
}


def parse(given: Any, where: str = "config", own: OwnParts = NO_PARTS) -> Config:
    """A dict as a `Config`; what is not said takes its default. `where` is what errors call it.

    Names may be those of `own` parts. In a dict from Python, classes and objects may stand in the place of names. A
    `Config`, as a run has it, is taken too.
    """
    given = given.to_dict() if isinstance(given, Config) else given
    if isinstance(getattr(given, "config", None), Config):
        raise ConfigError(f"{where}: this is a run. Give its experiment and the rows: run.config, (X, y).")
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: a table of sections is needed ({', '.join(SECTIONS)}); given was {show(given)}.")
    refuse_use(given, where)
    for name in given:
        if name not in SECTIONS and name != "own_parts":
            raise ConfigError(f"{where}: there is no section {show(name)}. {_suggest_section(name)}")
    with naming_place(where):
        named = name_parts(given, own)
    tables = {name: named.get(name, {}) for name in SECTIONS}
    tables["record"] = _read_probe(tables["record"])
    noted = _read_noted(given.get("own_parts", {}), where)
    sections = {}
    for name, kind in SECTIONS.items():
        part = tables[name].get("name", "") if isinstance(tables[name], Mapping) else ""
        is_own = isinstance(part, OwnName) or (isinstance(part, str) and part in noted)
        sections[name] = parse_section(kind, tables[name], f"{where}, [{name}]", OWN_OR_LIST if is_own else OWN)
    found = Config(**sections)
    return replace(found, own_parts=_note_files(found, noted))


def _suggest_section(name: object) -> str:
    """Which sections there are, and which of them, or which key of one, is meant."""
    keys = (f"{section}.{f.name}" for section, kind in SECTIONS.items() for f in fields(kind) if f.name == name)
    place = find_place(name) or next(keys, None)
    if place is None:
        return suggest(name, SECTIONS)
    return f"Known: {', '.join(SECTIONS)}. Did you mean the key {place}?"


def _read_noted(noted: Any, where: str) -> Mapping[str, Any]:
    """[own_parts] as a run noted it; refuses anything else."""
    if not isinstance(noted, Mapping) or not all(_is_origin(place) for place in noted.values()):
        raise ConfigError(f"{where}, [own_parts]: what a run noted is needed, name = {{file, sha256}}. Leave it out.")
    return noted


def _note_files(config: Config, noted: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By name of each part of one's own, where it stands; as it was `noted` for those that are not here."""
    here = {str(name): origin(name.part) for name in config.part_names if isinstance(name, OwnName)}
    return {**{name: dict(noted[name]) for name in config.part_names if name in noted}, **here}


def _is_origin(place: Any) -> bool:
    texts = isinstance(place, Mapping) and all(isinstance(value, str) for value in place.values())
    return texts and place.keys() in ({"file", "sha256"}, set())


def require_parts(config: Config, names: Sequence[str], where: str) -> None:
    """Refuse to go on without a part of one's own, one of these `names`, that is not here."""
    for name in names:
        if isinstance(name, OwnName) or name not in config.own_parts:
            continue
        place = config.own_parts[name]
        if not place:
            raise ConfigError(
                f"{where} needs {name}, a part that a notebook or session defined and no file holds. Go on in Python "
                "and hand the class over: use=[...]."
            )
        raise ConfigError(
            f"{where} needs {name} from {place['file']} (SHA-256 {place['sha256']}). Add --use {place['file']}; in "
            f"Python: use={place['file']!r}."
        )


def use_options(config: Config) -> str:
    """What a command for this experiment has to say about the files of one's own parts: " --use FILE", or nothing."""
    files = {file_of(name.part): None for name in config.part_names if isinstance(name, OwnName)}
    return "".join(f" --use {shlex.quote(file)}" for file in files if file)


def changed_files(before: Config, now: Config) -> list[str]:
    """The files of one's own parts that are not as they were."""
    pairs = ((place, now.own_parts.get(name, {})) for name, place in before.own_parts.items())
    return sorted({old["file"] for old, new in pairs if old and new and old["sha256"] != new["sha256"]})


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
    name = config.optimizer.name
    kind = name.part if isinstance(name, OwnName) else OPTIMIZERS.get(name)
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
