"""What scikit-learn, Keras, PyTorch and people call a key of an experiment. For hints only: a key has one name here.

Knows names, and nothing of what they mean.
"""

from __future__ import annotations

import re

ELSEWHERE = {
    "data.source": "dataset data_path file filename path csv input_file",
    "data.target": "label label_column target_column y",
    "data.validation": "validation_split validation_fraction validation_size val_split val_size",
    "data.test": "test_size test_split test_fraction",
    "data.scale": "scaler scaling normalize normalise standardize standardise",
    "data.class_weight": "class_weights",
    "network.hidden": "hidden_layer_sizes hidden_layers hidden_sizes hidden_units layer_sizes layers n_hidden units",
    "network.activation": "activation_function act nonlinearity non_linearity",
    "network.output": "out_activation output_activation",
    "network.init": "kernel_initializer initializer weight_init",
    "network.bias": "bias_initializer",
    "network.dropout": "dropout_rate drop_rate p_dropout",
    "network.max_norm": "kernel_constraint maxnorm",
    "network.batch_norm": "batch_normalization batchnorm batchnorm1d bn use_batch_norm",
    "network.residual": "skip_connections resnet",
    "loss.name": "criterion loss_fn loss_function objective",
    "loss.l1": "l1_reg l1_penalty",
    "loss.l2": "alpha weight_decay kernel_regularizer l2_reg l2_penalty reg reg_lambda",
    "loss.label_smoothing": "smoothing",
    "optimizer.name": "solver optim optimiser",
    "optimizer.learning_rate": "lr eta eta0 learning_rate_init rate step_size",
    "optimizer.schedule": "lr_schedule lr_scheduler scheduler learning_rate_schedule",
    "optimizer.clip_norm": "clipnorm clip_grad_norm global_clipnorm grad_clip gradient_clip_val max_grad_norm",
    "optimizer.clip_value": "clipvalue clip_grad_value",
    "optimizer.average": "ema ema_decay ema_momentum use_ema polyak",
    "optimizer.momentum": "mu",
    "optimizer.beta1": "betas b1 beta_1",
    "optimizer.beta2": "b2 beta_2",
    "optimizer.epsilon": "eps",
    "training.epochs": "max_iter max_epochs n_epochs num_epochs nb_epoch n_iter iterations",
    "training.batch_size": "batch bs minibatch_size",
    "training.seed": "random_state random_seed manual_seed rng",
    "training.dtype": "precision floatx",
    "training.restarts": "n_restarts n_init",
    "training.early_stopping": "patience min_delta n_iter_no_change tol early_stop",
}
"""By section and key, the names that others have for it."""

PARAMETERS = {
    "loss.name": "loss",
    "optimizer.name": "optimizer",
    "training.seed": "random_state",
    "data.validation": "validation_fraction",
    "n_iter_no_change": "patience",
    "tol": "min_delta",
}
"""Where a parameter of an estimator is called otherwise than the key of an experiment; or, by its name elsewhere."""


def _plain(name: str) -> str:
    """A name without capitals, underscores and hyphens."""
    return re.sub("[^a-z0-9]", "", name.lower())


_PLACES = {_plain(other): place for place, others in ELSEWHERE.items() for other in others.split()}
_OWN = {_plain(place.split(".")[1]): place for place in ELSEWHERE if not place.endswith(".name")}


def find_place(name: object) -> str | None:
    """The `section.key` that somebody means by a name from elsewhere, or by a key that stands in another section.

    >>> find_place("hidden_layer_sizes"), find_place("--max-iter"), find_place("epochs"), find_place("fries")
    ('network.hidden', 'training.epochs', 'training.epochs', None)
    """
    plain = _plain(str(name))
    return _PLACES.get(plain) or _OWN.get(plain)


def find_parameter(name: str) -> str | None:
    """The parameter of an estimator that somebody means by a name from elsewhere.

    >>> find_parameter("hidden_layer_sizes"), find_parameter("solver"), find_parameter("seed")
    ('hidden', 'optimizer', 'random_state')
    """
    place = find_place(name)
    return PARAMETERS.get(name) or (None if place is None else PARAMETERS.get(place, place.split(".")[1]))
