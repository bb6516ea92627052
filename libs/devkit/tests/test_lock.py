"""One supervisor a checkout."""

import fcntl
import os

import psutil
import pytest

from stoa_devkit import lock
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble


def test_a_second_supervisor_is_told_about_the_first(state: State) -> None:
    state.write(lock.SUPERVISOR, {"pid": os.getpid(), "started": psutil.Process().create_time()})

    with lock.held(state), pytest.raises(Trouble, match=rf"already runs here \(pid {os.getpid()}\)"), lock.held(state):
        pass


def test_the_lock_of_a_dead_supervisor_is_free(state: State) -> None:
    state.make()
    state.lock.write_text("4711")

    with lock.held(state):
        assert lock.is_held(state)

    assert not lock.is_held(state)


def test_a_lock_that_outlives_its_supervisor_is_called_stale(state: State) -> None:
    state.write(lock.SUPERVISOR, {"pid": os.getpid(), "started": psutil.Process().create_time() - 60})
    with state.lock.open("a") as inherited:
        fcntl.flock(inherited, fcntl.LOCK_EX)

        with pytest.raises(Trouble, match=rf"is stale: .*\(pid {os.getpid()}\)"), lock.held(state):
            pass
