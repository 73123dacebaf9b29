"""Choosing the numbers of an experiment: every combination of values, with seeds and folds.

`space` says what is tried. `trial` trains the members of one shape on one fold, `population` does so in one pass.
`plan` makes trials of combinations, seeds and folds, and runs them. `summary` and `tables` say what came of it, `plots`
draws it, `folder` keeps it. `search` has the function that does all this, `mlp.grid`.
"""

from mlp.grid_search.folder import reserve_search as reserve_search
from mlp.grid_search.plan import Search as Search
from mlp.grid_search.search import GridSearch as GridSearch
from mlp.grid_search.search import grid as grid
from mlp.grid_search.search import prepare_search as prepare_search
from mlp.grid_search.search import run_search as run_search
from mlp.grid_search.space import parse_grid as parse_grid
