"""The same surroundings for every test, whoever starts it, where and beside what.

One BLAS thread: the networks here are tiny, and two threads on a core that others use wait for each other up to twenty
times as long as they compute. Hypothesis tries the same examples each time: a suite that fails by chance is not read.
`--hypothesis-profile=explore` looks for new ones. OPENBLAS_NUM_THREADS=2 in the environment is left as it is.
"""

import os

from hypothesis import HealthCheck, settings

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")  # NumPy reads it when it is loaded, which is later

timeless = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no test is about time
settings.register_profile("mlp", timeless, derandomize=True)
settings.register_profile("explore", timeless)
settings.load_profile("mlp")

# What pytest must not open: the scripts behind the reference files need torch and more, the tests do not.
collect_ignore = [
    "reference/make.py",
    "reference/make_optimizers.py",
    "reference/classic.py",
    "reference/make_state.py",
    "reference/make_runs.py",  # is run by the version that it is about
]
