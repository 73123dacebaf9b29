"""All that is done to the product on purpose: every script in the folder `robustness`, one after another.

    python benchmarks/robustness.py

Each prints its attempts and failures, and ends with another status than 0 if anything failed; so does this one. They
take arguments of their own: run one alone for less.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run them; the status is how many failed."""
    failed = 0
    for script in sorted(Path(__file__).with_suffix("").glob("*.py")):
        print(f"{script.stem}:", flush=True)
        failed += subprocess.run([sys.executable, script], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
