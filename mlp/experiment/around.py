"""What an experiment file puts around a rule: clipping, a look at the worst place nearby, a look ahead, an average.

From the inside out, as they stand in `wrapped`: what changes the gradient first, then what changes the step, at last
what only follows.
"""

from __future__ import annotations

from mlp.errors import ConfigError
from mlp.experiment.config import Config
from mlp.experiment.regularizers import constrained
from mlp.network import Layout
from mlp.optimizers import SAM, ClipNorm, ClipValue, Lookahead, MovingAverage, Optimizer


def wrapped(rule: Optimizer, config: Config, layout: Layout) -> Optimizer:
    """The rule with all that [optimizer] and [network] put around it; the rule itself where that is nothing."""
    given = config.optimizer
    around = [name for name in ("clip_value", "clip_norm", "sam", "lookahead") if getattr(given, name)]
    if rule.alone and around:
        raise ConfigError(
            f"[optimizer] {around[0]} changes the gradient or the step of a rule, and {given.name} searches by itself. "
            "Leave it out, or take a rule like momentum or adam."
        )
    if given.clip_value:
        rule = ClipValue(rule, given.clip_value)
    if given.clip_norm:
        rule = ClipNorm(rule, given.clip_norm)
    if given.sam:
        rule = SAM(rule, given.sam)
    if given.lookahead:
        rule = Lookahead(rule, given.lookahead)
    rule = constrained(rule, config, layout)
    return MovingAverage(rule, given.average) if given.average else rule
