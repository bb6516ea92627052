"""Processes are known by more than their pid."""

import subprocess
import sys
from pathlib import Path

import psutil

from stoa_devkit import running
from stoa_devkit.running import Running

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)",
]


def test_a_reused_pid_is_never_killed() -> None:
    stranger = subprocess.Popen(SLEEP)
    remembered = Running(stranger.pid, psutil.Process(stranger.pid).create_time() - 60)

    remembered.stop(seconds=1)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_reused_pid_is_not_adopted() -> None:
    here = psutil.Process()

    assert running.adopt(here.pid, started=here.create_time() - 60) is None
    assert running.adopt(here.pid, started=here.create_time()) is not None


def test_an_adopted_process_can_be_stopped(tmp_path: Path) -> None:
    started = running.start(SLEEP, log=tmp_path / "log")

    adopted = running.adopt(started.pid, started=started.started)

    assert adopted is not None
    adopted.stop(seconds=5)
    assert not started.alive()


def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    deaf = running.start(STUBBORN, log=tmp_path / "log")
    while "deaf" not in (tmp_path / "log").read_text():
        assert deaf.alive()

    deaf.stop(seconds=0.2)

    assert not deaf.alive()


def test_the_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    parent = running.start(PARENT, log=tmp_path / "log")
    while not (tmp_path / "log").read_text().strip():
        assert parent.alive()
    child = psutil.Process(int((tmp_path / "log").read_text()))

    parent.stop(seconds=5)

    assert child.wait(5) is None or not child.is_running()


def test_the_output_of_a_process_is_in_its_log(tmp_path: Path) -> None:
    started = running.start([sys.executable, "-c", "print('hello')"], log=tmp_path / "deep" / "log")

    started.wait(seconds=10)

    assert (tmp_path / "deep" / "log").read_text() == "hello\n"
    assert started.exit_code == 0
