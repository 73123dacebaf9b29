"""Who judges: rule sets by name, each from a history to findings.

Every rule set here is asked about every run and has a line in the report. A rival speaks the language of the contract:
its alarms are `mlp.Finding`s with a step, and its causes have the contract's names where it names any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mlp

RuleSet = Callable[[mlp.History], Sequence[mlp.Finding]]

RULE_SETS: dict[str, RuleSet] = {
    "mlp": mlp.diagnose,
}
