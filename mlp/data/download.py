"""Files fetched from the network into the user's cache: whole and with the right checksum, or not at all.

A file is written under a temporary name in its own folder and renamed when its checksum is right, so that
other processes never see half of it. Knows nothing of what the files contain. What speaks to the network is imported
where it is needed: with email and ssl it would be a sixth of
what `import mlp` takes on top of NumPy (20 of 130 ms).
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mlp.data.complaints import one_line
from mlp.data.progress import show_progress
from mlp.errors import DownloadError
from mlp.limits import DOWNLOAD_BYTES, DOWNLOAD_SECONDS, limit
from mlp.storage.atomic import replacing
from mlp.storage.permission import in_home

Progress = Callable[[str, int, int | None], None]  # name, bytes so far, bytes in all (None: not known)
ALGORITHMS = {32: "md5", 64: "sha256"}  # by length of the checksum in hexadecimal
CHUNK = 1 << 16
TIMEOUT = 20.0  # seconds without a byte


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """$MLP_CACHE, or the folder "mlp" in the platform's user cache; it need not exist."""
    if environment.get("MLP_CACHE"):
        return in_home(environment["MLP_CACHE"])
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "mlp" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlp"
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlp"


def fetch_any(
    urls: Sequence[str],
    path: Path,
    checksum: str,
    progress: Progress = show_progress,
    timeout: float = TIMEOUT,
) -> None:
    """Fetch a file from the first of its mirrors that has it; nothing if `path` is already right."""
    if path.is_file() and _digest(path, checksum) == checksum:
        return
    reasons = []
    for url in urls:
        try:
            return fetch(url, path, checksum, progress, timeout)
        except DownloadError as error:
            reasons.append(str(error))
    raise DownloadError(" ".join(reasons))


def fetch(url: str, path: Path, checksum: str, progress: Progress = show_progress, timeout: float = TIMEOUT) -> None:
    """Write the file behind `url` to `path`, whole and with that checksum (MD5 or SHA-256 in hexadecimal).

    DownloadError if it cannot be; `path` is then as it was, and nothing else is left behind.
    """
    import http.client

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), replacing(path) as out:  # whoever was faster has fetched the same
            _receive(url, out, lambda done, total: progress(path.name, done, total), timeout)
            out.flush()
            _check_digest(url, Path(out.name), checksum)
    except DownloadError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            words = f"{path.parent} cannot be written ({one_line(error)}). Set MLP_CACHE to a folder."
            raise DownloadError(words) from error
        raise DownloadError(f"{url} could not be fetched ({one_line(error)}).") from error


def _receive(url: str, out: IO[bytes], progress: Callable[[int, int | None], None], timeout: float) -> None:
    import urllib.request

    start = time.monotonic()
    request = urllib.request.Request(url, headers={"User-Agent": "mlp"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        n_total = _length(response)
        n_bytes = 0
        while chunk := response.read1(CHUNK):  # what has come: `read` would wait for a whole chunk
            n_bytes += len(chunk)
            _check_limits(url, max(n_bytes, n_total or 0), time.monotonic() - start)
            out.write(chunk)
            progress(n_bytes, n_total)
    if n_total is not None and n_bytes < n_total:
        raise DownloadError(f"{url} ended after {n_bytes} of {n_total} bytes.")


def _check_limits(url: str, n_bytes: int, seconds: float) -> None:
    """Refuse a download that is too large, or comes a few bytes at a time without an end."""
    for name, found, unit in ((DOWNLOAD_BYTES, n_bytes, "bytes"), (DOWNLOAD_SECONDS, seconds, "seconds")):
        allowed = limit(name)
        if allowed is not None and found > allowed:
            raise DownloadError(
                f"{url} takes {found:,.0f} {unit} or more, and {allowed:,} are allowed ({name} raises it)."
            )


def _length(response: Any) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else None


def _check_digest(url: str, path: Path, checksum: str) -> None:
    found = _digest(path, checksum)
    if found != checksum:
        raise DownloadError(f"{url} has checksum {found}, not {checksum}: it is another file, or damaged on the way.")


def _digest(path: Path, like: str) -> str:
    """The file's checksum by the same algorithm as another."""
    digest = hashlib.new(ALGORITHMS[len(like)], usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
