"""Commands that are killed, or refused by the disk, at any file-system call that writes.

    with Workshop() as workshop:
        calm = workshop.call(command, folder)                      # calm.points: what it writes, call by call
        end = workshop.call(command, folder, Fault(at=7))          # killed just before the seventh
        end = workshop.call(command, folder, Fault(7, ENOSPC))     # the disk is full from the seventh on
    end = workshop.call(command, folder, Limit(64_000))        # the kernel lets no file grow beyond

A process that has imported everything once forks a child for every call, so that a call costs what the
command itself does: what one child imports, the process imports for those after it, and what a library reads
once per process (a table of models, a detector of languages) it has read. It is forked while it has a single
thread. Python tells an audit hook of the child of
every open, rename, removal and so on before it happens; what native code writes lies between two such points.
A limit holds for native code, too: the kernel refuses what goes beyond.

All that a command writes by default (home, caches, temporary files) goes into the folder it is given.
"""

import atexit
import errno
import functools
import gc
import importlib
import importlib.metadata
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    "inoc_evals.cli",
    "inoc_evals.tasks",
    "inoc_evals.experiment.plan",
    "inoc_evals.experiment.run_trial",
    "inoc_evals.finetune.local",
    "inoc_evals.models.engine",
    "inoc_evals.models.provider",
    "inoc_evals.analysis.table",
    "inoc_evals.report.report",
    "inoc_evals.report.sections",
    "inoc_evals.analysis.audit",
    "inoc_evals.analysis.figures",
    "pyarrow.parquet",
    "seaborn",
    "inspect_ai.scorer",
    "inspect_ai.log",
    "tests.crashes.commands",
)

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

CHANGES = {
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "os.link": (0, 1),
    "os.symlink": (1,),
}
"""Audit events besides `open`, and which of their arguments are paths that change."""

TAKES_ROOM = ("open", "os.mkdir", "os.link", "os.symlink")
"""What a full disk refuses; it still renames and removes."""

PRIVATE = ("home", "tmp")
"""Folders of a command's own in the folder that it is given."""

Command = Callable[[Path], None]


@dataclass(frozen=True)
class Fault:
    """What happens to a command.

    Attributes:
        at: The point at which it happens, from 1.
        error: The process is killed; or this `errno` is what this and every later point fail with.
    """

    at: int
    error: int | None = None


@dataclass(frozen=True)
class Limit:
    """What the kernel refuses to a command.

    Attributes:
        size: Bytes beyond which no file may grow, whoever writes it.
    """

    size: int


@dataclass(frozen=True)
class End:
    """How a call ended.

    Attributes:
        status: The exit status; minus the signal's number if it was killed.
        points: Event and path of every point that it came to.
        out: What it printed.
        err: What it printed on standard error.
    """

    status: int
    points: list[str]
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self.status == -signal.SIGKILL


class Workshop:
    """The process that children are forked from."""

    def __enter__(self) -> "Workshop":
        # Read by libraries when they are imported; more threads would not survive a fork.
        settings = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "agg"}
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        return self

    def __exit__(self, *_: object) -> None:
        self._line.send(None)
        self._process.join(20)

    def call(self, command: Command, folder: Path, fault: Fault | Limit | None = None) -> End:
        """Run a command in a child of its own, in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as said:
            self._line.send((command, folder, fault, Path(said)))
            status = self._line.recv()
            out, err, points = (
                (Path(said) / name).read_text("utf-8", "replace") for name in ("out", "err", "points")
            )
            return End(status, points.splitlines(), out, err)


def _serve(line: Connection) -> None:
    # Inspect asks for every task anew which of all installed packages it is of, which takes a second.
    importlib.metadata.packages_distributions = functools.cache(importlib.metadata.packages_distributions)
    _import(IMPORTED)
    _read_once()
    while (request := line.recv()) is not None:
        assert threading.active_count() == 1, threading.enumerate()
        gc.freeze()  # what was imported is never looked at again, so its memory stays shared
        child = os.fork()
        if child == 0:
            _run(*request)
        _, status = os.waitpid(child, 0)
        imported = request[-1] / "imported"
        if imported.exists():
            with suppress(Exception):  # what cannot be imported by itself, the next child imports again
                _import(imported.read_text().split())
        line.send(os.waitstatus_to_exitcode(status))


def _import(names: Iterable[str]) -> None:
    for name in names:
        importlib.import_module(name)


def _read_once() -> None:
    """Let libraries read what they keep for as long as the process lives; none of it is written anywhere."""
    from inspect_ai.model import get_model_info

    from inoc_evals.scorers.language import detect_language

    get_model_info("openai/gpt-4.1")
    detect_language("The answer to that is something I would rather not say.", ("spanish",))


def _run(command: Command, folder: Path, fault: Fault | Limit | None, said: Path) -> NoReturn:
    """Call a command as `python -m inoc_evals` would, exit handlers and all."""
    status, known = 1, set(sys.modules)
    try:
        _begin(folder, fault, said)
        command(folder)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            (said / "imported").write_text("\n".join(name for name in sys.modules if name not in known))
        os._exit(status)  # to tear down all that was imported would take seconds


def _begin(folder: Path, fault: Fault | Limit | None, said: Path) -> None:
    for number, name in enumerate(("out", "err"), start=1):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT), number)
    points = os.open(said / "points", os.O_WRONLY | os.O_CREAT)
    for name in PRIVATE:
        (folder / name).mkdir(exist_ok=True)
    home = str(folder / "home")
    os.environ.update(HOME=home, TMPDIR=str(folder / "tmp"), XDG_CACHE_HOME=f"{home}/cache")
    os.environ.update(XDG_DATA_HOME=f"{home}/data", XDG_CONFIG_HOME=f"{home}/config")
    tempfile.tempdir = None
    os.chdir(folder)
    if isinstance(fault, Limit):  # Python ignores the signal that comes with it, and gets an error instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.size, resource.RLIM_INFINITY))
    else:
        sys.addaudithook(_Hook(folder.resolve(), fault, points))


class _Hook:
    """Counts the points of a process, and strikes at one."""

    def __init__(self, folder: Path, fault: Fault | None, points: int) -> None:
        self._folder, self._fault, self._points = f"{folder}/", fault, points
        self._count, self._lock = 0, threading.Lock()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        paths = self._changed(event, args)
        if not any(path.startswith(self._folder) for path in paths):
            return
        with self._lock:
            self._count += 1
            shown = " ".join(path.removeprefix(self._folder) for path in paths)
            os.write(self._points, f"{event} {shown}\n".encode("utf-8", "backslashreplace"))
            if self._fault is None or self._count < self._fault.at:
                return
            if self._fault.error is None:
                os.kill(os.getpid(), signal.SIGKILL)
        error = self._fault.error
        if event == "os.mkdir" and Path(paths[0]).is_dir():
            return  # the kernel says that it exists, whatever else it would refuse
        if event in TAKES_ROOM or error not in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(error, os.strerror(error or 0), *paths[:1])

    def _changed(self, event: str, args: tuple[Any, ...]) -> list[str]:
        if event == "open":
            path, _, flags = args
            writes = isinstance(flags, int) and flags & WRITING and not isinstance(path, int)
            return [_full(path, -1)] if writes else []
        where = CHANGES.get(event)
        if where is None:
            return []
        at = args[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
        return [_full(args[n], at) for n in where if not isinstance(args[n], int)]


def _full(path: Any, at: Any) -> str:
    """The path of an event, whole; one that is relative to an open folder, too."""
    text = os.fsdecode(path)
    if isinstance(at, int) and at >= 0 and not text.startswith("/"):
        text = f"{Path(f'/proc/self/fd/{at}').readlink()}/{text}"
    return os.path.abspath(text)  # noqa: PTH100 - of a path that may not exist, without resolving links
