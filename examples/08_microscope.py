"""Backpropagation under the microscope: one page for each training that is worth a look.

    python examples/08_microscope.py [FOLDER]

Each page is one file that opens in a browser without a network. Without a folder the pages are made and thrown away,
and only what to look at is printed.
"""

import sys
import tempfile
from pathlib import Path

import mlp
from mlp.cli import main
from mlp.microscope.presets import PRESETS


def write_pages(folder: Path) -> None:
    for name, preset in PRESETS.items():
        if main(["explain", name, "-o", str(folder / f"{name}.html"), "--force"]):
            raise SystemExit(f"{name} could not be written")
        print(f"    {preset.title}")
        for place in preset.places:
            print(f"      {place.text}\n        {name}.html#{place.address}")


def check_homework() -> None:
    """A gradient with a usual mistake in it, and what is said of it."""
    X, t = [[0.05, 0.10], [0.9, 0.2]], [[0.01], [0.99]]
    network = mlp.Network([mlp.Dense(2, 2), mlp.Sigmoid(), mlp.Dense(2, 1), mlp.Sigmoid()], rng=0)
    batch = mlp.as_batch(X, t)
    workspace = mlp.Workspace(network, 2)
    mlp.value_and_grad(network, mlp.SquaredError(), batch, workspace)
    mine = workspace.grad.copy()
    mine[:6] *= 2  # the first layer was summed over the samples, not averaged
    print("\nCheck mine:", mlp.check_gradient(network, mlp.SquaredError(), X, t, mine))


if len(sys.argv) > 1:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_pages(target)
else:
    with tempfile.TemporaryDirectory() as temporary:
        write_pages(Path(temporary))
check_homework()
