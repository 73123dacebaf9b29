"""Pages: one HTML file with everything in it, which opens without a network and asks for nothing.

`build_page` puts data, styles and scripts together under a policy that lets nothing else run; `pack_arrays` brings
arrays into it bit for bit; `bucket_extremes` chooses the points of a long curve so that no spike is lost. What is drawn
is decided by the rooms that make pages; the parts that they share lie here as `.js` and `.css`.
"""

from mlp.page.build import (
    BLOCK_SCRIPTS,
    BLOCK_STYLES,
    SHARED_SCRIPTS,
    SHARED_STYLES,
    build_page,
    is_page,
    read_part,
    to_page_data,
    to_script_json,
    to_visible,
)
from mlp.page.downsampling import bucket_extremes
from mlp.page.packing import PackedArrays, pack_arrays

__all__ = [
    "BLOCK_SCRIPTS",
    "BLOCK_STYLES",
    "SHARED_SCRIPTS",
    "SHARED_STYLES",
    "PackedArrays",
    "bucket_extremes",
    "build_page",
    "is_page",
    "pack_arrays",
    "read_part",
    "to_page_data",
    "to_script_json",
    "to_visible",
]
