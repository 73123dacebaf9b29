"""What to do about each cause, in PyTorch's words: for remedies that the package tells as keys of an experiment."""

from __future__ import annotations

REMEDIES = {
    "saturating_activations": "nn.ReLU() between the layers, and nn.init.kaiming_normal_ for their weights",
    "dead_relu": "nn.LeakyReLU(), and a lower learning rate",
    "missing_nonlinearity": "nn.ReLU() after every hidden Linear",
    "frozen_layer": "give the optimizer all of them: model.parameters(), and requires_grad = True",
    "loss_output_mismatch": "no activation last: CrossEntropyLoss, BCEWithLogitsLoss and MSELoss take raw outputs",
    "initialization_too_small": "nn.init.kaiming_normal_(layer.weight), or leave the weights as nn.Linear makes them",
    "initialization_too_large": "nn.init.kaiming_normal_(layer.weight), or leave the weights as nn.Linear makes them",
    "constant_initialization": "leave the weights as nn.Linear makes them, or draw them at random",
    "negative_bias": "nn.init.zeros_(layer.bias)",
    "no_biases": "nn.Linear(..., bias=True)",
    "unscaled_inputs": "X = (X - X.mean(0)) / X.std(0), with mean and deviation of the training rows",
    "unscaled_targets": "y = (y - y.mean()) / y.std(), and back again for the answers",
    "weight_decay_too_high": "weight_decay = 1e-4, or 0",
    "too_little_regularization": "stop when the validation loss rises, weight_decay = 1e-3, nn.Dropout(0.2), more rows",
    "class_imbalance": "the loss's weight= or pos_weight=, or a WeightedRandomSampler",
    "unshuffled_batches": "DataLoader(..., shuffle=True)",
    "dropout_too_high": "nn.Dropout(0.1)",
    "epsilon_too_large": "eps = 1e-8",
    "momentum_too_high": "momentum = 0.9",
    "too_little_capacity": "a hidden layer of 64",
    "wrong_gradient": "maximize=False, and torch.autograd.gradcheck for functions of your own",
}
"""Remedies in PyTorch's words, for those that the package tells as keys of an experiment."""
