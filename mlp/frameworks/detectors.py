"""What only loops of others can do wrong: gradients that are not cleared, shapes that are spread over one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from mlp.diagnosis.finding import Cause, Detector, Finding
from mlp.diagnosis.reading import Reading


class UnclearedGradients(Detector):
    """Critical where gradients were not set to zero before a backward pass, so that old ones add up."""

    kinds: ClassVar[Mapping[str, str]] = {"uncleared_gradients": "gradients of earlier steps are still in the new ones"}
    needs = ("uncleared_gradients",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding, where it was so at nearly all of the steps that were looked at."""
        share = float(r["uncleared_gradients"].mean())
        if share > 0.9 and len(r["uncleared_gradients"]) >= 3:
            message = (
                "At every step that was looked at the gradients of the step before were still there when backward "
                "began: each update goes along the sum of all gradients so far."
            )
            why = Cause("uncleared_gradients", "gradients add up from step to step", "optimizer.zero_grad() every step")
            yield self.finding("critical", message, {"share": share}, why)


class BroadcastTargets(Detector):
    """Critical where outputs and targets have different shapes and are spread over one another."""

    kinds: ClassVar[Mapping[str, str]] = {"broadcast_targets": "every output is compared with the targets of all rows"}
    needs = ("broadcast_targets",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = (
            "Outputs and targets have different shapes, such as (n, 1) and (n,), and the loss spreads them over one "
            "another: every output is compared with the targets of all rows, and the mean is the best answer."
        )
        why = Cause(
            "broadcast_targets", "shapes of outputs and targets differ", "target.unsqueeze(1), or out.squeeze(1)"
        )
        yield self.finding("critical", message, {"broadcast": 1.0}, why)


class RawOutputs(Detector):
    """Critical where a loss takes probabilities, or their logarithms, and is given other numbers."""

    kinds: ClassVar[Mapping[str, str]] = {"raw_outputs": "the loss takes probabilities, and outputs are raw"}
    needs = ("raw_outputs",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = "The loss takes probabilities, or their logarithms, and the outputs are none: they are raw."
        why = Cause(
            "loss_output_mismatch",
            "outputs are no probabilities",
            "CrossEntropyLoss in PyTorch, from_logits=True in Keras: both take raw outputs",
        )
        yield self.finding("critical", message, {"largest_output": r.one("raw_outputs")}, why)


class NoUpdates(Detector):
    """A warning where losses were computed and no step was made, or no gradient ever came."""

    kinds: ClassVar[Mapping[str, str]] = {"no_updates": "losses are computed, and nothing is updated"}
    needs = ("missing_updates",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        n = r.one("missing_updates")
        message = f"{n:.0f} losses were computed with a gradient, and the optimizer made no step."
        why = Cause("missing_updates", "optimizer.step() was not called", "loss.backward(); optimizer.step()")
        yield self.finding("critical", message, {"losses": n}, why)


class MissingGradients(Detector):
    """Critical where steps are made and no parameter has a gradient."""

    kinds: ClassVar[Mapping[str, str]] = {"missing_gradients": "steps are made without a gradient"}
    needs = ("missing_gradients",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding, where it was so at nearly all of the steps that were looked at."""
        share = float(r["missing_gradients"].mean())
        if share > 0.9:
            message = (
                "At the steps that were looked at no parameter had a gradient: backward was not called, or zero_grad "
                "stands between backward and step."
            )
            why = Cause("missing_gradients", "steps have no gradient", "zero_grad(), then backward(), then step()")
            yield self.finding("critical", message, {"share": share}, why)


class EvaluationMode(Detector):
    """Information where dropout or batch norm were in the mode of use while the model trained."""

    kinds: ClassVar[Mapping[str, str]] = {"evaluation_mode": "dropout or batch norm are off in training"}
    needs = ("evaluation_mode",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = "Training began in the mode of use: dropout drops nothing, and batch norm takes statistics of before."
        why = Cause("evaluation_mode", "the model is in evaluation mode", "model.train() before the training rows")
        yield self.finding("info", message, {"began": 1.0}, why)


class TrainingMode(Detector):
    """Information where rows were evaluated and dropout or batch norm were in training mode."""

    kinds: ClassVar[Mapping[str, str]] = {"training_mode": "dropout or batch norm are on in evaluations"}
    needs = ("training_mode",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = "Rows were evaluated in training mode: dropout leaves units out, and batch norm learns from the rows."
        why = Cause("training_mode", "the model is in training mode", "model.eval() before the rows to evaluate")
        yield self.finding("info", message, {"seen": 1.0}, why)


OWN: tuple[Detector, ...] = (
    MissingGradients(), UnclearedGradients(), BroadcastTargets(), RawOutputs(), NoUpdates(), EvaluationMode(),
    TrainingMode(),
)  # fmt: skip
"""What only loops of others can do wrong."""
