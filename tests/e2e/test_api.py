"""The API that the platform shows keeps what was released to clients."""

from conftest import Platform


def test_no_client_of_a_released_api_breaks(platform: Platform) -> None:
    said = platform.stoa("api", "check", "--gateway", platform.gateway)

    assert said.returncode == 0, said.stdout + said.stderr
