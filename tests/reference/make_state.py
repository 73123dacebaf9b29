"""What PyTorch gives for the state dicts that `from_torch` reads: python tests/reference/make_state.py (torch 2.13.0).

For each activation a chain of `Linear` layers, one of them without a bias: its state dict, rows, and its outputs.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

ACTIVATIONS = {
    "relu": nn.ReLU(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "gelu": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "hard_sigmoid": nn.Hardsigmoid(),
    "hard_tanh": nn.Hardtanh(),
    "identity": nn.Identity(),
}


def main() -> None:
    """Write state.npz: `NAME/0.weight`, ..., `NAME/outputs`, and `rows`."""
    torch.manual_seed(0)
    rows = 2 * torch.randn(20, 4)
    found = {"rows": rows.numpy()}
    for name, activation in ACTIVATIONS.items():
        module = nn.Sequential(nn.Linear(4, 7), activation, nn.Linear(7, 5, bias=False), activation, nn.Linear(5, 3))
        found |= {f"{name}/{key}": value.numpy() for key, value in module.state_dict().items()}
        found[f"{name}/outputs"] = module(rows).detach().numpy()
    np.savez_compressed(Path(__file__).with_name("state.npz"), **found)


if __name__ == "__main__":
    main()
