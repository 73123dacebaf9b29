"""What the reference file holds: networks, losses and rules by name, without torch and without mlp.

A layer is (name, *numbers); parameters lie in one flat vector, layer after layer: a dense layer as rows [w | b], a
norm as γ then β, an RBF layer as centres then ln σ.
"""

from __future__ import annotations

from typing import Any

Spec = tuple[Any, ...]

NETWORKS: dict[str, list[Spec]] = {
    "linear": [("Dense", 5, 3)],
    "sigmoid_tanh": [("Dense", 5, 4), ("Sigmoid",), ("Dense", 4, 4), ("Tanh",), ("Dense", 4, 3)],
    "rectifiers": [
        ("Dense", 5, 6), ("ReLU",), ("Dense", 6, 5), ("LeakyReLU",), ("Dense", 5, 5), ("ELU",),
        ("Dense", 5, 5), ("SELU",), ("Dense", 5, 3),
    ],
    "smooth": [
        ("Dense", 5, 6), ("GELU",), ("Dense", 6, 5), ("SiLU",), ("Dense", 5, 5), ("Softplus",),
        ("Dense", 5, 5), ("Softsign",), ("Dense", 5, 3),
    ],
    "hard": [("Dense", 5, 6), ("HardSigmoid",), ("Dense", 6, 5), ("HardTanh",), ("Identity",), ("Dense", 5, 3)],
    "batch_norm": [("Dense", 5, 6), ("BatchNorm", 6), ("ReLU",), ("Dense", 6, 4), ("BatchNorm", 4), ("Dense", 4, 3)],
    "batch_norm_first": [("BatchNorm", 5), ("Dense", 5, 4), ("Tanh",), ("Dense", 4, 3)],
    "layer_norm": [("Dense", 5, 6), ("LayerNorm", 6), ("GELU",), ("Dense", 6, 3), ("LayerNorm", 3)],
    "residual": [
        ("Dense", 5, 4), ("Residual", [("Dense", 4, 6), ("BatchNorm", 6), ("ReLU",), ("Dense", 6, 4)]),
        ("Tanh",), ("Residual", [("Dense", 4, 4), ("Sigmoid",)]), ("Dense", 4, 3),
    ],
    "maxout": [("Dense", 5, 8), ("Maxout", 2), ("Dense", 4, 6), ("Maxout", 2)],
    "rbf": [("RBF", 5, 6), ("Dense", 6, 4), ("Tanh",), ("RBF", 4, 3)],
}  # fmt: skip

LOSSES: dict[str, tuple[str, dict[str, float], str]] = {  # name: (class, hyperparameters, kind of target)
    "cross_entropy": ("SoftmaxCrossEntropy", {}, "labels"),
    "cross_entropy_smoothed": ("SoftmaxCrossEntropy", {"label_smoothing": 0.1}, "labels"),
    "cross_entropy_soft": ("SoftmaxCrossEntropy", {}, "probabilities"),
    "cross_entropy_soft_smoothed": ("SoftmaxCrossEntropy", {"label_smoothing": 0.2}, "probabilities"),
    "sigmoid_cross_entropy": ("SigmoidCrossEntropy", {}, "yes_or_no"),
    "sigmoid_cross_entropy_soft": ("SigmoidCrossEntropy", {}, "fractions"),
    "squared_error": ("SquaredError", {}, "values"),
    "absolute_error": ("AbsoluteError", {}, "values"),
    "huber": ("Huber", {"delta": 0.7}, "values"),
    "log_cosh": ("LogCosh", {}, "values"),
    "quantile": ("Quantile", {"quantile": 0.8}, "values"),
    "poisson": ("Poisson", {}, "counts"),
    "focal": ("Focal", {"gamma": 2.0}, "labels"),
    "focal_fraction": ("Focal", {"gamma": 0.5}, "labels"),
    "sigmoid_focal": ("SigmoidFocal", {"gamma": 2.0}, "yes_or_no"),
    "hinge": ("Hinge", {}, "labels"),
    "binary_hinge": ("BinaryHinge", {}, "yes_or_no"),
}

RULES: dict[str, tuple[str, dict[str, float]]] = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("Momentum", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("Nesterov", {"learning_rate": 0.05, "momentum": 0.9}),
    "adagrad": ("Adagrad", {"learning_rate": 0.05}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.01}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adamw": ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.05}),
}
RULES_NETWORK = "sigmoid_tanh"
RULES_STEPS = 200


def n_params(spec: Spec) -> int:
    """How many numbers of the flat vector are this layer's."""
    match spec:
        case ("Dense" | "RBF", n_in, n_out):
            return (n_in + 1) * n_out
        case ("BatchNorm" | "LayerNorm", n):
            return 2 * n
        case ("Residual", inside):
            return sum(n_params(s) for s in inside)
    return 0
