"""A database a service in our own server: the owner migrates, the service's own role may only read and write rows."""

import asyncio
from collections.abc import Iterable

from stoa_common.provisioning import provision
from stoa_devkit.environment import Urls
from stoa_devkit.servers import Postgres
from stoa_devkit.services import Spec
from stoa_devkit.state import State


def urls_of(name: str, server: Postgres, state: State) -> Urls:
    """The addresses of a service's database in our own server."""
    service, owner = name, f"{name}_migrate"
    return Urls(
        server.url(service, state.secret(f"postgres-{service}"), name),
        server.url(owner, state.secret(f"postgres-{owner}"), name),
    )


async def make_all(specs: Iterable[Spec], server: Postgres, state: State) -> None:
    """Make the databases and roles that are missing. A second call changes nothing."""
    await asyncio.gather(
        *(
            provision(
                server.address,
                spec.name,
                password=state.secret(f"postgres-{spec.name}"),
                migrate_password=state.secret(f"postgres-{spec.name}_migrate"),
            )
            for spec in specs
        )
    )
