"""What is computed from finished answers and results, as numbers.

`scores` says how good answers are, `intervals` how sure a few results are and how often a rule succeeds, `significance`
whether a difference may be chance. Knows arrays only.
"""
