"""`python -m stoa_gateway.proxy`: the routing table, as the services and the settings file make it now.

It asks the services and not the gateway, so that a settings file can be looked at before a gateway runs with it.
`stoa gateway routes` runs it; in compose, `docker compose exec gateway python -m stoa_gateway.proxy`.
"""

import argparse
import asyncio
import json
import sys

import aiohttp

from stoa_gateway.proxy import listing
from stoa_gateway.routing import domain
from stoa_gateway.routing.domain import Route, Upstream
from stoa_gateway.routing.policies import Policies
from stoa_gateway.routing.provider import DocumentIsMissing, fetch_document
from stoa_gateway.settings import Settings


def main() -> None:
    wanted = _arguments()
    settings = Settings.load()
    assert isinstance(settings, Settings)
    policies = settings.read_policies()
    found = asyncio.run(_routes(settings.upstreams(), policies))
    rows = listing.rows((route for route in found if wanted.path in route.path), usual=policies.default)
    if wanted.json:
        json.dump(rows, sys.stdout)
        return
    sys.stdout.write(f"{listing.text(rows)}\n\nLimits\n{listing.limits_text(policies.limits)}\n")


def _arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m stoa_gateway.proxy", description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", default="", help="only routes whose path contains this")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser.parse_args()


async def _routes(upstreams: list[Upstream], policies: Policies) -> list[Route]:
    async with aiohttp.ClientSession() as session:
        parts = await asyncio.gather(*(_routes_of(session, upstream, policies) for upstream in upstreams))
    return [route for part in parts for route in part]


async def _routes_of(session: aiohttp.ClientSession, upstream: Upstream, policies: Policies) -> list[Route]:
    if upstream.is_opaque:
        return domain.opaque_routes(upstream, policies.of) if upstream.url else []
    try:
        return domain.routes(upstream, await fetch_document(session, upstream.url), policies.of)
    except DocumentIsMissing as missing:
        sys.stderr.write(f"The routes of {upstream.name} are left out: {missing}\n")
        return []


if __name__ == "__main__":
    main()
