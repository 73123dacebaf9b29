"""What is lost, and what hangs, where processes are killed, disks are full and two write into one folder.

    python benchmarks/robustness/disturbances.py [--only kills,pairs] [--kills 3] [--rounds 20]

Every attempt is a process that is disturbed, and what can be read afterwards. A line for each part says how many
attempts there were and how many failed: a traceback, a process that takes longer than 20 seconds to end, a run that is
not whole, or one that is resumed and is not what it would have been. The status is 1 if any failed. "cluster" needs
Dask. A part is a function that yields attempts: add one to PARTS.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is loaded: processes are forked, and threads are not

import mlp  # noqa: E402
from mlp import cli  # noqa: E402
from mlp.experiment import checkpoint_schedule  # noqa: E402
from mlp.optimizers import OPTIMIZERS  # noqa: E402
from mlp.sinks.output import Output  # noqa: E402
from mlp.storage import lock  # noqa: E402

HANG = 20.0  # seconds
RNG = random.Random(0)
AROUND = ("clip_norm=0.1", "clip_value=0.1", "sam=0.05", "lookahead=2", "average=0.9", "schedule=plateau")
LOGS = ("log.csv", "log.jsonl", "board")
COMMON = ("--set", "record.probe=never", "--set", "network.hidden=[4]")


class Attempt(NamedTuple):
    """What was tried; `trouble` is empty where it went well."""

    what: str
    trouble: str = ""


# processes


class Child:
    """A command in a process of its own, forked: it need not load NumPy again. `act` returns the exit status."""

    def __init__(self, act: Callable[[], int], folder: Path, gate: int | None = None) -> None:
        self.reading, writing = os.pipe()
        self.start, self.said, self.process = time.monotonic(), b"", os.fork()
        if not self.process:
            _carry_out(act, folder, writing, gate)
        os.close(writing)

    def wait(self) -> tuple[int, str, str]:
        """The exit status, what was said, and what is wrong with the way it ended, if anything."""
        latest, hung = time.monotonic() + HANG, ""
        while True:
            if select.select([self.reading], [], [], 0.5)[0]:
                text = os.read(self.reading, 65536)
                if not text:
                    break
                self.said += text
            elif time.monotonic() > latest:
                os.kill(self.process, signal.SIGKILL)
                hung = "it hung"
        os.close(self.reading)
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        said = self.said.decode(errors="replace")
        return status, said, hung or (f"a traceback: {said[-400:]}" if "Traceback" in said else "")


def _carry_out(act: Callable[[], int], folder: Path, writing: int, gate: int | None) -> None:
    """In the child: act when the gate opens, and end."""
    status = 70
    try:
        for stream in (1, 2):
            os.dup2(writing, stream)
        os.close(writing)
        sys.stdout, sys.stderr = (open(stream, "w", buffering=1) for stream in (1, 2))  # noqa: SIM115
        os.chdir(folder)
        if gate is not None:
            os.read(gate, 1)
        status = act()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 70
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def command(*words: str, often: bool = False) -> Callable[[], int]:
    """A command line; `often`: checkpoints are written again and again, not once a second."""

    def act() -> int:
        if often:
            checkpoint_schedule.FIRST, checkpoint_schedule.SHARE, checkpoint_schedule.CHECK_EVERY = 0.0, 0.5, 0.0
        return cli.main(list(words))

    return act


def same_run(folder: Path, expected: Path) -> str:
    """How a run differs from the one that it should be; "" where it does not."""
    try:
        found, wanted = mlp.load_run(folder), mlp.load_run(expected)
    except mlp.MLPError as error:
        return f"not whole: {error}"
    if found.network.params.tobytes() != wanted.network.params.tobytes():
        return "other weights"
    if (found.metrics, found.findings) != (wanted.metrics, wanted.findings):
        return "other metrics or findings"
    return "" if found.history.seal() == wanted.history.seal() else "another history"


# kills


def kills(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """Kill trainings of every rule, wrapper and log, and benches, at any moment; go on; compare with one not killed."""
    squares = ["--set", "loss.name=squared_error"]
    cases = {
        name: ["--set", f"optimizer.name={name}", *(squares if getattr(rule, "least_squares", False) else [])]
        for name, rule in OPTIMIZERS.items()
    }
    cases |= {key: ["--set", "optimizer.name=adam", "--set", f"optimizer.{key}"] for key in AROUND}
    cases |= {name: ["--log", name] for name in LOGS}
    for number, (name, words) in enumerate(cases.items()):
        place = folder / str(number)
        place.mkdir()
        line = ("train", "iris", *COMMON, "--set", "training.epochs=30", *words)
        whole = Child(command(*line, "-o", "whole", often=True), place)
        status, said, wrong = whole.wait()
        if wrong or status not in (0, 1):
            yield Attempt(f"{name}, not killed", wrong or said[-200:])
            continue
        seconds = time.monotonic() - whole.start
        for attempt in range(arguments.kills):
            yield Attempt(f"{name}, kill {attempt}", kill_and_go_on(place, line, seconds))
            shutil.rmtree(place / "run", ignore_errors=True)
        shutil.rmtree(place)
    yield from kill_benches("benches", lambda out: compare(out, 20), folder, arguments.kills)
    yield from kill_benches("searches", lambda out: search(out, 20), folder, arguments.kills)


def kill_and_go_on(place: Path, line: Sequence[str], seconds: float) -> str:
    """Train, kill and go on until a process ends by itself; what is wrong with the run then."""
    words = (*line, "-o", "run", *(["--force"] if "--log" in line else []))
    for killed in (True, True, False):
        if (place / "run" / "checkpoint.npz").exists():
            words = ("resume", "run")
        child = Child(command(*words, often=True), place)
        if killed:
            time.sleep(RNG.uniform(0.0, seconds))
            os.kill(child.process, signal.SIGKILL)
        status, said, wrong = child.wait()
        if wrong or status not in ((0, 1, -9) if killed else (0, 1)):
            return wrong or f"status {status}: {said[-300:]!r}"
    left = {path.name for path in (place / "run").iterdir()} - {path.name for path in (place / "whole").iterdir()}
    return same_run(place / "run", place / "whole") or (f"left behind: {left}" if left else "")


def kill_benches(name: str, act: Callable[[str], Callable[[], int]], place: Path, count: int) -> Iterator[Attempt]:
    """The same command goes on where a bench or a search was killed; its tables are those of one that was not."""
    folder = place / name
    folder.mkdir()
    whole = Child(act("whole"), folder)
    _, said, wrong = whole.wait()
    seconds = time.monotonic() - whole.start
    for attempt in range(3 * count):
        for killed in (True, False):
            child = Child(act("bench"), folder)
            if killed:
                time.sleep(RNG.uniform(0, seconds))
                os.kill(child.process, signal.SIGKILL)
            status, said, wrong = child.wait()
        tables = [(folder / of / "results.csv").read_bytes() for of in ("bench", "whole")]
        trouble = wrong or (said[-300:] if status else "") or ("" if tables[0] == tables[1] else "other results")
        yield Attempt(f"{name}, kill {attempt}", trouble)
        shutil.rmtree(folder / "bench")


# disks


def full_disk(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """No file may be longer than so many bytes: the earlier run stays whole, and one line says why."""
    line = ("train", "iris", *COMMON, "--set", "training.epochs=6", "-o")
    Child(command("train", "iris", *COMMON, "--set", "training.epochs=3", "-o", "old"), folder).wait()
    Child(command(*line, "new"), folder).wait()
    for size in (1, 100, 500, 1000, 2000, 4000, 8000, 12_000, 16_000, 24_000, 40_000, 1 << 20):
        shutil.copytree(folder / "old", folder / "run")
        status, said, wrong = Child(limit(size, command(*line, "run", "--force", often=True)), folder).wait()
        trouble = same_run(folder / "run", folder / ("old" if status else "new"))
        yield Attempt(f"run, {size} bytes", wrong or (status and refusal(status, said)) or trouble)
        shutil.rmtree(folder / "run")
        for name in LOGS:
            status, said, wrong = Child(limit_logs(size, command(*line, "logged", "--log", name)), folder).wait()
            trouble = f"status {status}: {said[-200:]!r}" if status else same_run(folder / "logged", folder / "new")
            n_complaints = said.count("the log cannot be written")
            trouble = trouble or ("" if n_complaints == 1 or size > 2000 else f"{n_complaints} complaints")
            yield Attempt(f"{name}, {size} bytes", wrong or trouble)
            remove(folder / "logged", folder / name)
        status, said, wrong = Child(limit(size, command("predict", "old", "iris", "-o", "answers.csv")), folder).wait()
        left = "a file is left" if status and (folder / "answers.csv").exists() else ""
        yield Attempt(f"predict, {size} bytes", wrong or (status and refusal(status, said)) or left)
        remove(folder / "answers.csv")


def limit(size: int, act: Callable[[], int]) -> Callable[[], int]:
    """The same in a process whose files may not grow beyond a size."""

    def inside() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return act()

    return inside


def limit_logs(size: int, act: Callable[[], int]) -> Callable[[], int]:
    """The same where only logs meet a full disk, after so many bytes."""

    def inside() -> int:
        left, write = [size], Output._write

        def writing(self: Output, data: memoryview) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count = write(self, data[: left[0]])
            left[0] -= count
            return count

        Output._write = writing  # type: ignore[method-assign]
        return act()

    return inside


def refusal(status: int, said: str) -> str:
    """What is wrong with a refusal, which is one line and status 2; "" for nothing."""
    lines = [line for line in said.splitlines() if line.startswith("mlp: ")]
    return "" if status == 2 and len(lines) == 1 else f"status {status}: {said[-200:]!r}"


def remove(*paths: Path) -> None:
    """Remove files and folders, those that are there."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def read_only(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """A folder in which nothing can be written, for a user who is not root: refused before the training."""
    Child(command("train", "iris", *COMMON, "-o", "old"), folder).wait()
    with redirect_stdout(StringIO()):  # what is imported on the way may lie where nobody else may read
        for name in ("evaluate", "predict"):
            cli.main([name, str(folder / "old"), "iris"])
        import_module("mlp.optimizer_bench.compare_optimizers")
        import_module("mlp.cli.bench")
    for path in (folder, folder / "old"):
        path.chmod(0o555)
    lines = ("train iris -o run", "train iris", "train iris -o old --force", "resume old --epochs 500", "bench -o b",
             "predict old iris -o old/answers.csv", "train iris -o /tmp/never --log log.csv")  # fmt: skip
    for line in lines:
        status, said, wrong = Child(as_nobody(command(*line.split())), folder).wait()
        yield Attempt(line, wrong or refusal(status, said))
    for line in ("evaluate old iris", "predict old iris", "diagnose old", "resume old"):
        status, said, wrong = Child(as_nobody(command(*line.split())), folder).wait()
        yield Attempt(line, wrong or ("" if status == 0 else said[-200:]))
    for path in (folder, folder / "old"):
        path.chmod(0o755)


def as_nobody(act: Callable[[], int]) -> Callable[[], int]:
    """The same by a user who owns nothing: root may write everywhere."""

    def inside() -> int:
        if not os.getuid():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        return act()

    return inside


# two at once


def pairs(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """Two commands in one folder: one goes on, the other says who has it; what the first has written is whole."""
    line = ("train", "iris", *COMMON, "--set", "training.epochs=150")
    Child(command(*line, "-o", "whole", often=True), folder).wait()
    prepare_half(folder, line)
    train, resume = command(*line, "-o", "run", "--force"), command("resume", "run")
    for number in range(arguments.rounds):
        for name, first, second, begin in (
            ("two trains", command(*line, "-o", "run"), command(*line, "-o", "run"), ""),
            ("two trains with --force", train, train, "whole"),
            ("two resumes", resume, resume, "half"),
            ("train and resume", train, resume, "half"),
        ):
            if begin:
                shutil.copytree(folder / begin, folder / "run")
            yield Attempt(
                f"{name}, {number}", at_once(folder, first, second) or same_run(folder / "run", folder / "whole")
            )
            remove(folder / "run")
        yield Attempt(f"two without a name, {number}", two_new(folder, command(*line), folder / "whole"))
        for name, act in (("benches", compare("work")), ("searches", search("work"))):
            yield Attempt(f"two {name}, {number}", at_once(folder, act, act))
            remove(folder / "work")
        yield Attempt(f"a lock of a dead process, {number}", after_a_death(folder, command(*line, "-o", "run")))
        remove(folder / "run")


def search(out: str, epochs: int = 60) -> Callable[[], int]:
    """A search over numbers that takes a while."""
    config = {"data": {"source": "iris"}, "training": {"epochs": epochs}, "record": {"baseline": "never"}}
    how: dict[str, Any] = {"over": {"network.hidden": [2, 3, 4]}, "seeds": 2, "folds": 2}
    return lambda: 0 if mlp.grid(config, out=out, **how) else 1


def compare(out: str, epochs: int = 60) -> Callable[[], int]:
    """A bench that takes a while."""
    how: dict[str, Any] = {"seeds": 6, "tuning_seeds": 2, "rates": 3, "epochs": epochs}
    return lambda: 0 if mlp.bench(["sgd", "adam"], ["xor", "rosenbrock"], out=out, **how) else 1


def prepare_half(folder: Path, line: Sequence[str]) -> None:
    """A run that was killed half way."""
    child = Child(command(*line, "-o", "half", often=True), folder)
    while not (folder / "half" / "checkpoint.npz").exists():
        time.sleep(0.001)
    os.kill(child.process, signal.SIGKILL)
    child.wait()


def at_once(folder: Path, first: Callable[[], int], second: Callable[[], int]) -> str:
    """Start both at one moment; what is wrong with how they ended."""
    gate, opening = os.pipe()
    children = [Child(refuse_in_one_line(act), folder, gate) for act in (first, second)]
    os.write(opening, b"..")
    ended = [child.wait() for child in children]
    os.close(gate)
    os.close(opening)
    if wrong := next((wrong for *_, wrong in ended if wrong), ""):
        return wrong
    statuses = [status for status, *_ in ended]
    if sorted(statuses) != [0, 2]:
        return f"statuses {statuses}: {ended[0][1][-200:]!r} {ended[1][1][-200:]!r}"
    winner, said = children[statuses.index(0)].process, ended[statuses.index(2)][1]
    who = f"is in use: process {winner} on {lock.HERE} has held it since "
    return refusal(2, said) or ("" if who in said else f"the other said {said!r}")


def refuse_in_one_line(act: Callable[[], int]) -> Callable[[], int]:
    """An error of a Python call as the command line says it."""

    def inside() -> int:
        try:
            return act()
        except mlp.MLPError as error:
            print(f"mlp: {error}")
            return 2

    return inside


def two_new(folder: Path, act: Callable[[], int], whole: Path) -> str:
    """Two that are not given a folder get two."""
    gate, opening = os.pipe()
    children = [Child(act, folder, gate) for _ in range(2)]
    os.write(opening, b"..")
    ended = [child.wait() for child in children]
    os.close(gate)
    os.close(opening)
    found = sorted(path.name for path in (folder / "runs").iterdir())
    trouble = [wrong or (said[-200:] if status else "") for status, said, wrong in ended]
    trouble += [same_run(folder / "runs" / name, whole) for name in found]
    trouble += [] if found == ["iris-1", "iris-2"] else [f"runs {found}"]
    remove(folder / "runs")
    return next(filter(None, trouble), "")


def after_a_death(folder: Path, act: Callable[[], int]) -> str:
    """A process dies with the lock; the next one takes it over."""

    def die() -> int:
        with lock.holding(folder / "run"):
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    Child(die, folder).wait()
    if not (folder / "run" / lock.NAME).exists():
        return "no lock was left"
    status, said, wrong = Child(act, folder).wait()
    return wrong or (said[-200:] if status else same_run(folder / "run", folder / "whole"))


# clusters and memory


def clusters(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """Kill the scheduler, all workers, or one of two, of a Dask cluster that runs a bench."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        return
    for name, n_killed, expected in (("scheduler", 0, 2), ("workers", 2, 2), ("worker", 1, 0)):
        for number in range(max(1, arguments.rounds // 10)):
            yield Attempt(f"dead {name}, {number}", kill_in_cluster(folder / f"{name}{number}", n_killed, expected))


def kill_in_cluster(folder: Path, n_killed: int, expected: int) -> str:
    """Kill so many workers, or for 0 the scheduler, when some trials are done; what is wrong with how it ended."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address, quiet = f"tcp://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = [sys.executable, "-m"]
    own = ["--no-dashboard"]
    parts = [
        subprocess.Popen(
            [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, *own], **quiet
        )
    ]  # type: ignore[call-overload]
    worker = [*python, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *own]
    parts += [subprocess.Popen(worker, cwd=folder, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    bench = [
        *python,
        "mlp",
        "bench",
        "--cluster",
        address,
        "--problems",
        "digits",
        "--optimizers",
        "sgd,adam",
        "-o",
        "b",
    ]
    try:
        time.sleep(5)
        running = subprocess.Popen(bench, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        journal = folder / "b" / "trials.jsonl"
        while running.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 3):
            time.sleep(0.1)
        for part in parts[1 : 1 + n_killed] if n_killed else parts[:1]:
            part.kill()
        try:
            _, said = running.communicate(timeout=HANG if expected else 10 * HANG)
        except subprocess.TimeoutExpired:
            running.kill()
            return f"it hung: {running.communicate()[1][-200:]!r}"
    finally:
        for part in parts:
            part.kill()
            part.wait()
    whole = all(line.startswith("{") and line.endswith("}") for line in journal.read_text().splitlines())
    said = said[said.find("mlp: ") :] if expected else said
    return ("" if running.returncode == expected and whole else f"status {running.returncode}: {said[-300:]!r}") or (
        refusal(2, said) if expected else ("a traceback" if "Traceback" in said else "")
    )


def memory(folder: Path, arguments: argparse.Namespace) -> Iterator[Attempt]:
    """Checkpoints of every rule, with two bytes in all memory that malloc gives: equal byte for byte."""
    script = Path(__file__).parents[2] / "tests" / "checkpoints_of_every_rule.py"
    found = [
        subprocess.run(
            [sys.executable, script], env=os.environ | {"MALLOC_PERTURB_": byte}, capture_output=True, text=True
        )
        for byte in ("17", "203")
    ]
    for one, other in zip(*(done.stdout.splitlines() for done in found), strict=True):
        yield Attempt(one.split()[0], "" if one == other else "other bytes")


PARTS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Attempt]]] = {
    "kills": kills, "full disk": full_disk, "read-only": read_only, "pairs": pairs, "clusters": clusters,
    "memory": memory,
}  # fmt: skip


def main() -> int:
    """Print a line for each part, and what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--kills", type=int, default=3, help="of each rule, wrapper and log")
    parser.add_argument("--rounds", type=int, default=20, help="of each pair")
    parser.add_argument("--hang", type=float, default=HANG, help="seconds; more where others compute beside")
    arguments, n_failed = parser.parse_args(), 0
    globals()["HANG"] = arguments.hang
    for name in arguments.only.split(","):
        start, failed, count = time.monotonic(), 0, 0
        with TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            for attempt in PARTS[name](Path(folder), arguments):
                count += 1
                if attempt.trouble:
                    failed += 1
                    print(f"  {attempt.what}: {attempt.trouble}", flush=True)
        print(f"{name:12}{count:6} attempts {failed:4} failures {time.monotonic() - start:6.0f} s", flush=True)
        n_failed += failed
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
