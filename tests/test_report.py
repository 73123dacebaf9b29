"""The report of a run: where it is written, what it holds, that no spike is lost, and what it does without its data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_page import EVIL, Parts, arrays_of

import mlp
from mlp.cli import main
from mlp.experiment.run_place import check_own
from mlp.page import to_visible
from mlp.run_page.answers import image_shape, reliability
from mlp.run_page.chart import summarize_columns
from mlp.statistics.scores import calibration_error

DIGITS = {"data": {"source": "digits"}, "training": {"epochs": 3}, "record": {"baseline": "never"}}
DEEP = {
    "data": {"source": "digits"},
    "network": {"hidden": [16] * 6, "activation": "sigmoid"},
    "optimizer": {"name": "sgd"},
    "training": {"epochs": 3},
}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def run() -> mlp.Run:
    return mlp.run(DIGITS)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([*map(str, arguments)])
        return (status, *capsys.readouterr())

    return call


def head_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Parts(text).scripts["head"])
    return found


# where it is written


def test_every_training_writes_its_report(cli: Any) -> None:
    few = ("--set", "training.epochs=2", "--set", "record.baseline=never")
    assert cli("train", "iris", "-o", "run", *few)[0] == 0
    first = Path("run/report.html").read_text(encoding="utf-8")
    assert cli("resume", "run", "--epochs", "4")[0] == 0
    second = Path("run/report.html").read_text(encoding="utf-8")
    steps = [dict(head_of(text)["tiles"])["steps"] for text in (first, second)]
    assert int(steps[1]) == 2 * int(steps[0])
    assert cli("report", "run")[1] == "run/report.html\n"
    assert head_of(Path("run/report.html").read_text(encoding="utf-8"))["answers"] == head_of(second)["answers"]


def test_the_repair_says_on_the_page_what_it_tried(cli: Any) -> None:
    keys = ("network.hidden=[8,8,8,8,8,8]", "network.activation=sigmoid", "optimizer.name=sgd", "training.epochs=5")
    sets = [word for key in keys for word in ("--set", key)]
    assert cli("train", "iris", "-o", "run", "--repair", *sets)[0] == 0
    before = head_of(Path("run/report.html").read_text(encoding="utf-8"))
    assert before["repair"]["trials"] and not before["healthy"]
    if before["repair"]["changes"]:
        after = head_of(Path("run-repaired/report.html").read_text(encoding="utf-8"))
        assert after["repair"] == before["repair"]


def test_a_new_run_takes_the_report_of_an_earlier_one_away(tmp_path: Path, run: mlp.Run) -> None:
    """A report that says nothing of the run beside it is worse than none."""
    run.save(tmp_path / "run")
    run.report(tmp_path / "run/report.html")
    run.save(tmp_path / "run")
    assert not (tmp_path / "run/report.html").exists()


def test_a_page_of_somebody_else_is_not_replaced(tmp_path: Path, run: mlp.Run) -> None:
    run.save(tmp_path)
    (tmp_path / "report.html").write_text("<h1>mine</h1>")
    with pytest.raises(mlp.DataError, match="is not of a run"):
        run.save(tmp_path)
    run.report(tmp_path / "report.html")
    check_own(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere",), "nowhere"),
        (("run", "-o", "there.html"), "there.html is there already"),
        (("run", "-o", "run/model.npz"), "is never written"),
        (("run", "-o", "gone/page.html"), "there is no folder gone"),
        (("empty",), "this is no run directory"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_line(
    cli: Any, run: mlp.Run, arguments: tuple[str, ...], complaint: str
) -> None:
    run.save("run")
    Path("empty").mkdir()
    Path("there.html").write_text("mine")
    before = sorted(Path().rglob("*"))
    status, out, err = cli("report", *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and complaint in err
    assert sorted(Path().rglob("*")) == before and Path("there.html").read_text() == "mine"


def test_report_gives_the_text_or_writes_it(tmp_path: Path, run: mlp.Run) -> None:
    path = run.report(tmp_path / "page.html")
    assert path == tmp_path / "page.html" and Path(path).read_text(encoding="utf-8") == run.report()


# what it holds


def test_the_page_holds_what_was_recorded(run: mlp.Run) -> None:
    text = str(run.report())
    found, history = arrays_of(text), run.history
    assert np.array_equal(found["loss/0/values"], history["loss"])
    assert np.array_equal(found["loss/0/steps"], history.steps("loss"))
    assert np.array_equal(found["grad_norm_by_layer/typical"].T, history["grad_norm_by_layer"].astype(np.float32))
    head = head_of(text)
    assert head["healthy"] is run.healthy and [f["kind"] for f in head["findings"]] == [f.kind for f in run.findings]
    assert head["lines"][0]["gates"][0]["value"] == history["reference_loss"][0]
    counts = np.array(head["answers"]["confusion"]["counts"])
    assert counts.trace() / counts.sum() == pytest.approx(run.metrics["test_accuracy"], rel=1e-12)


def test_weights_are_counted_as_they_began_and_as_they_ended(run: mlp.Run) -> None:
    arrays, place = arrays_of(str(run.report())), run.network.layout.slices[0]
    for moment, params in (("start", run.waypoints.params[0]), ("end", run.network.params)):
        counts, _ = np.histogram(params[place], arrays["weights/0/edges"])
        assert np.array_equal(arrays[f"weights/0/{moment}"], counts)
        assert counts.sum() == run.network.views[0].size


def test_points_that_the_training_looked_at_stand_on_the_page() -> None:
    stuck = mlp.run(DEEP)
    rows = head_of(str(stuck.report()))["points"]
    assert [int(row[0]) for row in rows] == stuck.history.steps("point_kind").tolist()
    kinds = stuck.history.labels("point_kind")
    last = kinds[int(np.argmax(stuck.history["point_kind"][-1]))]
    assert rows[-1][1].startswith(last.replace("_", " "))
    assert float(rows[-1][2]) == float(f"{stuck.history['point_loss'][-1]:.4g}")


def test_a_point_and_a_landscape_stand_on_the_page_where_they_were_looked_at() -> None:
    run = mlp.run({"data": {"source": "iris"}, "network": {"hidden": [4]}, "training": {"epochs": 3}})
    point, seen = run.point(), run.landscape(plane=True, trajectory=True, spectrum=True, points=5)
    text = str(run.report(point=point, landscape=seen))
    head, arrays = head_of(text), arrays_of(text)
    assert head["point"]["kind"] == point.kind.replace("_", " ")
    assert np.array_equal(arrays["landscape/line/0/losses"], seen.lines[0].losses)
    assert np.array_equal(arrays["landscape/plane/losses"], seen.plane.losses)
    assert np.array_equal(arrays["landscape/trajectory/path"], seen.trajectory.path)
    assert np.array_equal(arrays["landscape/spectrum/values"], seen.spectrum.values)
    without = head_of(str(run.report()))
    assert (without["point"], without["landscape"]) == (None, None)


def test_the_command_landscape_writes_the_report_with_what_it_saw(cli: Any, run: mlp.Run) -> None:
    run.save("run")
    assert cli("landscape", "run", "--line", "-o", "page.html")[0] == 0
    head = head_of(Path("page.html").read_text(encoding="utf-8"))
    assert head["landscape"]["lines"] and head["point"]["kind"] and head["answers"]
    assert cli("landscape", "run", "-o", "page.html")[0] == 2


def test_the_report_of_digits_is_small() -> None:
    found = mlp.run({"data": {"source": "digits"}, "record": {"baseline": "never"}})
    assert len(str(found.report()).encode()) <= 120_000


def test_the_verdict_is_the_worst_finding() -> None:
    found = mlp.run(DEEP)
    head = head_of(str(found.report()))
    assert not found.healthy and head["verdict"] in [f.message for f in found.findings if f.severity != "info"]


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": {"name": "sgd", "learning_rate": 1e9}},
        {"training": {"epochs": 2, "restarts": 3}},
        {"training": {"epochs": 2, "restarts": 3, "ensemble": True}},
        {"data": {"source": "encoder-10-5-10"}},
        {"data": {"source": "xor"}},
        {"data": {"source": "digits", "validation": 0.0, "test": 0.0}},
        {"network": {"hidden": []}},
        {"network": {"residual": True, "hidden": [8, 8], "batch_norm": True}},
        {"loss": {"name": "hinge"}},
        {"training": {"epochs": 1}, "record": {"every": 1000, "baseline": "never"}},
    ],
)
def test_every_kind_of_run_has_a_report(change: dict[str, Any]) -> None:
    """Diverged, of many networks, of labels, without held-out rows, without probabilities, with next to no records."""
    found = mlp.run({**DIGITS, **change})
    head = head_of(str(found.report()))
    assert head["answers"] is not None and len(head["answers"]["worst"]["answers"]) > 0


def test_numbers_to_predict_stand_on_the_page_as_they_are() -> None:
    X = RNG.normal(size=(120, 3))
    y = 1000 + 30 * X[:, 0]
    found = mlp.run({"training": {"epochs": 3}, "record": {"baseline": "never"}}, (X, y))
    text = str(found.report(data=(X, y)))
    arrays = arrays_of(text)
    assert np.isin(arrays["answers/true"].round(9), y.round(9)).all()
    error = np.sqrt(np.mean((arrays["answers/predicted"] - arrays["answers/true"]) ** 2))
    assert error == pytest.approx(found.metrics["test_rmse"], rel=1e-4)
    assert head_of(str(found.report()))["answers"] is None  # without the rows


def test_other_rows_than_those_of_the_run_are_left_out(tmp_path: Path) -> None:
    """The page would show answers to rows that the run never saw as if they were its own."""
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "\n".join(f"{a:.3f},{b:.3f},{'xy'[int(a > b)]}" for a, b in RNG.normal(size=(80, 2))))
    found = mlp.run({"data": {"source": str(path)}, "training": {"epochs": 2}, "record": {"baseline": "never"}})
    assert head_of(str(found.report()))["answers"]
    path.write_text("a,b,c\n" + "\n".join(f"{a:.3f},{b:.3f},{'xy'[int(a < b)]}" for a, b in RNG.normal(size=(80, 2))))
    assert head_of(str(found.report()))["answers"] is None
    path.unlink()
    assert head_of(str(found.report()))["answers"] is None


def test_hostile_names_stand_in_the_report_as_text(tmp_path: Path) -> None:
    name = EVIL.replace(",", " ").replace("\u2028", "").replace("\x1b", "").replace('"', "")
    path = tmp_path / "t.csv"
    rows = [f"{a:.2f},{b:.2f},{name if a > b else 'no'}" for a, b in RNG.normal(size=(80, 2))]
    path.write_text(f"{name}1,b,c\n" + "\n".join(rows), encoding="utf-8")
    found = mlp.run({"data": {"source": str(path)}, "training": {"epochs": 1}, "record": {"baseline": "never"}})
    parts = Parts(str(found.report()))
    assert parts.tags.count("script") == 3 and "img" not in parts.tags
    head = json.loads(parts.scripts["head"])
    assert to_visible(name) in head["answers"]["confusion"]["names"]
    assert head["answers"]["worst"]["inputs"][0] == to_visible(f"{name}1")


# columns of heat maps, images, bins


def test_no_spike_of_one_step_is_lost_in_a_heat_map() -> None:
    """A mean alone hid a spike of 1,000 times."""
    values = 10 ** RNG.normal(0, 0.1, (50_000, 4))
    spikes = RNG.choice(50_000, 20, replace=False)
    values[spikes, 1] *= 1000
    starts = np.linspace(0, 50_000, 513).astype(int)[:-1]
    least, typical, greatest = summarize_columns(values, starts, False)
    far = greatest[1] > 10 * typical[1]
    assert np.array_equal(np.flatnonzero(far), np.unique(np.searchsorted(starts, spikes, "right") - 1))
    for k, (start, stop) in enumerate(zip(starts, [*starts[1:], 50_000], strict=True)):
        column = values[start:stop]
        assert np.allclose(typical[:, k], np.exp(np.log(column).mean(0)), rtol=1e-12)
        assert (least[:, k] == column.min(0)).all() and (greatest[:, k] == column.max(0)).all()


def test_a_column_with_a_number_that_is_none_says_so() -> None:
    values = np.ones((10, 2))
    values[7, 0] = np.nan
    _, typical, greatest = summarize_columns(values, np.array([0, 5]), False)
    assert np.isnan(typical).tolist() == [[False, True], [False, False]] and greatest[0, 1] == 1


def test_the_bins_of_the_reliability_are_those_of_the_calibration_error() -> None:
    confidence = RNG.uniform(0.3, 1, 500)
    right = (RNG.uniform(size=500) < confidence**2) * 1.0
    bins = reliability(right, confidence)
    error = sum(b["rows"] / 500 * abs(b["right"] - b["confidence"]) for b in bins)
    assert error == pytest.approx(calibration_error(right, confidence), rel=1e-12)


def test_rows_are_images_where_their_names_or_the_experiment_say_so(run: mlp.Run) -> None:
    names = tuple(f"pixel_{i}_{j}" for i in range(3) for j in range(4))
    assert image_shape(run.config, names) == (3, 4)
    assert image_shape(run.config, names[:-1]) is None and image_shape(run.config, ("a",) * 12) is None


def test_a_report_that_cannot_be_written_costs_no_run(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise mlp.DataError("run/report.html cannot be written: No space left on device.")

    monkeypatch.setattr("mlp.cli.report._write", fail)
    status, out, err = cli("train", "iris", "-o", "run", "--set", "training.epochs=1", "--set", "record.baseline=never")
    assert status == 0 and "run directory: run" in out and "No space left" in err
    assert mlp.load_run("run").steps > 0
    shutil.rmtree("run")
