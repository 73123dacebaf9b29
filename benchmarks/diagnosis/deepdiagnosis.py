"""A port of DeepDiagnosis' rules (Wardat et al., ICSE 2022; `callbacks.py` of DeepDiagnosis/ICSE2022, 500b017).

A single interpretation of the published rules, written anew; not the original program. After every epoch the
symptoms are tried in its order, and the first one ends the run: a decision tree then names the fix. So there is one
alarm at most.

Where this departs from the original:

- A mean of exactly 0 is no numerical problem here. The columns of a softmax layer's gradient add up to 0, so that the
  literal rule fires by identity (64.8 % of healthy runs in the port of the notes on diagnosis, 31.9 % without it).
- Poor weights are told by the variance of a layer's weights, as our notes on diagnosis have it; the program takes
  that of a single number, their mean, which is none. That tree also says "learning rate" without a direction: the
  bound that was passed gives it here.
- Its last fix of an output out of range asks for softmax whatever the loss (`x == "a" or "b"`); kept.
- For numbers its accuracy is the share of exact hits, which is 0: those rules are left out there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from autotrainer import Scores, fact
from observer import Seen

import mlp
from mlp.arrays import Array

DEAD = 0.7  # `threshold_layer_1`: the share of ReLU outputs that are 0, after the last epoch
SATURATED = 0.5  # `threshold_layer`: the share of pre-activations beyond ± 5 (`observer.SATURATED`)
VANISHED = 1e-7  # `threshold_VG`: mean |∇W|
EVERY = 5  # `N`: epochs between looks at what stands still and at saturation; as many must be equal
ACCURACY_EVERY = 20  # `FRQ`: likewise for accuracy
SPAN = 10  # `identifyRange`: outputs spread over so many times the range of the targets
WEIGHT_VARIANCE = (1e-5, 10)  # `min_threshold`, `max_threshold`
UPDATE = (1e-5, 1e-1)  # `LearnRate_threshold` / 100 and · 100: rate · ‖∇W‖ / ‖W‖
INPUTS = (-1, 1)  # `DeadNodeAnalysis` and others: data outside are to be normalised

FIXES: dict[str, tuple[str, ...]] = {
    "poor weight, too equal": ("initialization_too_small", "constant_initialization"),
    "poor weight, too spread": ("initialization_too_large",),
    "normalize the data": ("unscaled_inputs",),
    "learning rate, lower": ("learning_rate_too_high",),
    "learning rate, higher": ("learning_rate_too_low",),
    "change the activation function to softmax": ("loss_output_mismatch",),
    "change the activation function": ("saturating_activations", "dead_relu", "loss_output_mismatch"),
    "change the loss function or the activation function": ("loss_output_mismatch", "saturating_activations"),
    "add dropout layer or missing activation function": ("too_little_regularization", "missing_nonlinearity"),
    "add/delete layer or change sigmoid": ("saturating_activations", "too_little_capacity"),
    "change optimizer": ("learning_rate_too_low",),
}
"""Its fixes, and the causes in our words that each would cure. The others are its words."""


def judge(seen: Seen) -> tuple[mlp.Finding, ...]:
    """The first symptom of the first epoch that shows one."""
    run = Scores.of(seen)
    for n in range(1, len(run.train_loss) + 1):
        for kind in symptoms(seen, run, n):
            return (finding(kind, fix(seen, kind, n), int(run.steps[n - 1])),)
    return ()


def symptoms(seen: Seen, run: Scores, n: int) -> Iterator[str]:
    """What shows after n epochs, in the order in which it is looked for."""
    yield from of_nodes(seen, run, n)
    yield from of_scores(seen, run, n)
    yield from of_weights(seen, n)


def of_nodes(seen: Seen, run: Scores, n: int) -> Iterator[str]:
    """Symptoms of what comes out of the layers."""
    if n == 1 and is_out_of_range(seen):
        yield "out_of_range"
    if not np.isfinite(at(seen, "output_mean", n)).all():
        yield "numerical_forward"
    if n == run.planned and (at(seen, "off", n) >= DEAD).any():
        yield "dead_node"
    if n % EVERY == 0 and (at(seen, "saturated", n) > SATURATED).any():
        yield "saturated_activation"
    if n % EVERY == 0 and stands_still(until(seen, "output_mean", n)[:, :-1]):
        yield "unchanged_forward"


def of_scores(seen: Seen, run: Scores, n: int) -> Iterator[str]:
    """Symptoms of loss and accuracy."""
    if not np.isfinite(run.train_loss[n - 1]):
        yield "invalid_loss"
    if n % EVERY == 0 and stands_still(run.train_loss[n - EVERY : n, None]):
        yield "loss_not_decreasing"
    if not fact(seen, "classes"):
        return
    if run.train[n - 1] == 0:
        yield "invalid_accuracy"
    if n % ACCURACY_EVERY == 0 and stands_still(run.train[n - ACCURACY_EVERY : n, None]):
        yield "accuracy_not_increasing"


def of_weights(seen: Seen, n: int) -> Iterator[str]:
    """Symptoms of gradients and weights."""
    if not np.isfinite(at(seen, "gradient_mean", n)).all():
        yield "numerical_backward"
    if (at(seen, "gradient_size", n) < VANISHED).any():
        yield "vanishing_gradient"
    if not np.isfinite(at(seen, "weight_mean", n)).all():
        yield "numerical_weights"
    if n % EVERY == 0 and stands_still(until(seen, "gradient_mean", n)):
        yield "unchanged_gradient"
    if n % EVERY == 0 and stands_still(until(seen, "weight_mean", n)):
        yield "unchanged_weights"


def is_out_of_range(seen: Seen) -> bool:
    """Whether the output layer cannot give the targets, or its first outputs are spread far beyond them."""
    assert seen.observed is not None
    if fact(seen, "softmax_output"):
        return False
    (low, high), (least, most) = seen.observed["range"][0], seen.observed["targets"][0]
    too_wide = seen.observed["answer_span"][0] > SPAN * (most - least)
    reaches = low <= least and most <= high
    return bool(fact(seen, "softmax_missing") or not reaches or (fact(seen, "linear_output") and too_wide))


def at(seen: Seen, name: str, n: int) -> Array:
    """What was observed after n epochs, layer by layer; nothing where no layer is of that kind."""
    assert seen.observed is not None
    return seen.observed[name][n - 1] if name in seen.observed else np.empty(0)


def until(seen: Seen, name: str, n: int) -> Array:
    """Likewise after each of the last epochs up to n, (EVERY, n_layers)."""
    assert seen.observed is not None
    return seen.observed[name][n - EVERY : n]


def stands_still(values: Array) -> bool:
    """Whether any column has one value only.

    >>> stands_still(np.array([[1.0, 2.0], [1.5, 2.0]]))
    True
    """
    return bool((values.max(0) == values.min(0)).any()) if values.size else False


def fix(seen: Seen, kind: str, n: int) -> str:
    """What its decision tree advises: the first test of the symptom that has an answer, or else the last resort."""
    tests, otherwise = TREE[kind]
    return next((advice for test in tests if (advice := test(seen, n))), otherwise)


def weights(seen: Seen, n: int) -> str | None:
    """Whether the weights of a layer are poor."""
    variances, (low, high) = at(seen, "weight_variance", n), WEIGHT_VARIANCE
    if (variances < low).any():
        return "poor weight, too equal"
    return "poor weight, too spread" if (variances > high).any() else None


def data(seen: Seen, _: int) -> str | None:
    """Whether the inputs are normalised."""
    assert seen.observed is not None
    (least, most), (low, high) = seen.observed["inputs"][0], INPUTS
    return "normalize the data" if least < low or most > high else None


def rate(seen: Seen, n: int) -> str | None:
    """Whether the steps suit the weights."""
    with np.errstate(all="ignore"):
        steps = at(seen, "learning_rate", n) * at(seen, "gradient_norm", n) / at(seen, "weight_norm", n)
    low, high = UPDATE
    if (steps > high).any():
        return "learning rate, lower"
    return "learning rate, higher" if (steps < low).any() else None


Test = Callable[[Seen, int], str | None]

TREE: dict[str, tuple[tuple[Test, ...], str]] = {
    "out_of_range": ((), "change the activation function to softmax"),
    "numerical_forward": ((weights, data, rate), "change the activation function"),
    "dead_node": ((data, weights, rate), "add dropout layer or missing activation function"),
    "saturated_activation": ((data, weights, rate), "add dropout layer or missing activation function"),
    "unchanged_forward": ((weights, rate), "change optimizer"),
    "invalid_loss": ((rate,), "change optimizer"),
    "loss_not_decreasing": ((weights, data, rate), "change optimizer"),
    "invalid_accuracy": ((rate,), "change optimizer"),
    "accuracy_not_increasing": ((weights, data, rate), "change optimizer"),
    "numerical_backward": ((), "change the loss function or the activation function"),
    "vanishing_gradient": ((rate,), "add/delete layer or change sigmoid"),
    "numerical_weights": ((weights, data, rate), "change the activation function"),
    "unchanged_gradient": ((weights, rate), "change optimizer"),
    "unchanged_weights": ((weights, rate), "change optimizer"),
}
"""By symptom, in the order in which it is looked for: what is tested, one after another, and the last resort."""


def finding(kind: str, advice: str, step: int) -> mlp.Finding:
    """The verdict in the words of the contract."""
    causes = tuple(mlp.Cause(cause, f"DeepDiagnosis: {kind}", advice) for cause in FIXES[advice])
    return mlp.Finding(kind, "critical", f"DeepDiagnosis would stop here: {kind}.", (), step, {}, causes)
