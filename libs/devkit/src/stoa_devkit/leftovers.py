"""What a supervisor that was killed left running."""

import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil

from stoa_devkit.running import Running

MARK = "STOA_SUPERVISED_IN"
"""The variable that each process of the platform carries: the state folder that it belongs to."""

# These write over their own environment to tell `ps` what they do, but their arguments name the data folder. The signal
# is the one for a stop that does not wait for clients.
SERVERS = {"postgres": signal.SIGINT, "valkey-server": signal.SIGTERM, "java": signal.SIGTERM}


def end(folder: Path, *, besides: Collection[int] = (), seconds: float = 20.0) -> list[int]:
    """End what was started for the state folder, also what nobody wrote down; the pids that were ended.

    The services first, then the servers that they use.
    """
    left = [process for process in _ours(folder) if process.pid not in {*besides, os.getpid()}]
    servers = [process for process in left if process.info["name"] in SERVERS]
    for group in ([process for process in left if process not in servers], servers):
        _end_together(group, seconds=seconds)
    return [process.pid for process in left]


def find(folder: Path) -> list[str]:
    """What runs for the state folder, in words."""
    return [f"{process.info['name']} (pid {process.pid})" for process in _ours(folder)]


def end_group(leader: int, folder: Path) -> None:
    """Kill what a dead leader of a process group left in it."""
    for process in _ours(folder):
        try:
            if os.getpgid(process.pid) == leader:
                process.kill()
        except (ProcessLookupError, psutil.Error):
            continue


def _end_together(processes: list[psutil.Process], *, seconds: float) -> None:
    group = [
        (SERVERS.get(each.info["name"], signal.SIGTERM), Running(each.pid, each.create_time())) for each in processes
    ]
    for number, each in group:
        each.send(number)
    for number, each in group:
        each.stop(by=number, seconds=seconds)


def _ours(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        try:
            if _belongs(process, folder):
                yield process
        except psutil.Error:
            continue


def _belongs(process: psutil.Process, folder: Path) -> bool:
    if process.info["name"] in SERVERS:
        return any(f"{folder}/data/" in argument for argument in process.cmdline())
    return process.environ().get(MARK) == str(folder)
