"""Downloads, against a server on this machine: whole and right, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from mlp.data import load
from mlp.data.download import cache_folder, fetch, fetch_any, show_progress
from mlp.data.images import FILES, IMAGE_SETS, load_images
from mlp.errors import DownloadError

CONTENT = bytes(range(256)) * 1000
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves FILES_SERVED; /short promises more than it sends."""

    served: ClassVar[dict[str, bytes]] = {}
    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        content = self.served.get(self.path)
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) + 10 * (self.path == "/short")))
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    Handler.served, Handler.requests = {"/file": CONTENT, "/short": CONTENT}, []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_file_arrives_whole_and_alone(server: str, tmp_path: Path) -> None:
    fetch(f"{server}/file", tmp_path / "new" / "file", CHECKSUM)
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_md5_is_known_by_its_length(server: str, tmp_path: Path) -> None:
    fetch(f"{server}/file", tmp_path / "file", hashlib.md5(CONTENT).hexdigest())
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "checksum", "message"),
    [
        ("/file", "0" * 64, "it is another file, or damaged"),
        ("/short", CHECKSUM, "ended after 256000 of 256010 bytes"),
        ("/missing", CHECKSUM, "HTTP Error 404"),
    ],
)
def test_a_failed_download_leaves_everything_as_it_was(
    server: str, tmp_path: Path, path: str, checksum: str, message: str
) -> None:
    (tmp_path / "file").write_bytes(b"before")
    with pytest.raises(DownloadError, match=message):
        fetch(server + path, tmp_path / "file", checksum)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"before")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/file", "nonsense", "http://[broken"])
def test_a_refused_connection_or_address_is_a_download_error(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        fetch(url, tmp_path / "file", CHECKSUM)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server}/file", tmp_path / "file", CHECKSUM, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_progress_is_told_how_far_it_is(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    fetch(f"{server}/file", tmp_path / "file", CHECKSUM, progress=lambda *now: told.append(now))
    assert told[-1] == ("file", len(CONTENT), len(CONTENT))


def test_progress_is_silent_unless_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_progress("file", 10, 20)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_rewrites_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    show_progress("file", 10, 20)
    show_progress("file", 20, 20)
    assert terminal.getvalue() == "\rfile: 50 %\rfile: 100 %\n"


def test_the_next_mirror_is_tried(server: str, tmp_path: Path) -> None:
    fetch_any([f"{server}/missing", f"{server}/file"], tmp_path / "file", CHECKSUM)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_file_that_is_right_already_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    fetch_any([f"{server}/file"], tmp_path / "file", CHECKSUM)
    assert Handler.requests == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT[:-1])
    fetch_any([f"{server}/file"], tmp_path / "file", CHECKSUM)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_a_download_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"cannot be written.*MLP_CACHE"):
        fetch("http://127.0.0.1:1/", tmp_path / "taken" / "file", CHECKSUM)


def test_the_cache_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    assert cache_folder({"MLP_CACHE": str(tmp_path)}) == tmp_path


# MNIST and its kin


def small_mnist() -> list[bytes]:
    """Four files in the form of MNIST: 6 training images of 2 x 2, 2 test images."""
    files = []
    for n in (6, 2):
        images = np.arange(4 * n, dtype=np.uint8)
        files += [bytes([0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2]) + images.tobytes()]
        files += [bytes([0, 0, 8, 1, 0, 0, 0, n]) + bytes(i % 2 for i in range(n))]
    return [gzip.compress(content) for content in files]


def test_images_are_fetched_once_and_then_read_without_network(server: str, tmp_path: Path) -> None:
    files = small_mnist()
    Handler.served = {f"/{name}": content for name, content in zip(FILES, files, strict=True)}
    images = IMAGE_SETS["mnist"]._replace(checksums=tuple(hashlib.md5(content).hexdigest() for content in files))
    first, again = (load_images(images, url=server, folder=tmp_path) for _ in range(2))
    assert len(Handler.requests) == 4
    assert first.X.tolist() == again.X.tolist() == np.arange(24).reshape(6, 4).tolist()
    assert first.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert first.test is not None
    assert first.test[0].shape == (2, 4)
    assert first.licence


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_a_set_that_cannot_be_fetched_says_how_to_do_without_network(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MLP_CACHE", str(tmp_path))
    monkeypatch.setenv(f"MLP_{name.upper()}_URL", server)
    with pytest.raises(DownloadError, match=f"{name}: .*404.* put train-images-idx3-ubyte.gz into .* by path"):
        load(name)


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_a_file_with_another_checksum_is_not_taken_for_the_set(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    Handler.served = {f"/{FILES[0]}": small_mnist()[0]}
    monkeypatch.setenv("MLP_CACHE", str(tmp_path))
    monkeypatch.setenv(f"MLP_{name.upper()}_URL", server)
    with pytest.raises(DownloadError, match=IMAGE_SETS[name].checksums[0]):
        load(name)


def test_nothing_that_speaks_to_the_network_is_imported_before_it_is_needed() -> None:
    """http.client brings email, ssl and sockets: 20 of the 130 ms that the package took to import."""
    network = {"http.client", "urllib.request", "ssl", "tempfile"}
    code = f"import sys; from mlp import *; print({network} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
