"""A port of AutoTrainer's rules (Zhang et al., ICSE 2021; `monitor.py` of shiningrain/AUTOTRAINER, 5175f6c).

A single interpretation of the published rules, written anew; not the original program. After every third epoch it
looks for symptoms, which it never forgets; the first problem that they add up to is its verdict, for there the original
stops, repairs and trains again. Only the problem of highest priority is repaired, so only that one is told.

When a run has not converged is read in two ways, and both stand in the report. The program says so where no score is
good *and* none rises; our notes on diagnosis, section 1.2, word it as two problems, so that poor scores are enough
(`POOR`). When layer outputs are looked at, and that an answer may be no number, is taken from these notes too.

Where this departs from the original:

- Numbers instead of classes: it knows accuracies only. R² takes their place here, and the two rules that compare an
  output with a loss for classes are silent.
- A run that diverged has its last check at once, not at the next third epoch: ours ends there.
- Overfitting is left out: it is commented out in the original. So is the repair itself: nothing is trained again.
- Without validation rows the training scores stand in for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from observer import Seen

import mlp
from mlp.arrays import Array

VANISHED_RATIO = 1e-3  # β₁: ‖∇W‖ of the first layer over that of the last
VANISHED_NORM = 1e-4  # β₂: ... and ‖∇W‖ of the first layer
EXPLODED_RATIO = 70  # β₃: the same ratio
ZERO_GRADIENTS = 0.7  # γ: the share of gradient entries that are exactly 0
SWING = 0.03  # ζ: between a high and a low of the training accuracy
SWINGS = 0.2  # η: so many of them, for each epoch
GAIN = 0.01  # δ: the largest gain in one epoch
GOOD = 0.7  # Θ: a good accuracy; 0.6 in the authors' `reproduce.py`
OUTPUT = 10  # ω₁: the mean |output| of a hidden layer
ANSWER = 1 + 0.1  # ω₂ and the margin in `layer_issue`: the sum of |answers| of a row
LARGE_LOSS = 1e3  # `check_large_loss`
INTERVAL = 3  # epochs between checks: `checktype="epoch_3"`
JUDGED_FROM = 0.3  # `judgment_point`: the share of the epochs before which scores say nothing
OUTPUTS_FROM = 0.5  # the share of the epochs at which layer outputs are looked at once

POOR_AND_SLOW, POOR = frozenset({"poor", "slow"}), frozenset({"poor"})
"""Symptoms that together say "not converged": as the program has it, and as our notes word it."""

PRIORITY = (
    "abnormal_data", "activation_issue", "loss_issue", "relu", "explode", "vanish", "not_converge", "unstable",
)  # fmt: skip
"""Problems, the most urgent first: 4, then 3, 3, then 2 in the order of its `elif`s, then 1."""

REPAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "abnormal_data": (("normalise the data", "unscaled_inputs"),),
    "activation_issue": (("softmax or sigmoid as the last activation", "loss_output_mismatch"),),
    "loss_issue": (("cross entropy that fits the outputs", "loss_output_mismatch"),),
    "relu": (
        ("SELU, leaky ReLU", "dead_relu"),
        ("batch norm", "negative_bias"),
        ("other first weights", "constant_initialization"),
    ),
    "explode": (
        ("SELU with LeCun's weights, batch norm", "initialization_too_large"),
        ("clip gradients", "learning_rate_too_high"),
    ),
    "vanish": (
        ("SELU, ReLU", "saturating_activations"),
        ("LeCun's or He's weights, batch norm", "initialization_too_small"),
    ),
    "not_converge": (
        ("another optimizer, ten times the rate", "learning_rate_too_low"),
        ("other first weights", "initialization_too_small"),
    ),
    "unstable": (
        ("Adam, a tenth of the rate, ReduceLROnPlateau", "learning_rate_too_high"),
        ("twice the batch", "batch_too_small"),
        ("another momentum", "momentum_too_high"),
    ),
}
"""Its repairs by problem, in its order, and the cause in our words that each would cure."""


def judge(seen: Seen, stuck: frozenset[str] = POOR_AND_SLOW) -> tuple[mlp.Finding, ...]:
    """The first verdict, if there is one. With all the symptoms of `stuck` a run has not converged."""
    run, found = Scores.of(seen), set[str]()
    for n in checks(run):
        found |= set(of_loss(run, n)) | set(of_gradients(seen, n))
        if found & {"nan_loss", "slow"} or n == first_check(run, OUTPUTS_FROM):
            found |= set(of_outputs(seen, n))
            problem = verdict(found, stuck)
            if problem:
                return (finding(problem, int(run.steps[n - 1])),)
    return ()


@dataclass(frozen=True)
class Scores:
    """Losses and accuracies, epoch by epoch, as far as they go. `planned` epochs were asked for."""

    planned: int
    steps: Array
    train_loss: Array
    validation_loss: Array
    train: Array
    validation: Array

    @classmethod
    def of(cls, seen: Seen) -> Scores:
        """Read them from a history."""
        history, name = seen.history, "accuracy" if fact(seen, "classes") else "r2"
        assert seen.observed is not None
        loss, train = column(history, "train_loss"), column(seen.observed, "train_score")
        steps = history.steps("train_loss") if len(loss) else np.empty(0, int)
        return cls(
            int(fact(seen, "epochs")),
            steps,
            loss,
            column(history, "validation_loss", loss),
            train,
            column(history, f"validation_{name}", train),
        )


def column(history: mlp.History, name: str, otherwise: Array | None = None) -> Array:
    """A column; what stands in for it where it is not there."""
    return history[name] if name in history else np.empty(0) if otherwise is None else otherwise


def fact(seen: Seen, name: str) -> float:
    """A single number that was known before the first step."""
    assert seen.observed is not None
    return float(seen.observed[name][0])


def checks(run: Scores) -> Iterator[int]:
    """After how many epochs it looks: every third; the last of a run that diverged."""
    for n in range(1, len(run.train_loss) + 1):
        if n % INTERVAL == 0 or not np.isfinite(run.train_loss[n - 1]):
            yield n


def first_check(run: Scores, share: float) -> int:
    """The first check at or after this share of the planned epochs."""
    return INTERVAL * int(np.ceil(share * run.planned / INTERVAL))


def of_loss(run: Scores, n: int) -> Iterator[str]:
    """Symptoms of losses and accuracies after n epochs."""
    losses = np.concatenate([run.train_loss[:n], run.validation_loss[:n]])
    if not (np.isfinite(losses).all() and losses.max() < LARGE_LOSS):
        yield "nan_loss"
        return
    if losses.min() < 0:
        yield "negative_loss"
    if n < JUDGED_FROM * run.planned - INTERVAL:
        return
    train, validation = run.train[:n], run.validation[:n]
    if swings(train) >= SWINGS * n:
        yield "unstable"
    if max(train.max(), validation.max()) < GOOD:
        yield "poor"
    if max(largest_gain(train), largest_gain(validation)) < GAIN:
        yield "slow"


def swings(scores: Array) -> int:
    """How often the k-th local maximum lies far above the k-th local minimum; a level stretch is both.

    >>> swings(np.array([0.5, 0.9, 0.6, 0.9, 0.6]))
    1
    """
    before, here, after = scores[:-2], scores[1:-1], scores[2:]
    high, low = here[(here >= before) & (here >= after)], here[(here <= before) & (here <= after)]
    n = min(len(high), len(low))
    return int(np.sum(high[:n] - low[:n] >= SWING))


def largest_gain(scores: Array) -> float:
    """In one epoch; 0 where it only fell."""
    return float(np.diff(scores).max(initial=0.0))


def of_gradients(seen: Seen, n: int) -> Iterator[str]:
    """Symptoms of weights and gradients after n epochs."""
    assert seen.observed is not None
    if seen.observed["broken"][n - 1]:
        yield "nan_weights"
        return
    norms = seen.observed["gradient_norm"][n - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = norms[0] / norms[-1]
    if ratio < VANISHED_RATIO and norms[0] < VANISHED_NORM:
        yield "vanish"
    if ratio > EXPLODED_RATIO:
        yield "explode"
    if seen.observed["gradient_zeros"][n - 1] >= ZERO_GRADIENTS:
        yield "relu"


def of_outputs(seen: Seen, n: int) -> Iterator[str]:
    """Symptoms of answers and hidden layers after n epochs, and of the loss by its name."""
    assert seen.observed is not None
    is_no_share = fact(seen, "classes") and not seen.observed["answer_sum"][n - 1] <= ANSWER
    if is_no_share:
        yield "activation"
    elif (seen.observed["output_size"][n - 1, :-1] >= OUTPUT).any():
        yield "data"
    if fact(seen, "classes") and not fact(seen, "cross_entropy"):
        yield "improper_loss"


def verdict(found: set[str], stuck: frozenset[str]) -> str | None:
    """The most urgent problem that the symptoms add up to."""
    problems = set(problems_of(found, stuck))
    return next((problem for problem in PRIORITY if problem in problems), None)


def problems_of(found: set[str], stuck: frozenset[str]) -> Iterator[str]:
    """All of them; gradients count only where scores are poor or hardly rise."""
    if "data" in found:
        yield "abnormal_data"
    if "negative_loss" in found or ("improper_loss" in found and "activation" not in found):
        yield "loss_issue"
    if found >= {"nan_loss", "nan_weights"}:
        yield "explode"
    if "unstable" in found:
        yield "activation_issue" if "activation" in found else "unstable"
    if found & {"poor", "slow"}:
        yield from of_no_progress(found, stuck)


def of_no_progress(found: set[str], stuck: frozenset[str]) -> Iterator[str]:
    """The one reason for poor scores that is given."""
    if "activation" in found:
        yield "activation_issue"
    elif found & {"relu", "explode", "vanish"}:
        yield next(name for name in ("relu", "explode", "vanish") if name in found)
    elif found >= stuck and "data" not in found:
        yield "not_converge"


def finding(problem: str, step: int) -> mlp.Finding:
    """The verdict in the words of the contract."""
    causes = tuple(mlp.Cause(cause, f"AutoTrainer: {problem}", repair) for repair, cause in REPAIRS[problem])
    return mlp.Finding(problem, "critical", f"AutoTrainer would stop here: {problem}.", (), step, {}, causes)
