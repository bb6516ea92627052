"""The servers for a run of tests, from packages or from containers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stoa_devkit.servers.in_docker import docker_servers
from stoa_devkit.servers.server import silent
from stoa_devkit.servers.together import Addresses, embedded_servers
from stoa_devkit.settings import Settings
from stoa_devkit.trouble import Trouble


@contextmanager
def servers_for_tests(
    settings: Settings, folder: Path, *, report: Callable[[str], None] = silent
) -> Iterator[Addresses]:
    """PostgreSQL, Valkey and Kafka for the length of the block: STOA_TEST_ENGINE says from where."""
    if settings.test_engine == "docker":
        with docker_servers() as addresses:
            yield addresses
    elif settings.test_engine == "embedded":
        with embedded_servers(folder, cache=settings.cache, report=report) as addresses:
            yield addresses
    else:
        raise Trouble(f"STOA_TEST_ENGINE is {settings.test_engine!r}, and must be `embedded` or `docker`.")
