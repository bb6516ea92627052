"""`stoa with-servers`: a command beside servers of its own."""

import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from stoa_devkit import settings
from stoa_devkit.servers.testing import servers_for_tests


def with_servers(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after `--`.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where data and logs go; a temporary folder if not given.")
    ] = None,
) -> None:
    """Run a command beside test servers.

    PostgreSQL, Valkey and Kafka of its own, thrown away afterwards. Their addresses come in STOA_TEST_POSTGRES_URL,
    STOA_TEST_REDIS_URL and STOA_TEST_KAFKA_BOOTSTRAP_SERVERS.
    """
    found = settings.read()
    with (
        tempfile.TemporaryDirectory(prefix="stoa-") as temporary,
        servers_for_tests(found, folder or Path(temporary)) as told,
    ):
        code = subprocess.run(command, check=False, env={**found.variables, **told}).returncode  # noqa: S603
    raise typer.Exit(code)
