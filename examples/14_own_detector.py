"""Write your own detector: what it finds is reported like the findings of the package.

    python examples/14_own_detector.py
    mlp train iris --use examples/14_own_detector.py --set 'record.detectors=["jumpy_loss"]'
    mlp diagnose runs/iris-1 --use examples/14_own_detector.py

A detector reads a history and never a network. It says which columns it needs, and yields findings. It is asked while a
run goes on as well as at its end, so it must judge what there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import mlp


@dataclass(frozen=True)
class JumpyLoss(mlp.Detector):
    """The loss goes up at more than `most` of all steps."""

    most: float = 0.45

    kinds = {"jumpy_loss": "the loss goes up at many steps"}
    needs = ("loss",)

    def __call__(self, r: mlp.Reading) -> Iterator[mlp.Finding]:
        """A finding, with the number that it rests on, why, and what to do."""
        if r.done < 20:
            return
        share = float((np.diff(r.loss) > 0).mean())
        if share > self.most:
            why = f"the loss rises at {100 * share:.0f} % of the steps"
            cause = mlp.Cause("batch_too_small", why, "batch_size = 64")
            yield mlp.Finding("jumpy_loss", "info", f"{why}.", evidence={"share": share}, causes=(cause,))


if __name__ == "__main__":
    iris = mlp.data.load("iris")
    config = {"training": {"batch_size": 2}, "record": {"detectors": [JumpyLoss()]}}
    mlp.check_part(JumpyLoss())
    run = mlp.run(config, (iris.X, iris.y))
    print([(finding.kind, finding.message) for finding in run.findings])
    print("of a history alone:", [f.kind for f in mlp.diagnose({"loss": [1.0, 2.0] * 20}, detectors=[JumpyLoss(0.4)])])
