"""`python -m mlp` is `mlp`."""

import sys

from mlp.cli import main

sys.exit(main())
