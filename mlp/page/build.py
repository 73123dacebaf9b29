r"""One HTML page from a title, data, styles and scripts.

Two walls keep names and values from being read as code, and each holds with the other one down. The first is escaping:
`html.escape` here, `<` as \\u003c in JSON, `textContent` in the scripts. The second is the content policy of the page:
only the one script with the right hash runs, and nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlp.arrays import Array
from mlp.page.packing import pack_arrays

SHARED_STYLES = ("mlp.page/page.css", "mlp.page/chart.css")
SHARED_SCRIPTS = ("mlp.page/dom.js", "mlp.page/chart.js")
BLOCK_STYLES = (*SHARED_STYLES, "mlp.page/blocks.css")
BLOCK_SCRIPTS = (*SHARED_SCRIPTS, "mlp.page/blocks.js")

POLICY = "default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="mlp">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript><p>This page draws with JavaScript, which is switched off here.</p></noscript>
<main id="app"></main>
<script type="application/json" id="head">{head}</script>
<script type="text/plain" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def read_part(name: str) -> str:
    """The text of a part that lies in a package: "mlp.page/page.css"."""
    package, _, file = name.partition("/")
    from importlib.resources import files  # 4 ms, with tempfile and archives: only where a page is made

    return files(package).joinpath(file).read_text(encoding="utf-8")


def to_script_json(thing: Any) -> str:
    r"""JSON that may stand inside <script>: nothing in it looks like a tag. ValueError for NaN and infinity.

    >>> to_script_json({"name": "</script>"})
    '{"name":"\\u003c/script>"}'
    """
    return json.dumps(thing, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def to_visible(text: str) -> str:
    r"""Text in which nothing works unseen: control characters and marks that turn the writing as their escapes.

    Line breaks stay, and the joiners that Persian and Hindi are written with.

    >>> to_visible("a\x1b[31m \u202egnp.exe")
    'a\\x1b[31m \\u202egnp.exe'
    """
    return "".join(c if c.isprintable() or c in KEPT else c.encode("unicode_escape").decode() for c in text)


def is_page(text: str) -> bool:
    """Whether `build_page` wrote what begins like this."""
    return TEMPLATE.partition("{policy}")[0] in text and '<meta name="generator" content="mlp">' in text


KEPT = "\n\u200c\u200d"


def _to_visible(thing: Any) -> Any:
    """The same, for all text in lists and dicts."""
    if isinstance(thing, str):
        return to_visible(thing)
    if isinstance(thing, Mapping):
        return {_to_visible(key): _to_visible(value) for key, value in thing.items()}
    return [_to_visible(part) for part in thing] if isinstance(thing, list | tuple) else thing


def build_page(
    title: str,
    head: Mapping[str, Any],
    arrays: Mapping[str, Array],
    styles: Sequence[str],
    scripts: Sequence[str],
    *,
    connects: bool = False,
) -> str:
    """The text of a page. `head` is what its scripts read as JSON, `arrays` what they read as float64, bit for bit.

    `styles` and `scripts` are names of parts, in the order in which they are read; the scripts become one. `head` may
    hold anything that JSON does, and gets the key "arrays", where each array lies. Control characters in its text stand
    there as their escapes. A page that `connects` may ask the server that it came from, and no other, for more.
    """
    head_text, data = to_page_data(head, arrays)
    script = "\n".join(map(read_part, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return TEMPLATE.format(
        policy=POLICY.format(digest=digest) + ("; connect-src 'self'" if connects else ""),
        title=html.escape(to_visible(title)),
        style="\n".join(map(read_part, styles)),
        head=head_text,
        data=data,
        script=script,
    )


def to_page_data(head: Mapping[str, Any], arrays: Mapping[str, Array]) -> tuple[str, str]:
    """`head` with the places of its arrays as JSON, and the arrays as text: what the scripts of a page read."""
    packed = pack_arrays(arrays)
    return to_script_json({**_to_visible(head), "arrays": packed.places}), packed.text
