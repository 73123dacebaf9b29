"""A history in files that other programs read: CSV, JSON lines, TensorBoard.

After training (`to_csv`, `to_jsonl`, `to_tensorboard`) or while it goes on (`logged`, `log`).
"""

from mlp.sinks.log import ENDINGS, Log, Logs, check_logs, log, logged, logs, to_csv, to_jsonl, to_tensorboard
from mlp.sinks.tensorboard import remove_events

__all__ = [
    "ENDINGS",
    "Log",
    "Logs",
    "check_logs",
    "log",
    "logged",
    "logs",
    "remove_events",
    "to_csv",
    "to_jsonl",
    "to_tensorboard",
]
