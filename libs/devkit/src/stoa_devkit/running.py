"""Operating-system processes that outlive the supervisor, known by pid and start time."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CLOCK_TOLERANCE_SECONDS = 2.0
"""A start time is counted from the boot, whose own time moves a little when the clock is set."""


@dataclass
class Running:
    """A process of ours. A pid that meanwhile belongs to somebody else counts as ended and is never signaled."""

    pid: int
    started: float
    _child: "subprocess.Popen[bytes] | None" = field(default=None, repr=False, compare=False)

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        if self._child is not None:
            return self._child.poll() is None
        return _is_same(self.pid, self.started)

    def send(self, number: signal.Signals) -> None:
        """Signal the process and whatever it started, if it still runs."""
        if not self.alive():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def wait(self, *, seconds: float) -> bool:
        """Wait for its end; whether it ended in time."""
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
            return not self.alive()
        # Not psutil's wait: it counts a zombie as running, and init does not reap everywhere.
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.alive()

    def stop(self, *, by: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """Ask it to end, and end it when it has not after so many seconds."""
        self.send(by)
        if not self.wait(seconds=seconds):
            self.send(signal.SIGKILL)
            self.wait(seconds=5.0)

    @property
    def exit_code(self) -> int | None:
        """How it ended: None while it runs, and for a process that another supervisor started."""
        return self._child.poll() if self._child is not None else None


def start(
    command: list[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: int | None = None,
) -> Running:
    """Start a command in a session of its own, so that Ctrl-C reaches the supervisor alone; its output goes to the log.

    The output is a file and not a pipe: a pipe would break when the supervisor dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own table of commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=folder,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    return Running(child.pid, _started(child.pid), child)


def adopt(pid: int, *, started: float) -> Running | None:
    """The process that an earlier supervisor started, or None where it has ended or its pid is somebody else's."""
    return Running(pid, started) if _is_same(pid, started) else None


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def _is_same(pid: int, started: float) -> bool:
    try:
        found = psutil.Process(pid)
        return abs(found.create_time() - started) < CLOCK_TOLERANCE_SECONDS and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
