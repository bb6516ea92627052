"""Our services, as the supervisor runs them: one process each, with all its roles."""

import http.client
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stoa_devkit import running
from stoa_devkit.ports import HOST
from stoa_devkit.running import Running


@dataclass(frozen=True)
class Spec:
    """One row of the table."""

    name: str
    roles: tuple[str, ...] = ("api", "consumer", "relay", "worker")
    has_database: bool = True
    program: tuple[str, ...] = ()
    """What is run before the roles; `stoa-<name>` if not given."""

    def command(self, *roles: str) -> list[str]:
        """The command that runs these roles."""
        program = self.program or (str(Path(sys.prefix) / "bin" / f"stoa-{self.name}"),)
        return [*program, *roles]


SERVICES: tuple[Spec, ...] = (
    Spec("auth"),
    Spec("content"),
    Spec("ai"),
    Spec("analytics"),
    Spec("feed"),
    Spec("gateway", roles=("api", "consumer"), has_database=False),
)


@dataclass
class Service:
    """A service's process: its command, its variables, its port, its log."""

    spec: Spec
    port: int
    log: Path
    variables: Mapping[str, str]
    migrate_variables: Mapping[str, str] = field(default_factory=dict)
    """What only `migrate` may know: the owner's address of the database."""
    running: Running | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.spec.name

    @property
    def address(self) -> str:
        """The URL of its HTTP side."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        """The command that runs all its roles."""
        return self.spec.command(*self.spec.roles)

    def start(self) -> Running:
        """Start it, without waiting."""
        self.running = running.start(self.command(), log=self.log, env=self.variables)
        return self.running

    def ready(self) -> bool:
        """Whether `/readyz` says that it and what it depends on are ready."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=3.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Ask it to finish what it does and end."""
        if self.running is not None:
            self.running.stop(seconds=20.0)
            self.running = None
