"""Make `version_0_1/`: run directories of version 0.1.0 (commit 31cd0c9), as later versions must still read them.

Run once, with that version: `python tests/reference/make_runs.py`. Three small runs of `table.csv`:

    finished    batch norm, dropout, a text column; all epochs done
    stopped     killed in the middle of an epoch: a checkpoint and nothing else
    stuck       eight layers of sigmoids that do not learn: findings, and the columns of the plain network beside it

`expected.json` holds what that version itself says of them: predictions, metrics and findings, and the metrics and the
last losses after going on, the finished ones for two more epochs.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
from mlp.experiment.keeper import Keeper

import mlp

HERE = Path(__file__).parent / "version_0_1"


class Killed(BaseException):
    """The end of a process."""


def table() -> str:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(90, 3)).round(3)
    colours = rng.choice(["red", "green", "blue"], 90)
    score = X[:, 0] - X[:, 1] + (colours == "red")
    rows = zip(X, colours, score, strict=True)
    lines = [f"{a},{b},{c},{colour},{'yes' if s > 0.3 else 'no'}" for (a, b, c), colour, s in rows]
    return "\n".join(["a,b,c,colour,answer", *lines]) + "\n"


FINISHED = {
    "data": {"source": "table.csv"},
    "network": {"hidden": [6, 5], "batch_norm": True, "dropout": 0.1},
    "optimizer": {"name": "momentum", "learning_rate": 0.05, "schedule": "cosine"},
    "training": {"epochs": 5, "batch_size": 16, "seed": 3},
}
STOPPED = {
    "data": {"source": "table.csv"},
    "network": {"hidden": [6], "activation": "tanh"},
    "optimizer": {"name": "adam", "lookahead": 3},
    "training": {"epochs": 6, "batch_size": 16, "seed": 1, "early_stopping": {"patience": 4}},
}
STUCK = {
    "data": {"source": "table.csv"},
    "network": {"hidden": [8] * 8, "activation": "sigmoid"},
    "optimizer": {"name": "sgd"},
    "training": {"epochs": 6, "batch_size": 16},
}


def killed(config: dict, step: int, folder: str) -> None:
    def look(self):
        self.next = self.ready.steps + 1
        if self.ready.steps >= step:
            self.write()
            raise Killed

    before, Keeper.after_epoch = Keeper.after_epoch, look
    try:
        mlp.run(config, out=folder)
    except Killed:
        pass
    finally:
        Keeper.after_epoch = before


def told(run: mlp.Run) -> dict:
    """What a run says, as JSON has it."""
    return {
        "metrics": {name: value for name, value in run.metrics.items() if np.isfinite(value)},
        "kinds": [finding.kind for finding in run.findings],
        "steps": run.steps,
        "last_losses": run.history["loss"][-5:].tolist(),
    }


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    os.chdir(HERE)
    Path("table.csv").write_text(table())
    expected = {}
    for name, config in (("finished", FINISHED), ("stuck", STUCK)):
        run = mlp.run(config, out=name)
        X, _ = run.load("table.csv")
        expected[name] = told(run) | {"probabilities": run.predict_proba(X).tolist()}
        shutil.copytree(name, "copy")
        expected[name]["further"] = told(mlp.resume("copy", epochs=config["training"]["epochs"] + 2))
        shutil.rmtree("copy")
    killed(STOPPED, 13, "stopped")
    shutil.copytree("stopped", "copy")
    expected["stopped"] = {"further": told(mlp.resume("copy"))}
    shutil.rmtree("copy")
    Path("expected.json").write_text(json.dumps(expected, indent=1))
