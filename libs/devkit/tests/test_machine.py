"""What in a machine is in the way of a start."""

import socket

import pytest

from stoa_devkit import machine
from stoa_devkit.ports import free_port
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble


def test_a_full_disk_is_refused_before_anything_is_written(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FREE_BYTES_FIRST", 2**60)

    with pytest.raises(Trouble, match=r"The disk is full: .* MB are free"):
        machine.refuse_full_disk(state)

    assert not state.folder.exists()


def test_data_whose_password_is_lost_are_not_touched(state: State) -> None:
    (state.data / "postgres").mkdir(parents=True)

    with pytest.raises(Trouble, match=r"secrets.json is missing"):
        machine.refuse_lost_secrets(state)


def test_a_taken_port_is_told_with_the_program_that_has_it() -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port := free_port()))
        stranger.listen()

        with pytest.raises(Trouble, match=rf"Port {port} is taken by .*python"):
            machine.refuse_taken_port(port)


def test_a_free_port_is_fine() -> None:
    machine.refuse_taken_port(free_port())
