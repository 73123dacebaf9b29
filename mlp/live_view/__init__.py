"""A run as a page while it goes on: it grows in the browser, and becomes the report when the training ends.

`records` copies what is new in a history, in the thread that trains. `feed` makes it a text for those who look, in
their threads and seldom enough to leave the processor to the training. `server` hands it out on this machine, and
`view` says what stands there. Nobody who looks can change or hold up a training.
"""

from mlp.live_view.feed import Feed
from mlp.live_view.records import NewRecords, Records, add_records
from mlp.live_view.server import serve_feed
from mlp.live_view.view import LiveView, open_view

__all__ = ["Feed", "LiveView", "NewRecords", "Records", "add_records", "open_view", "serve_feed"]
