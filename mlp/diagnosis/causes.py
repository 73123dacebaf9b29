"""Causes: what may be to blame, and how much speaks for it.

Each suspect reads a history and yields how sure it is (0 … 1) and a cause with its reason and its remedy. Certain
mechanisms (all units alike) weigh most, settings far off the usual next, then signs that have several explanations.
A short training with the remedy applied, where one was made, has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isfinite, log10

import numpy as np

from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading, trend

Suspicion = tuple[float, Cause]
Suspect = Callable[[Reading], Iterator[Suspicion]]


CERTAIN = 0.85
"""From here on a suspicion is an alarm before the run has shown anything, until it shows that all is well."""


def ranked(reading: Reading) -> tuple[Cause, ...]:
    """All causes that anything speaks for, likeliest first, each once."""
    by_name: dict[str, Cause] = {}
    for _, cause in suspicions(reading):
        by_name.setdefault(cause.name, cause)
    return tuple(by_name.values())


def suspicions(reading: Reading) -> list[Suspicion]:
    """All causes with their weights, the heaviest first."""
    return sorted((s for suspect in SUSPECTS for s in suspect(reading)), key=lambda s: -s[0])


def gradient(r: Reading) -> Iterator[Suspicion]:
    """A gradient that is none, parameters that do not move, an end that cannot answer."""
    if wrong_layers(r):
        yield 1.0, WRONG_GRADIENT
    elif uphill(r) > 0.9 or is_contrary(r):
        yield 1.0, WRONG_GRADIENT
    still = frozen_layers(r)
    if still:
        yield 0.98, Cause("frozen_layer", f"no step moves {', '.join(still)}", "frozen = []")
    if is_without_gradient(r):
        why = "no gradient at all reaches any layer: the output does not depend on the weights"
        yield 0.9, Cause("loss_output_mismatch", why, AUTOMATIC)
    if r.one("constant_output", default=0.0):
        yield 1.0, Cause("loss_output_mismatch", "a softmax of one output is always 1", AUTOMATIC)
    unreachable = r.one("out_of_reach", default=0.0)
    if unreachable > 0.05:
        why = f"{100 * unreachable:.0f} % of the targets lie outside what the last layer can give"
        yield 0.97, Cause("loss_output_mismatch", why, AUTOMATIC)
    elif r.one("squashed_twice", default=0.0):
        yield 0.94, Cause("loss_output_mismatch", "outputs are squashed twice, by a layer and by the loss", AUTOMATIC)
    elif r.one("classes_as_numbers", default=0.0):
        yield 0.5, Cause("loss_output_mismatch", "classes are learned as numbers, which saturates", AUTOMATIC)


def is_without_gradient(r: Reading) -> bool:
    """Whether every gradient of every layer was exactly 0, at a loss that is not."""
    pulled = r["grad_norm_by_layer"] if "grad_norm_by_layer" in r else np.ones(1)
    return len(pulled) >= 2 and not pulled.any() and r.now > 1e-3


AUTOMATIC = 'output = "auto" and loss name = "auto"'
WRONG_GRADIENT = Cause(
    "wrong_gradient", "the loss does not change as the gradient says", "mlp.gradcheck(net, loss, X, t)"
)


def wrong_layers(r: Reading, tolerance: float = 1e-3) -> tuple[str, ...]:
    """The layers whose gradient disagrees with differences of the loss."""
    return tuple(name for name, error in r.by_layer("gradient_error").items() if not error <= tolerance)


def uphill(r: Reading) -> float:
    """The share of the first steps that go uphill, ⟨g, u⟩ > 0; 0 if the very first does not: of any rule it goes down."""
    descent = r["descent"] if "descent" in r else np.empty(0)
    first = descent[np.isfinite(descent)][:20]
    return float((first > 0).mean()) if len(first) and first[0] > 0 else 0.0


def is_contrary(r: Reading) -> bool:
    """Whether the loss rises by about what its gradient promises it to fall, from small steps that all point one way.

    Steps that are too long raise the loss too, but they are long, or turn back and forth.
    """
    if "descent" not in r or "param_norm" not in r:
        return False
    return any(_rises_as_promised(r, n) for n in (15, 30, 60) if len(r.loss) >= n)


def _rises_as_promised(r: Reading, n: int) -> bool:
    early, descent, cosines = trend(r.loss[:n]), r.first("descent", n), r.first("grad_cosine", n)
    if not len(descent):
        return False
    promised = -float(descent.mean())
    moved = float(np.median(r.first("update_norm", n)) / max(float(r["param_norm"][0]), 1e-30))
    rises = early.slope - 3 * early.slope_error > 0 and 0.2 * promised < early.slope < 5 * promised
    return bool(rises and moved < 0.05 and (not len(cosines) or np.median(cosines) > -0.1))


def frozen_layers(r: Reading) -> tuple[str, ...]:
    """The layers that no step has moved although a gradient reaches them."""
    if "update_norm_by_layer" not in r or len(r["update_norm_by_layer"]) < 2:
        return ()
    moved, pulled = r["update_norm_by_layer"], r["grad_norm_by_layer"]
    still = (moved == 0).all(0) & (pulled[: len(moved)].max(0) > 0)
    return tuple(name for name, s in zip(r.labels("update_norm_by_layer"), still, strict=True) if s)


def labels(r: Reading) -> Iterator[Suspicion]:
    """Labels that contradict their surroundings, or that nothing learned from them predicts."""
    noise, chance = r.one("label_noise", default=0.0), guess(r)
    plain, score = r.one(f"yardstick_validation_{r.score_name}"), r.score("validation")
    helpless = chance is not None and plain <= chance and not score > chance and not is_rare(r)
    if helpless:
        why = "on held-out rows a plain network is no better than guessing"
        yield 0.96, Cause("uninformative_labels", why, "check that rows and labels match")
    if noise > 0.12 and 1 - plain > 0.7 * noise:
        why = f"about {100 * noise:.0f} % of the labels contradict their surroundings"
        yield (0.7 if helpless else 0.94), Cause("noisy_labels", why, "clean the labels, or stop early")
    elif helpless:
        yield 0.6, Cause("noisy_labels", "too many labels are wrong", "clean the labels, or stop early")
    train = r.score("train")
    if is_by_heart(r) and isfinite(train):
        few = r.setting("rows")
        why = f"there are only {few:.0f} rows to train on" if few < 200 else "nothing holds the weights back"
        weight = 0.65 if helpless else 0.9 if few < 80 else 0.75
        yield weight, Cause("too_little_regularization", why, REGULARIZE)
        if noise <= 0.12 and not helpless:
            yield 0.3, Cause("noisy_labels", "labels that are wrong can only be learned by heart", "clean the labels")


REGULARIZE = "early_stopping = true, l2 = 1e-3, dropout = 0.3, or more rows"


def is_by_heart(r: Reading) -> bool:
    """Whether the rows trained on are answered well and others clearly worse."""
    train, held_out = r.score("train"), min(r.score("validation"), r.one(f"crossed_{r.score_name}", default=inf))
    return train > 0.9 and train - max(held_out, 0.0) > 0.1


def guess(r: Reading) -> float | None:
    """An accuracy or r² that a guess may reach by luck; None where it is not known."""
    n = max(r.setting("validation_scored", 100.0), 1)
    if r.score_name == "r2":
        return float(2 / np.sqrt(n))
    if "class_counts" not in r:
        return None
    counts = r["class_counts"][0]
    most = float(counts.max() / counts.sum())
    return float(most + 2 * np.sqrt(most * (1 - most) / n))


def is_rare(r: Reading) -> bool:
    """Whether a class is so rare that the most frequent one is a good answer."""
    return "class_counts" in r and bool(r["class_counts"][0].min() < 0.1 * r["class_counts"][0].max())


def exonerated(r: Reading) -> bool | None:
    """Whether a plain network does much better on the same rows, so that they are not to blame; None if not tried."""
    plain = r.one(f"yardstick_train_{r.score_name}")
    if not isfinite(plain):
        return None
    held_out = r.one(f"yardstick_validation_{r.score_name}", default=plain)
    mine = r.score("validation") if isfinite(r.score("validation")) else r.score("train")
    return held_out - (max(mine, 0.0) if isfinite(mine) else 0.0) > 0.05


def _between(value: float, low: float, high: float) -> float:
    """0 at `low`, 1 at `high`, in steps of their logarithms."""
    if not value > 0:
        return 0.0
    return float(np.clip((log10(value) - log10(low)) / (log10(high) - log10(low)), 0, 1))


def start(r: Reading) -> Iterator[Suspicion]:
    """Weights that begin all alike, too small or too large, and a bias that holds units off."""
    spread = r.by_layer("weight_std")
    if r.by_layer("identical_units") and max(r.by_layer("identical_units").values()) == 1:
        yield 1.0, Cause("constant_initialization", "the weights of a layer begin all alike", 'init = "auto"')
    elif spread and min(spread.values()) == 0:
        yield 0.97, Cause("constant_initialization", "the weights of a layer begin all alike", 'init = "auto"')
    gains = r.by_layer("weight_gain")
    if gains and r.setting("automatic_init", 0.0) != 1:
        low, high = min(gains.values()), max(gains.values())
        if 0 < low < 0.5:
            why = f"weights begin at {low:.2g} times the size that keeps a signal's strength"
            yield 0.6 + 0.3 * _between(1 / low, 3, 10), Cause("initialization_too_small", why, 'init = "auto"')
        if high > 2:
            why = f"weights begin at {high:.2g} times the size that keeps a signal's strength"
            blown_up = high > 1.5 and r.start > 5 * r.reference
            yield max(0.9 * blown_up, 0.55 + 0.37 * _between(high, 2.2, 4.5)), Cause("initialization_too_large", why, 'init = "auto"')
    bias = r.setting("bias", min(r.by_layer("bias_mean").values(), default=0.0))
    if bias <= -0.5:
        why = f"a bias of {bias:g} holds the sums below 0"
        yield 0.6 + 0.36 * _between(-bias, 0.5, 4), Cause("negative_bias", why, "bias = 0.0")


def learning_rate(r: Reading) -> Iterator[Suspicion]:
    """A rate far from what is usual for the rule, or steps far from what is usual for weights."""
    rate, usual = r.setting("learning_rate"), r.setting("usual_rate", 0.0)
    share = rate / usual if usual > 0 and isfinite(rate) else 1.0
    pace = r.pace
    moved = f"a typical update moves the weights by {pace:.1g} of their size" if isfinite(pace) else "updates are large"
    if share > 2 or pace > 0.1:
        weight = max(0.85 * _between(share, 1.5, 15), 0.55 * _between(pace, 0.05, 0.5))
        lower = usual if share > 2 else rate / 10
        remedy = f"learning_rate {rate:g} → {lower:.2g}" if isfinite(rate) else "a tenth of the learning rate"
        yield weight, Cause("learning_rate_too_high", moved, remedy)
    mean = r.setting("mean_rate", rate)
    share = mean / usual if usual > 0 and isfinite(mean) else share
    if share < 0.5 or pace < 1e-4:
        weight = max(
            0.88 * _between(1 / share if share > 0 else 1, 2, 50), 0.5 * _between(1e-3 / max(pace, 1e-30), 3, 100)
        )
        higher = usual if share < 0.5 else rate * 100
        remedy = f"learning_rate {rate:g} → {higher:.2g}" if isfinite(rate) else "a hundred times the learning rate"
        yield weight, Cause("learning_rate_too_low", moved, remedy)
    if r.is_rising:
        remedy = f"learning_rate {rate:g} → {rate / 10:.2g}" if isfinite(rate) else "a tenth of the learning rate"
        yield 0.6, Cause("learning_rate_too_high", "the loss rises from step to step", remedy)
    silent = max(r.by_layer("silent_units").values(), default=0.0)
    if silent > 0.5 and max(r.by_layer("initial_dead_fraction").values(), default=0.0) < 0.3:
        why = f"{100 * silent:.0f} % of a layer's units went dead on the way"
        remedy = f"learning_rate {rate:g} → {rate / 10:.2g}" if isfinite(rate) else "a tenth of the learning rate"
        yield 0.4 + 0.2 * silent, Cause("learning_rate_too_high", why, remedy)
        yield 0.35 + 0.2 * silent, Cause("dead_relu", why, 'activation = "leaky_relu"')
    momentum = r.setting("momentum", 0.0)
    if momentum > 0.95:
        why = f"with a momentum of {momentum:g} a step goes on for {1 / max(1 - momentum, 1e-9):.0f} more"
        yield (
            0.3 + 0.63 * _between(0.05 / max(1 - momentum, 1e-9), 1.2, 10),
            Cause("momentum_too_high", why, "momentum = 0.9"),
        )
    epsilon = r.setting("epsilon", 0.0)
    if epsilon > 1e-5:
        why = f"an epsilon of {epsilon:g} is larger than the gradients it should guard"
        yield 0.3 + 0.63 * _between(epsilon, 1e-4, 0.1), Cause("epsilon_too_large", why, "epsilon = 1e-8")
    clip = max(r.setting("clip_norm"), r.setting("clip_value"))
    norm = float(np.median(r["grad_norm"])) if "grad_norm" in r and len(r["grad_norm"]) else 0.0
    if clip != clip or clip == 0:
        clip = _cut(r)
    if 0 < clip < norm / 3:
        why = f"gradients of {norm:.2g} are cut to {clip:g}"
        yield 0.3 + 0.62 * _between(norm / clip, 3, 100), Cause("clipping_too_low", why, "clip_norm = 0.0")


def _cut(r: Reading) -> float:
    """The norm to which gradients are cut, where updates of η times that length give it away; 0 where they do not."""
    if not all(name in r and len(r[name]) > 3 for name in ("update_norm", "learning_rate", "grad_norm")):
        return 0.0
    steps = r.steps("update_norm")
    rate, norm = (r[name][np.isin(r.steps(name), steps)] for name in ("learning_rate", "grad_norm"))
    if not len(rate) == len(norm) == len(steps) or not (rate > 0).all():
        return 0.0
    length = r["update_norm"] / rate
    is_cut = length.std() < 1e-3 * length.mean() and norm.std() > 1e-2 * norm.mean()
    return float(length.mean()) if is_cut else 0.0


def penalties(r: Reading) -> Iterator[Suspicion]:
    """What holds the weights down, or noise that drowns the signal."""
    decay = max(r.setting("l2"), r.setting("l1"), r.setting("weight_decay"))
    if decay > 2e-3:
        why = f"a penalty of {decay:g} pulls the weights to 0 harder than the data pulls them away"
        yield 0.35 + 0.57 * _between(decay, 3e-3, 0.1), Cause("weight_decay_too_high", why, "l2 = 1e-4")
    elif decay != decay and "param_norm" in r and len(r["param_norm"]) > 1:
        left = float(r["param_norm"][-1] / r["param_norm"][0])
        if left < 0.2:
            yield 0.85, Cause("weight_decay_too_high", f"the weights shrank to {left:.1g} of what they were", "l2 = 1e-4")
    dropout = r.setting("dropout", 0.0)
    if dropout >= 0.4:
        why = f"dropout keeps only {100 * (1 - dropout):.0f} % of the units at each step"
        yield 0.3 + 0.6 * min(1.0, (dropout - 0.4) / 0.4), Cause("dropout_too_high", why, "dropout = 0.2")


def data(r: Reading) -> Iterator[Suspicion]:
    """Inputs and targets on odd scales, constant, contradictory or without meaning."""
    if "input_std" in r and "input_mean" in r:
        mean, spread = r["input_mean"][0], r["input_std"][0]
        size = float(np.sqrt(np.mean(mean**2 + spread**2)))
        varying = spread[spread > 0]
        ratio = float(varying.max() / varying.min()) if varying.size else 1.0
        if r.setting("scaled", 0.0) != 1:
            if size > 5 or ratio > 30 or (varying.size and size < 0.1):
                why = f"inputs have a size of {size:.3g}, the widest feature {ratio:.3g} times that of the narrowest"
                weight = max(_between(size, 4, 15), _between(ratio, 20, 200), _between(1 / max(size, 1e-30), 8, 40))
                yield 0.4 + 0.53 * weight, Cause("unscaled_inputs", why, 'scale = "standard"')
        constant = float((spread == 0).mean())
        if constant > 0.3:
            why = f"{100 * constant:.0f} % of the features are constant"
            weight = 0.99 if constant == 1 else 0.97 if constant >= 0.5 and not exonerated(r) else 0.3
            yield weight, Cause("constant_features", why, "features that vary")
    tail = r.one("input_tail", default=1.0)
    if tail > 8:
        why = f"a few values are {tail:.0f} times as far out as the others: they, not the rest, set the scale"
        yield 0.4 + 0.57 * _between(tail, 6, 20), Cause("unscaled_inputs", why, "clip or remove the outliers, then scale")
    tail = r.one("target_tail", default=1.0)
    if tail > 8:
        why = f"a few targets are {tail:.0f} times as far out as the others"
        yield 0.4 + 0.57 * _between(tail, 6, 20), Cause("unscaled_targets", why, "clip the outliers, or loss = huber")
    if "target_std" in r and "class_counts" not in r and "target_mean" in r:
        size = float(np.sqrt(r["target_std"][0] ** 2 + r["target_mean"][0] ** 2).max())
        if size > 10 or size < 0.01:
            why = f"targets have a size of {size:.3g}, and outputs begin near 1"
            weight = max(_between(size, 5, 50), _between(1 / max(size, 1e-30), 50, 500))
            yield 0.4 + 0.54 * weight, Cause("unscaled_targets", why, "targets of deviation 1")
    contradictory = r.one("contradictory_rows", default=0.0)
    if contradictory > 0.05:
        why = f"{100 * contradictory:.0f} % of the rows have a twin with another target"
        yield 0.4 + 0.58 * _between(contradictory, 0.05, 0.4), Cause("contradictory_labels", why, "clean the labels")
    if "class_counts" in r:
        counts = r["class_counts"][0]
        share = float(counts.min() / counts.max())
        if share < 0.1:
            why = f"the rarest class has {100 * share:.1g} % of the rows of the most frequent"
            yield (
                0.4 + 0.2 * _between(0.1 / max(share, 1e-6), 1, 10),
                Cause("class_imbalance", why, 'class_weight = "balanced"'),
            )


def shape(r: Reading) -> Iterator[Suspicion]:
    """A network that cannot hold the answer, or does not pass it on."""
    if r.setting("linear", 0.0) == 1:
        why = "all hidden layers are weighted sums, so together they are one"
        yield 0.93, Cause("missing_nonlinearity", why, 'activation = "relu"')
    narrowest, layers = r.setting("narrowest", 64.0), r.setting("hidden_layers", 1.0)
    if layers == 0:
        yield 0.6, Cause("too_little_capacity", "there is no hidden layer", "hidden = [64]")
    elif narrowest <= 4:
        why = f"everything has to pass a layer of {narrowest:.0f}"
        yield 0.9 - 0.1 * (narrowest - 1), Cause("too_little_capacity", why, "hidden = [64]")
    if r.setting("frozen", 0.0) > 0:
        yield 0.95, Cause("frozen_layer", "layers were told to stay as they are", "frozen = []")
    if r.setting("shuffle", 1.0) == 0:
        yield 0.85, Cause("unshuffled_batches", "rows come in the same order in every epoch", "shuffle = true")
    norms = list(r.at_start("grad_norm_by_layer").values())
    if len(norms) > 2 and norms[-1] > 0 and norms[0] < 1e-2 * norms[-1]:
        why = f"the first layer's gradient begins at {norms[0] / norms[-1]:.1g} of the last's"
        yield (
            0.5 + 0.3 * _between(norms[-1] / max(norms[0], 1e-300), 1e2, 1e4),
            Cause("saturating_activations", why, 'activation = "relu", or batch_norm = true'),
        )
    saturated = max(r.by_layer("initial_saturated_fraction").values(), default=0.0)
    if saturated > 0.3:
        why = f"{100 * saturated:.0f} % of the sums begin where the activation is flat"
        yield 0.3 + 0.3 * saturated, Cause("saturating_activations", why, 'init = "auto", activation = "relu"')
    dead = max(r.by_layer("initial_dead_fraction").values(), default=0.0)
    if dead > 0.3:
        why = f"{100 * dead:.0f} % of a layer's units are off for every row"
        yield 0.3 + 0.4 * dead, Cause("dead_relu", why, 'activation = "leaky_relu"')


def length(r: Reading) -> Iterator[Suspicion]:
    """Too few steps, or portions of the wrong size."""
    steps, rows, size, epochs = r.planned, r.setting("rows"), r.setting("batch_size"), r.setting("epochs")
    if size <= 4:
        noisy = size <= 2 and r.setting("batch_norm", 0.0) == 1
        why = "batch norm takes mean and deviation from two rows" if noisy else f"each step sees {size:.0f} of the rows"
        yield 0.88 if noisy else 0.6 if size == 1 else 0.3, Cause("batch_too_small", why, "batch_size = 32")
    if r.is_rising or not isfinite(epochs):
        return
    few = _between(500 / max(steps, 1), 1, 10)
    hopeless = _between(120 / max(steps, 1), 1, 3)
    if size > 48 and size >= 0.25 * rows and few > 0:
        why = f"{size:.0f} of {rows:.0f} rows in each step make only {steps} steps"
        yield max(0.4 + 0.35 * few, 0.9 * hopeless), Cause("batch_too_large", why, "batch_size = 32")
    why = f"{epochs:.0f} epochs are {steps} steps"
    weight = max(0.15 + 0.6 * few * _between(20 / epochs, 1, 6), 0.88 * hopeless)
    yield weight, Cause("too_few_epochs", why, f"epochs {epochs:.0f} → {max(5 * epochs, 20):.0f}")


SUSPECTS: tuple[Suspect, ...] = (gradient, labels, start, learning_rate, penalties, data, shape, length)
