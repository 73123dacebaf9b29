"""Who judges: rule sets by name, each from what was seen of a run to findings.

Every rule set here is asked about every run and has its lines in the report. A rival speaks the language of the
contract: its alarms are `mlp.Finding`s with a step, and its causes have the contract's names where it names any. The
rivals are ports, one interpretation each of published rules; what was left out and why stands in their files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import autotrainer
import deepdiagnosis
import gate
from observer import Seen

import mlp

RuleSet = Callable[[Seen], Sequence[mlp.Finding]]


def ours(seen: Seen) -> Sequence[mlp.Finding]:
    """`mlp.diagnose`, which reads nothing but the history."""
    return mlp.diagnose(seen.history)


RULE_SETS: Mapping[str, RuleSet] = {
    "mlp": ours,
    "AutoTrainer": autotrainer.judge,
    "AutoTrainer Θ": partial(autotrainer.judge, stuck=autotrainer.POOR),
    "DeepDiagnosis": deepdiagnosis.judge,
    "gate at 5 %": gate.at(0.05),
    "gate at 10 %": gate.at(0.10),
    "gate at 20 %": gate.at(0.20),
}


def judges(seen: Seen) -> Mapping[str, RuleSet]:
    """Who can judge that: only ours where nobody watched the run for the others."""
    return RULE_SETS if seen.observed is not None else {"mlp": ours}
