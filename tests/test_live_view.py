"""The page of a training that goes on: who may see it, what it is told, and that the training does not notice."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from test_page import Parts

import mlp
from mlp.cli import main
from mlp.experiment import begin, finish, watch_epochs
from mlp.live_view import Feed, LiveView, NewRecords, add_records, feed, open_view, serve_feed
from mlp.page.packing import PackedArrays, unpack_arrays

CONFIG: dict[str, Any] = {"data": {"source": "iris"}, "training": {"epochs": 3}, "record": {"baseline": "never"}}
GUARD = 30.0  # seconds after which a test that hangs fails


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts follow each other without a pause."""
    monkeypatch.setattr(feed, "PAUSE", 0.0)
    monkeypatch.setattr(feed, "SHARE", np.inf)


def ask(view_or_port: Any, path: str, host: str = "", method: str = "GET") -> http.client.HTTPResponse:
    """The answer to a request; its connection lives as long as the answer."""
    port = view_or_port if isinstance(view_or_port, int) else int(view_or_port.address.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GUARD)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    return connection.getresponse()


def place(address: str) -> tuple[int, str]:
    """Port and path."""
    port, _, token = address.removeprefix("http://127.0.0.1:").partition("/")
    return int(port), f"/{token}"


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Each event that a server sends: its kind, and its data as JSON."""
    kind = ""
    for line in answer:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            kind = text.removeprefix("event: ")
        elif text.startswith("data: "):
            yield kind, json.loads(text.removeprefix("data: "))


@pytest.fixture
def view() -> Iterator[LiveView]:
    with open_view(*begin(CONFIG)) as found:
        yield found


def test_only_who_knows_the_word_and_names_this_machine_is_answered(view: LiveView) -> None:
    port, path = place(view.address)
    page = ask(port, path)
    assert page.status == 200
    assert "img-src data:; connect-src 'self'\"" in page.read().decode()
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert ask(port, path, host=f"localhost:{port}").status == 200
    for wrong in ("/", "/events", path.rstrip("/"), path[:-2] + "/", f"{path}x", "/%2e%2e/", "/%c3%a9/"):
        assert ask(port, wrong).status == 404, wrong
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", "localhost", "0.0.0.0"):
        assert ask(port, path, host).status == 403, host
        assert ask(port, f"{path}events", host).status == 403, host
    assert ask(port, path, method="POST").status == 501


def test_two_trainings_have_different_words(view: LiveView) -> None:
    with open_view(*begin(CONFIG)) as other:
        port, _ = place(other.address)
        assert ask(port, place(view.address)[1]).status == 404


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
def test_no_other_address_of_this_machine_is_bound(view: LiveView, address: str) -> None:
    port, _ = place(view.address)
    with pytest.raises(OSError):
        socket.create_connection((address, port), timeout=GUARD).close()


def test_the_written_report_asks_for_nothing() -> None:
    assert "connect-src" not in str(mlp.run(CONFIG).report()).partition("</head>")[0].partition("<title>")[0]


def train(config: Any, look: bool) -> tuple[mlp.Run, list[tuple[str, Any]]]:
    """A run, and what was told to one who looked at all of it."""
    setup, state = begin(config)
    told: list[tuple[str, Any]] = []
    with open_view(setup, state) as view:
        if look:
            port, path = place(view.address)
            answer = ask(port, f"{path}events")
            reader = Thread(target=lambda: told.extend(events(answer)))
            reader.start()
        for _ in watch_epochs(setup, state, [view]):
            pass
        run = finish(setup, state)
        view.hand_over(run, setup.prepared)
        if look:
            reader.join(GUARD)
    return run, told


def test_who_looks_changes_no_bit() -> None:
    seen, alone = train(CONFIG, look=True)[0], train(CONFIG, look=False)[0]
    assert np.array_equal(seen.network.params, alone.network.params)
    assert seen.history.seal() == alone.history.seal()


def test_what_is_told_is_what_was_recorded_and_at_last_the_report() -> None:
    run, told = train(CONFIG, look=True)
    kinds = [kind for kind, _ in told]
    assert kinds == ["state"] * (len(kinds) - 1) + ["end"]
    for _, event in told:
        if not event["head"]["lines"]:
            continue
        losses = unpack_arrays(PackedArrays(event["head"]["arrays"], event["data"]))["loss/0/values"]
        assert np.array_equal(losses, run.history["loss"][: len(losses)])
    assert told[-1][1]["head"]["verdict"] in str(run.report()).replace("\\u003c", "<")
    assert len(losses) == run.steps


def test_of_restarts_the_best_is_shown() -> None:
    config = {**CONFIG, "training": {"epochs": 2, "restarts": 3}}
    setup, state = begin(config)
    view = LiveView(setup, state)
    for _ in watch_epochs(setup, state, [view]):
        pass
    add_records(view._shown, view._look().records)
    shown = view._describe(view._look())
    best = int(np.argmin(state.history["validation_loss"][-1]))
    assert np.array_equal(shown.arrays["loss/0/values"], state.history["loss"][:, best])


def test_hostile_names_stand_in_the_page_and_in_its_events_as_text(tmp_path: Path) -> None:
    """An event is one line, and nothing in it looks like a tag: a name cannot end it or begin another."""
    source = tmp_path / "<script>alert(1)<!--.csv"
    rows = [f"{a:.2f},{b:.2f},{'<b>' if a > b else 'no'}" for a, b in np.random.default_rng(0).normal(size=(60, 2))]
    source.write_text("\n".join(["a,b,c", *rows]), encoding="utf-8")
    view = LiveView(*begin({"data": {"source": str(source)}, "training": {"epochs": 1}}))
    assert Parts(view.page()).tags.count("script") == 3
    told = view._tell(view._look())
    assert "\n" not in told and "<" not in told
    assert "<script>alert(1)" in json.loads(told)["head"]["title"]


def test_new_records_are_copied_bit_for_bit_and_once() -> None:
    setup, state = begin(CONFIG)
    new, copy = NewRecords(state.history), mlp.History()
    for _ in watch_epochs(setup, state):
        add_records(copy, new.take())
    assert {*copy} == {*state.history}
    for name in copy:
        assert np.array_equal(copy[name], state.history[name], equal_nan=True)
        assert np.array_equal(copy.steps(name), state.history.steps(name))
    assert new.take() == []


def test_nothing_is_put_down_where_nobody_looks(view: LiveView) -> None:
    assert not view.feed.is_wanted
    view.hand_over(None, None)  # type: ignore[arg-type]  # it is not even asked for


LARGE = 10_000_000 * "x"  # more than the sockets of this machine hold for one who does not read


def test_one_who_never_reads_holds_up_neither_the_training_nor_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FAREWELL", 0.05)
    large = Feed[int](lambda moment: f'"{moment}{LARGE}"')
    with serve_feed("", large) as address:
        port, path = place(address)
        stuck = socket.create_connection(("127.0.0.1", port))
        stuck.sendall(f"GET {path}events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        reading = ask(port, f"{path}events")
        lines = events(reading)
        for number in range(3):
            large.put(number)
            assert next(lines) == ("state", f"{number}{LARGE}")
        Thread(target=large.say_last, args=('""',)).start()
        assert next(lines) == ("end", "")
        stuck.close()


def test_one_who_went_away_is_noticed(view: LiveView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BEAT", 0.01)
    port, path = place(view.address)
    answer = ask(port, f"{path}events")
    assert view.feed.is_watched
    answer.close()
    with view.feed._changed:
        assert view.feed._changed.wait_for(lambda: not view.feed.is_watched, GUARD)


COMMAND = (sys.executable, "-m", "mlp", "train", "xor", "--set", "record.baseline=never")


def test_the_command_says_the_address_in_one_line_and_the_page_ends_with_the_run(tmp_path: Path) -> None:
    """Ctrl-C ends the training, and the page with it: what was trained until then is shown as a report."""
    how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    command = (*COMMAND, "--watch", "--epochs", "1000000", "-o", "run")
    with subprocess.Popen(command, **how, preexec_fn=restore_interrupt) as process:
        assert process.stderr is not None
        said, _, address = process.stderr.readline().strip().rpartition(" ")
        assert said == "mlp: watch it at"
        port, path = place(address)
        told = events(ask(port, f"{path}events"))
        kind, event = next(told)
        assert (kind, event["head"]["state"]) == ("state", "training")
        process.send_signal(signal.SIGINT)
        *_, (kind, event) = told
        assert (kind, event["head"]["state"]) == ("end", "done")
        assert process.wait(GUARD) == 130
        assert "interrupted after" in process.stderr.read()
    with pytest.raises(ConnectionRefusedError):
        ask(port, path)


def restore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests beside itself


def test_folds_are_not_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "iris", "--folds", "3", "--watch"]) == 2
    said = "mlp: --folds takes 2 or more, and goes with none of --repair, --log and --watch.\n"
    assert capsys.readouterr() == ("", said)
