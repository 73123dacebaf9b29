"""Comparing optimizers: what is tried, how it is chosen, and what may be said of it afterwards.

`bench_settings` says what somebody asks for. `protocol` turns it into trials and their results into cells,
`bench_trial` runs a trial, and `own_parts` takes one's own rules and problems along. `setting` and `tuning` say what is
tried of a rule; `summary`, `obstacle_table`, `budgets`, `tables`, `plots` and `page` what came of it.
`compare_optimizers` has the function that does all this, `mlp.bench`.
"""

from mlp.optimizer_bench.bench_settings import OBSTACLE_SETTINGS as OBSTACLE_SETTINGS
from mlp.optimizer_bench.bench_settings import BenchSettings as BenchSettings
from mlp.optimizer_bench.bench_settings import parse_bench_settings as parse_bench_settings
from mlp.optimizer_bench.bench_settings import read_files as read_files
from mlp.optimizer_bench.compare_optimizers import OptimizerComparison as OptimizerComparison
from mlp.optimizer_bench.compare_optimizers import bench as bench
from mlp.optimizer_bench.compare_optimizers import open_workers as open_workers
from mlp.optimizer_bench.protocol import BenchProgress as BenchProgress
from mlp.optimizer_bench.protocol import check_folder as check_folder
from mlp.optimizer_bench.protocol import n_trials as n_trials
from mlp.optimizer_bench.protocol import reserve as reserve
from mlp.optimizer_bench.protocol import run_protocol as run_protocol
