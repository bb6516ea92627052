"""The state folder."""

import socket
import stat

from stoa_devkit.state import State


def test_a_port_is_kept(state: State) -> None:
    chosen = state.port("postgres")

    assert State(state.folder).port("postgres") == chosen


def test_a_port_that_somebody_took_is_replaced_and_the_new_one_kept(state: State) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", state.port("kafka")))
        stranger.listen()
        replaced = state.free_port("kafka")

    assert replaced != stranger
    assert state.port("kafka") == replaced


def test_no_two_parts_get_one_port(state: State) -> None:
    chosen = [state.port(str(number)) for number in range(40)]

    assert len(set(chosen)) == 40


def test_a_secret_is_random_kept_and_its_owners_alone(state: State) -> None:
    secret = state.secret("postgres")

    assert len(secret) >= 32
    assert state.secret("postgres") == secret
    assert state.secret("valkey") != secret
    assert stat.S_IMODE((state.folder / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700


def test_a_forgotten_secret_is_kept_nowhere(state: State) -> None:
    secret = state.secret("operator-password")

    state.forget_secret("operator-password")

    assert state.find_secret("operator-password") is None
    assert not any(secret in file.read_text() for file in state.folder.iterdir())
