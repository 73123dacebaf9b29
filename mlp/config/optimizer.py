"""The section [optimizer]: how the loss is made small.

Its keys become a rule with a schedule and with what is put around it: clipping, a look at the worst place nearby, a
look ahead, a bound on the weights, an average. Knows the layout of a network, and no data.
"""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from mlp import optimizers
from mlp.config.schema import (
    DERIVED,
    NAME,
    NOT_NEGATIVE,
    RATE,
    SCHEDULE,
    SEED,
    build_part,
    find_part,
    key,
    name_and_keys,
)
from mlp.errors import ConfigError, UnknownNameError
from mlp.layers import Dense, Layer, Residual
from mlp.layers.chain import slices
from mlp.network import Layout
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.schedules import SCHEDULES

Matrix = tuple[slice, tuple[int, int]]


@dataclass(frozen=True)
class OptimizerConfig:
    """How the loss is made small. Further keys are the rule's own: learning_rate, momentum, beta1, ...

    `sam`: how far away the gradient is taken, at the worst place nearby. `lookahead`: after how many steps to go back
    half of the way. `average`: the decay of a moving average of the parameters, which then answers, with statistics of
    its own for batch norm. All are off at 0.
    """

    name: str = key("adam", NAME, "the rule: see [optimizers](optimizers.md)")
    clip_norm: float = key(0.0, NOT_NEGATIVE, "shorten gradients that are longer; 0 is off")
    clip_value: float = key(0.0, NOT_NEGATIVE, "hold each component of the gradient within ± this; 0 is off")
    sam: float = key(0.0, NOT_NEGATIVE, "take the gradient at the worst place so far away; 0 is off")
    lookahead: int = key(0, SEED, "go back half of the way after so many steps; 0 is off")
    average: float = key(0.0, RATE, "answer with a moving average of the weights; this is its decay")
    schedule: str | dict[str, Any] = key("constant", SCHEDULE, "a name, or a table with a name and its own keys")
    own: dict[str, Any] = field(default_factory=dict)


def find_rule(name: str) -> Any:
    """The class of a rule: one's own, or the package's."""
    return find_part("[optimizer] name", name, OPTIMIZERS)


def usual_rate(name: str) -> float | None:
    """A learning rate of the rule that suits inputs of deviation 1 and weights that start as they should, or None.

    About a third of the rate that brings the training loss of digits lowest in 8 epochs (32 rectifiers, batches of 32),
    as what is best for one network is too high for another; rules that find their own rate have the 1 of their papers.
    """
    found: float | None = find_rule(name).usual_rate
    return found


def resolve_rule_keys(given: OptimizerConfig, n_steps: int) -> dict[str, Any]:
    """The rule's own keys for a run of so many steps, also those that were not given."""
    kind, own = find_rule(given.name), dict(given.own)
    if given.name in ("adam", "adamw"):
        own.setdefault("learning_rate", adam_rate(n_steps))
    found = build_part(kind, own, f"[optimizer] {given.name}")
    values = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in DERIVED}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def adam_rate(n_steps: int, highest: float = 0.01) -> float:
    """Adam's learning rate for a run of n steps, where none is given: 0.01 √(1000 / n), within 0.001 and `highest`.

    A step of Adam moves a weight by at most about η. The usual 0.001 is for long runs: 20 epochs of a small data set
    are some hundred steps, and end before the network has gone anywhere. Mean test accuracy, 0.001 → this: digits
    0.961 → 0.974, iris 0.77 → 0.93, wine 0.90 → 0.98, moons 0.86 → 0.97 (30 seeds, benchmarks/defaults.py).
    """
    return float(f"{min(highest, max(0.001, 0.01 * (1000 / n_steps) ** 0.5)):.2g}")


def build_rule(
    given: OptimizerConfig,
    layout: Layout,
    *,
    loss_name: str,
    steps_per_epoch: int,
    n_steps: int,
    max_norm: float = 0.0,
    frozen: Sequence[slice] = (),
) -> Optimizer:
    """The rule with its schedule and with all that is put around it; it leaves the slices `frozen` as they are."""
    kind = find_rule(given.name)
    rule: Optimizer = kind(**resolve_rule_keys(given, n_steps), **_places(kind, layout))
    if rule.least_squares and loss_name != "squared_error":
        raise ConfigError(
            f"[optimizer] {given.name} minimises squares, and [loss] name = {loss_name!r}. Set squared_error, "
            "or take levenberg_marquardt, which is for other losses too."
        )
    if given.schedule != "constant":
        if rule.single_network:
            raise ConfigError(f"[optimizer] {given.name} finds its own step lengths. Leave out the schedule.")
        schedule = build_schedule(given.schedule, getattr(rule, "learning_rate", None), steps_per_epoch, n_steps)
        rule = replace(rule, learning_rate=schedule)  # type: ignore[type-var]
    rule = wrap_rule(rule, given, max_norm, layout)
    return optimizers.Frozen(rule, tuple(frozen)) if frozen else rule


def _places(kind: Any, layout: Layout) -> dict[str, Any]:
    """What a rule of this class is told about the network."""
    asked = {f.name for f in fields(kind)}
    found = {"slices": tuple(s for s in layout.slices if s.stop > s.start)} if "slices" in asked else {}
    return found | ({"matrices": layout.matrices} if "matrices" in asked else {})


# schedules


def planned_lengths(given: str | Mapping[str, Any]) -> list[str]:
    """The lengths of a schedule that are not given: they follow from the length of the run, and are planned for it.

    >>> planned_lengths("cosine"), planned_lengths("plateau")
    (['steps'], [])
    >>> planned_lengths({"name": "warmup", "steps": 9, "then": "step"})
    ['then.every']
    """
    short, long = (build_schedule(given, 1.0, 1, n_steps) for n_steps in (1000, 2000))
    return _differing_fields(short, long)


def _differing_fields(a: Any, b: Any) -> list[str]:
    """The fields in which two schedules of one kind differ; those of what follows a warm-up as "then.steps"."""
    names = [f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)]
    then = [f"then.{name}" for name in _differing_fields(a.then, b.then)] if "then" in names else []
    return [name for name in names if name != "then"] + then


def build_schedule(
    given: str | Mapping[str, Any], rate: Any, per_epoch: int, total: int, section: str = "[optimizer] "
) -> Any:
    """A schedule from its name and keys; lengths that are not given follow from the length of the run.

    `rate`: the learning rate η₀; `per_epoch` and `total`: updates of an epoch and of the run. Errors begin with
    `section`.
    """
    name, own = name_and_keys(given)
    if name not in SCHEDULES:
        raise UnknownNameError(f"{section}schedule", name, SCHEDULES)
    kind, keys, where = SCHEDULES[name], SCHEDULES[name].lengths(total, per_epoch), f"{section}schedule {name}"
    if name == "warmup":
        then = build_schedule(own.pop("then", "constant"), rate, per_epoch, total, section)
        return build_part(kind, {"then": then, **keys, **own}, where)
    for wrong in {"rate0", "learning_rate"} & set(own):
        raise ConfigError(f"{where} has no key {wrong!r}: the learning rate is [optimizer] learning_rate.")
    return build_part(kind, {**keys, **own}, where, rate0=rate)


# what is put around a rule


WRAPPERS: dict[str, Callable[[Optimizer, Any], Optimizer]] = {
    "clip_value": lambda rule, bound: optimizers.ClipValue(rule, bound),
    "clip_norm": lambda rule, bound: optimizers.ClipNorm(rule, bound),
    "sam": lambda rule, radius: optimizers.SAM(rule, radius),
    "lookahead": lambda rule, every: optimizers.Lookahead(rule, every),
}
"""By key, from the inside out: what changes the gradient, then what changes the step. Imported where it is wanted."""


def wrap_rule(rule: Optimizer, given: OptimizerConfig, max_norm: float, layout: Layout) -> Optimizer:
    """The rule with its wrappers, or the rule itself where there are none. Outermost is what only follows."""
    for name, wrap in WRAPPERS.items():
        amount = getattr(given, name)
        if amount and rule.single_network:
            raise ConfigError(
                f"[optimizer] {name} changes the gradient or the step of a rule, and {given.name} searches by itself. "
                "Leave it out, or take a rule like momentum or adam."
            )
        rule = wrap(rule, amount) if amount else rule
    if max_norm:
        rule = _bound_weights(rule, given.name, max_norm, layout)
    return optimizers.MovingAverage(rule, given.average) if given.average else rule


def _bound_weights(rule: Optimizer, name: str, radius: float, layout: Layout) -> Optimizer:
    """The rule with the weights into each hidden unit kept within [network] max_norm."""
    if rule.single_network or isinstance(rule, optimizers.ScheduleFreeSGD | optimizers.ScheduleFreeAdamW):
        raise ConfigError(
            f"[network] max_norm = {radius:g} puts weights back after a step, and [optimizer] {name} would not go on "
            "from there: it keeps a place of its own. Use another rule, or [loss] l2."
        )
    return optimizers.MaxNorm(rule, radius, hidden_matrices(layout))


def hidden_matrices(layout: Layout) -> tuple[Matrix, ...]:
    """Where the weights into hidden units lie in the flat vector: those of all dense layers but the last."""
    return tuple(_dense_matrices(layout.layers, 0))[:-1]


def _dense_matrices(layers: Sequence[Layer], start: int) -> Iterator[Matrix]:
    """The weights of dense layers, also inside residual blocks; those of `layers` begin at `start`."""
    for layer, s in zip(layers, slices(layer.n_params for layer in layers), strict=True):
        if isinstance(layer, Dense):
            yield slice(start + s.start, start + s.stop), (layer.n_out, layer.n_in + 1)
        elif isinstance(layer, Residual):
            yield from _dense_matrices(layer.layers, start + s.start)
