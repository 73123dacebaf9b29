"""Storage: what may be written, and how files are written and read.

`permission` says what may be written, `atomic` writes, `archive` holds arrays under a seal, `snapshot` takes what an
object remembers.
"""
