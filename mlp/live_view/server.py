"""A feed as a page, for browsers on this machine only.

Three walls: it listens on 127.0.0.1 and nowhere else; a path must begin with a word that nobody can guess; and a
request must name this machine as its host, so that no page of another site can reach it under a name of its own (DNS
rebinding). It answers GET, and takes no data.
"""

from __future__ import annotations

import hmac
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mlp.errors import in_one_line
from mlp.live_view.feed import Feed

HOST = "127.0.0.1"
PATIENCE = 10.0  # seconds without a byte read or taken, after which a browser is given up
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves `page` at /TOKEN/ and the texts of `feed` at /TOKEN/events."""

    daemon_threads = True

    def __init__(self, page: str, feed: Feed[Any]) -> None:
        self.page, self.feed, self.token = page.encode(), feed, secrets.token_urlsafe(16)
        super().__init__((HOST, 0), Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def server_bind(self) -> None:
        """Bind, and ask no name server what this machine is called."""
        super(ThreadingHTTPServer, self).server_bind()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong in one line, unless a browser has just gone away."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            print(f"mlp: the live page: {in_one_line(error)}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    timeout = PATIENCE
    server_version, sys_version = "mlp", ""

    def do_GET(self) -> None:
        """The page, or what is new for as long as the training goes on."""
        if self.headers.get("Host") not in self.server.hosts:
            return self.send_error(HTTPStatus.FORBIDDEN, "This page is for browsers on this machine")
        parts = {f"/{self.server.token}/": self._send_page, f"/{self.server.token}/events": self._send_events}
        asked = next((act for path, act in parts.items() if hmac.compare_digest(path.encode(), self._path())), None)
        return self.send_error(HTTPStatus.NOT_FOUND) if asked is None else asked()

    def _path(self) -> bytes:
        return self.path.encode("utf-8", "surrogateescape")

    def _begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _send_page(self) -> None:
        self._begin("text/html")
        self.send_header("Content-Length", str(len(self.server.page)))
        self.end_headers()
        self.wfile.write(self.server.page)

    def _send_events(self) -> None:
        """Server-sent events: "state" with all there is to show, "end" with the last of it."""
        with self.server.feed.follow() as texts:
            self._begin("text/event-stream")
            self.end_headers()
            for kind, text in texts:
                self.wfile.write((": \n\n" if kind == "beat" else f"event: {kind}\ndata: {text}\n\n").encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the training."""


@contextmanager
def serve_feed(page: str, feed: Feed[Any]) -> Iterator[str]:
    """Serve a page and its feed in threads of their own; yield the address."""
    with Server(page, feed) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield server.address
        finally:
            server.shutdown()
            thread.join()
