"""What a comparison is asked for: rules, problems, seeds, and the budget for choosing learning rates.

A file has a table [bench] with the keys of `Settings`, and a table [optimizers.NAME] for each rule that is not to have
its defaults: any of the rule's own keys, and `learning_rate` as a number or as a list to choose from.
"""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from mlp.errors import ConfigError, HyperparameterError, UnknownNameError, check_positive
from mlp.experiment.config import COUNT, NOT_NEGATIVE, SEED, Allowed, key, one_of, suggestion
from mlp.optimizers import OPTIMIZERS
from mlp.problems import needs_folder, problem_named

NAMES = Allowed(
    lambda value: isinstance(value, list) and value != [] and all(isinstance(v, str) for v in value), "a list of names"
)
FOLDER = Allowed(lambda value: isinstance(value, str), "the path of a folder")
DECADES = Allowed(lambda value: bool(NOT_NEGATIVE.fits(value)) and value <= 100, "a number from 0 to 100")
FRESH, TUNING = 0, 10_000  # where the seeds of the two halves of the protocol begin: they never meet


@dataclass(frozen=True)
class Settings:
    """Every key of [bench].

    `rates` learning rates, from `decades` decades around the rule's own default, are tried with `tuning_seeds` seeds;
    the best then runs with `seeds` fresh ones. `search`: "grid", in equal steps of the logarithm, or "random".
    `together`: how many seeds share one order of the batches, and so can train as one population. `epochs`: instead of
    each problem's own, if not 0. `seed`: where everything begins.
    """

    optimizers: list[str] = key(["sgd", "momentum", "adam"], NAMES)
    problems: list[str] = key(["digits", "two_spirals", "rosenbrock"], NAMES)
    seeds: int = key(10, COUNT)
    tuning_seeds: int = key(3, COUNT)
    rates: int = key(9, COUNT)
    decades: float = key(4.0, DECADES)
    search: str = key("grid", one_of("grid", "random"))
    together: int = key(5, COUNT)
    epochs: int = key(0, SEED)
    seed: int = key(0, SEED)
    data: str = key("", FOLDER)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keys(self, rule: str) -> dict[str, Any]:
        """The rule's own keys, without the learning rates."""
        return {name: value for name, value in self.own.get(rule, {}).items() if name != "learning_rate"}

    def learning_rates(self, rule: str) -> list[float | None]:
        """What is tried, each once and in rising order; [None] for a rule that has no learning rate."""
        usual = {f.name: f.default for f in fields(OPTIMIZERS[rule])}.get("learning_rate")  # type: ignore[arg-type]
        given = self.own.get(rule, {}).get("learning_rate")
        if usual is None or given is not None:
            return [None] if usual is None else sorted(set(given if isinstance(given, list) else [given]))
        rates = {float(f"{rate:.4g}") for rate in usual * 10 ** self._powers(rule)}
        return [*sorted(rates)]

    def _powers(self, rule: str) -> Any:
        """Powers of ten around 0."""
        half = self.decades / 2
        if self.search == "grid":
            return np.linspace(-half, half, self.rates) if self.rates > 1 else np.zeros(1)
        rng = np.random.default_rng([self.seed, *rule.encode()])
        return np.sort(rng.uniform(-half, half, self.rates))

    def seeds_of(self, first: int, n: int) -> list[list[int]]:
        """n seeds, in blocks that share an order of the batches."""
        seeds = [self.seed + first + i for i in range(n)]
        return [seeds[i : i + self.together] for i in range(0, n, self.together)]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """As a file says it."""
        bench = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "own"}
        return {"bench": bench} | ({"optimizers": self.own} if self.own else {})


def settings(given: Mapping[str, Any], where: str = "bench") -> Settings:
    """A file's tables as settings; everything that can be wrong is said before anything runs."""
    for name in given:
        if name not in ("bench", "optimizers"):
            raise ConfigError(f"{where}: there is no section {name!r}. {suggestion(name, ['bench', 'optimizers'])}")
    bench, own = (_table(given.get(name, {}), f"{where}, [{name}]") for name in ("bench", "optimizers"))
    known = {f.name: f for f in fields(Settings) if f.name != "own"}
    for name, value in bench.items():
        if name not in known:
            raise ConfigError(f"{where}, [bench] has no key {name!r}. {suggestion(name, known)}")
        if not known[name].metadata["allowed"].fits(value):
            words = known[name].metadata["allowed"].words
            raise ConfigError(f"{where}, [bench] {name} = {value!r} cannot be. Allowed: {words}.")
    found = Settings(**bench, own=dict(own))
    _check_names(found, where)
    return found


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a table is needed; given was {value!r}.")
    return value


def _check_names(found: Settings, where: str) -> None:
    """Refuse rules and problems that are not known or there twice, and rules that cannot be made."""
    for what, names in (("optimizers", found.optimizers), ("problems", found.problems)):
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigError(f"{where}, [bench] {what} names {twice[0]!r} twice. Once is enough.")
    for name in [*found.optimizers, *found.own]:
        if name not in OPTIMIZERS:
            raise UnknownNameError("optimizer", name, OPTIMIZERS)
    for name in found.problems:
        problem = problem_named(name, found.data or None)
        if needs_folder(name):  # better now than in the middle
            problem.begin(0, 0, False)
    for name in found.own:
        _table(found.own[name], f"{where}, [optimizers.{name}]")
    for name in found.optimizers:
        _check_rule(found, name, f"{where}, [optimizers.{name}]")


def _check_rule(found: Settings, name: str, where: str) -> None:
    """Make the rule once at every learning rate."""
    known = [f.name for f in fields(OPTIMIZERS[name])]  # type: ignore[arg-type]
    for own in found.own.get(name, {}):
        if own not in known:
            raise ConfigError(f"{where} has no key {own!r}. {suggestion(own, known or ['none'])}")
    given = found.own.get(name, {}).get("learning_rate")
    if given == []:
        raise ConfigError(f"{where} learning_rate = [] leaves nothing to try. Give one, or leave the key out.")
    try:
        for rate in given if isinstance(given, list) else [] if given is None else [given]:
            check_positive("learning_rate", rate)
        for rate in found.learning_rates(name):
            OPTIMIZERS[name](**found.keys(name), **({} if rate is None else {"learning_rate": rate}))
    except (HyperparameterError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from None


def at_edge(rate: float | None, rates: list[float | None]) -> bool:
    """Whether the best learning rate is the smallest or largest that was tried: a better one may lie outside."""
    return len(rates) > 2 and rate in (rates[0], rates[-1])
