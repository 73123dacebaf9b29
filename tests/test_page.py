"""Pages: the two walls against names that look like code, arrays bit for bit, and curves without a lost spike."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.microscope.explain import SCRIPTS, STYLES, explain, write_preset
from mlp.microscope.presets import PRESETS
from mlp.microscope.recording import record
from mlp.page import bucket_extremes, build_page, pack_arrays, read_part, to_visible
from mlp.page.packing import PackedArrays, unpack_arrays

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e\x1b[31m\u2028]]>-->"
RNG = np.random.default_rng(0)


class Parts(HTMLParser):
    """The tags of a page, and the text of its scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: dict[str, str] = {}
        self.title, self._inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = (dict(attrs).get("id") or "code") if tag == "script" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif self._inside in {"head", "data", "code"}:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data


def arrays_of(text: str) -> dict[str, Any]:
    parts = Parts(text)
    return unpack_arrays(PackedArrays(json.loads(parts.scripts["head"])["arrays"], parts.scripts["data"]))


# the walls


def test_a_name_that_looks_like_code_stands_in_a_page_as_text() -> None:
    """The first wall: nothing of it becomes a tag or an attribute, and the JSON gives it back as it was."""
    text = build_page(EVIL, {"name": EVIL, EVIL: [EVIL]}, {"x": np.zeros(1)}, STYLES, SCRIPTS)
    parts = Parts(text)
    assert parts.tags.count("script") == 3 and "img" not in parts.tags
    assert not [name for name, _ in parts.attributes if name.startswith("on")]
    seen = EVIL.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b").replace("\u2028", r"\u2028")
    assert parts.title == seen == to_visible(EVIL)
    head = json.loads(parts.scripts["head"])
    assert head["name"] == seen and head[seen] == [seen]
    assert EVIL not in text and "</script><script>alert" not in text


def test_the_policy_of_a_page_allows_its_own_script_alone() -> None:
    """The second wall: the hash is that of the one script, and no word lets another run or anything load."""
    text = build_page("t", {}, {"x": np.zeros(1)}, STYLES, SCRIPTS)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    code = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert code is not None
    digest = base64.b64encode(hashlib.sha256(code[1].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
    }
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_no_script_of_ours_writes_html() -> None:
    """`textContent` and text nodes alone: what writes HTML, or runs text, is not there."""
    for name in SCRIPTS:
        assert not re.findall(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", read_part(name)
        )


def test_a_page_asks_for_nothing() -> None:
    text = explain(*xor())
    assert not re.findall(r"(src|href)=\"(?!data:|#)", str(text))
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", str(text)))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_numbers_that_json_has_not_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        build_page("t", {"loss": float("nan")}, {"x": np.zeros(1)}, STYLES, SCRIPTS)


# arrays


def test_arrays_come_back_bit_for_bit() -> None:
    odd = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e308, 1 / 3])
    given = {"odd": odd, "cube": RNG.normal(size=(4, 3, 2)), "none": np.zeros((0, 3)), "one": np.ones((1,))}
    found = unpack_arrays(pack_arrays(given))
    for name, array in given.items():
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def xor(steps: int = 50) -> tuple[Any, ...]:
    X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    network = mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1), mlp.Sigmoid()], rng=4)
    return network, X, t, mlp.SquaredError(), mlp.SGD(10.0), steps


@pytest.mark.parametrize("name", ["xor", "worked", "adam"])
def test_a_page_holds_all_that_was_recorded_to_the_last_bit(name: str) -> None:
    preset = PRESETS[name]
    recordings = preset.record(preset.steps)
    found = arrays_of(write_preset(preset, recordings, ""))
    for k, recording in enumerate(recordings):
        for name, array in recording.arrays.items():
            assert found[f"r{k}/{name}"].tobytes() == array.tobytes()


def test_the_page_of_xor_is_small() -> None:
    preset = PRESETS["xor"]
    assert len(write_preset(preset, preset.record(200), "mlp explain xor").encode()) <= 250_000


LARGE = {
    "deep": [8] * 7,
    "wide": [28, 28],
    "one layer": [56],
}


@pytest.mark.parametrize("rule", [mlp.SGD(0.1), mlp.Adam(0.01)])
@pytest.mark.parametrize("shape", LARGE)
def test_a_page_of_59_nodes_40_samples_and_200_steps_is_below_a_megabyte(shape: str, rule: mlp.Optimizer) -> None:
    """Whatever the shape: beyond a megabyte gradients alone are shipped, then those of every second step, ..."""
    layers: list[mlp.Layer] = []
    for n_in, n_out in pairwise([2, *LARGE[shape]]):
        layers += [mlp.Dense(n_in, n_out), mlp.Tanh()]
    network = mlp.Network([*layers, mlp.Dense(LARGE[shape][-1], 1)], rng=0)
    X = RNG.normal(size=(40, 2))
    text = str(explain(network, X, np.sign(X[:, :1]), mlp.SquaredError(), rule, 200))
    assert len(text.encode()) <= 1_000_000


def test_a_page_that_no_browser_would_like_is_refused() -> None:
    """Of a rule without a formula every update is shipped, and nothing can be left out."""
    network = mlp.Network([mlp.Dense(2, 40), mlp.Tanh(), mlp.Dense(40, 1)], rng=0)
    X = RNG.normal(size=(5, 2))
    with pytest.raises(mlp.HyperparameterError, match=r"steps = 5000 cannot be: .* MB. Give fewer steps"):
        explain(network, X, X[:, :1], mlp.SquaredError(), mlp.Nesterov(0.01), 5000)


# curves


def test_no_spike_of_one_step_is_lost() -> None:
    """100,000 steps, 30 spikes: every one is a point of the curve, and it has the height that it had."""
    loss = np.exp(-np.arange(100_000) / 3e4) + 0.05 * np.abs(RNG.normal(size=100_000))
    spikes = RNG.choice(100_000, 30, replace=False)
    loss[spikes] *= 8
    kept = bucket_extremes(loss)
    assert len(kept) <= 4 * 1024 and np.isin(spikes, kept).all()
    assert np.array_equal(kept, np.unique(kept)) and kept[0] == 0 and kept[-1] == 99_999


def test_the_curve_covers_what_all_points_cover() -> None:
    """Of every bucket the least and the greatest value, and its ends: compared with the buckets themselves."""
    values = RNG.normal(size=9000).cumsum()
    kept = bucket_extremes(values, buckets=100)
    edges = np.linspace(0, 9000, 101).astype(int)
    for start, stop in pairwise(edges):
        inside = values[kept[(kept >= start) & (kept < stop)]]
        assert (inside.min(), inside.max()) == (values[start:stop].min(), values[start:stop].max())
        assert start in kept and stop - 1 in kept


def test_a_hole_in_a_curve_stays_a_hole() -> None:
    values = np.ones(10_000)
    values[4321], values[5000:5100] = np.nan, np.inf
    assert {4321, 5000} <= set(bucket_extremes(values, buckets=64).tolist())


# the command


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([*map(str, arguments)])
        return (status, *capsys.readouterr())

    return call


def test_explain_writes_a_page_a_sheet_or_text(cli: Any) -> None:
    assert cli("explain", "worked", "-o", "page.html")[0] == 0
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    status, out, _ = cli("explain", "worked", "--step", "3", "-o", "-")
    assert status == 0 and out.startswith("Step 3, written out")
    for name in ("step.md", "step.csv", "step.txt"):
        assert cli("explain", "worked", "-o", name)[0] == 0
        assert "Σ δ·x" in Path(name).read_text(encoding="utf-8")
    assert cli("explain", "perceptron", "--steps", "7")[0] == 0
    assert len(arrays_of(Path("perceptron.html").read_text(encoding="utf-8"))["r0/loss"]) == 7


def test_explain_takes_a_table_an_experiment_and_a_run(cli: Any) -> None:
    rows = [f"{a:.2f},{b:.2f},{'yes' if a > b else 'no'}" for a, b in RNG.normal(size=(60, 2))]
    Path("my.csv").write_text(f"{EVIL.splitlines()[0][:40].replace(',', ' ')},b,c\n" + "\n".join(rows))
    assert cli("explain", "my.csv", "--steps", "5")[0] == 0
    text = Path("my.html").read_text(encoding="utf-8")
    assert Parts(text).tags.count("script") == 3 and len(arrays_of(text)["X"]) == 40
    Path("mine.toml").write_text('[data]\nsource = "my.csv"\n[network]\nhidden = [3]\n[training]\nepochs = 1\n')
    assert cli("explain", "mine.toml", "--steps", "5")[0] == 0
    assert cli("train", "-c", "mine.toml", "-o", "run")[0] == 0
    assert cli("explain", "run", "--steps", "5", "-o", "run.html")[0] == 0
    mine, run = (arrays_of(Path(name).read_text(encoding="utf-8")) for name in ("mine.html", "run.html"))
    assert all(np.array_equal(mine[name], run[name]) for name in mine)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nothing",), "no data set or file 'nothing'"),
        (("digits",), "at most 60"),
        (("folder",), "this is no run directory"),
        (("xor", "-o", "page.pdf"), "page.pdf: nothing is written with this ending"),
        (("xor", "-o", "gone/page.html"), "there is no folder gone"),
        (("xor", "-o", "folder"), "folder: nothing is written"),
        (("xor", "-o", "there.html"), "there.html is there already"),
        (("xor", "--steps", "0"), "--steps = 0 cannot be"),
        (("xor", "--steps", "99999"), "at most 5000"),
        (("xor", "--step", "200", "-o", "a.md"), "0 … 199"),
        (("old", "-o", "a.html"), "old"),
        (("/proc/self/mem.toml",), "mem.toml"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(cli: Any, arguments: tuple[str, ...], complaint: str) -> None:
    Path("folder").mkdir()
    Path("there.html").write_text("mine")
    Path("old").mkdir()
    Path("old/model.npz").write_bytes(b"of another version")
    before = sorted(Path().rglob("*"))
    status, out, err = cli("explain", *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and complaint in err
    assert sorted(Path().rglob("*")) == before and Path("there.html").read_text() == "mine"


def test_explain_returns_the_text_or_the_path(tmp_path: Path) -> None:
    text, path = explain(*xor(5)), explain(*xor(5), tmp_path / "page.html")
    assert isinstance(text, str) and path == tmp_path / "page.html"
    assert path.read_text(encoding="utf-8") == text
    with pytest.raises(mlp.DataError, match="cannot be written"):
        explain(*xor(5), tmp_path / "gone" / "page.html")


def test_the_same_training_gives_the_same_page() -> None:
    assert explain(*xor(20)) == explain(*xor(20))
    assert record(*xor(20)).arrays["loss"].tobytes() == record(*xor(20)).arrays["loss"].tobytes()
