"""What an access token costs: `python -m bench.tokens [--json]`.

Measured as the gateway and every service do it, with revocations known: the first time that a token is seen, and again.
Beside it stands the signature alone, because a busy or slow machine slows both alike.
"""

import argparse
import asyncio
import json
import statistics
import time
import warnings
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stoa_common import clock, revocations
from stoa_common.ids import new_id
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import TokenVerifier
from stoa_common.testing.identities import ISSUER, Identities

TOKENS = 2000
WARM = 200
REVOKED = 10_000
LIMITS = {"first": 150.0, "again": 50.0}


class InMemory:
    """A log of revocations that is at hand, as Redis is for all but a few requests in a second."""

    def __init__(self, entries: int) -> None:
        soon = clock.now().timestamp() + 900
        self._all = [Revocation(n, revocations.of_session(new_id()), soon, soon) for n in range(1, entries + 1)]

    async def read(self, *, after: int) -> Extract:
        return Extract(len(self._all), self._all[after:])


async def measure() -> dict[str, float]:
    """Medians in microseconds."""
    identities = Identities()
    log = InMemory(REVOKED)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=Revocations(log, log))
    tokens = [identities.token(identities.principal("admin")) for _ in range(TOKENS + WARM)]
    for token in tokens[:WARM]:
        await verifier.verify(token)
    first = [await _timed(verifier, token) for token in tokens[WARM:]]
    again = [await _timed(verifier, token) for token in tokens[WARM:]]
    return {"signature alone": _signature(), "first": _microseconds(first), "again": _microseconds(again)}


async def _timed(verifier: TokenVerifier, token: str) -> float:
    began = time.perf_counter()
    await verifier.verify(token)
    return time.perf_counter() - began


def _signature() -> float:
    key, message = Ed25519PrivateKey.generate(), bytes(1200)
    public, signature = key.public_key(), key.sign(message)
    return _microseconds([_took(lambda: public.verify(signature, message)) for _ in range(TOKENS)])


def _took(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _microseconds(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description="Measure what an access token costs.")
    parser.add_argument("--json", action="store_true", help="One JSON object, for programs.")
    as_json = parser.parse_args().json
    warnings.simplefilter("ignore")
    found = asyncio.run(measure())
    if as_json:
        print(json.dumps({"median_microseconds": found, "limits": LIMITS}))
        return
    print(f"Median of {TOKENS} tokens, with {REVOKED} revocations known, in microseconds")
    for name, value in found.items():
        limit = f"  (limit {LIMITS[name]:.0f})" if name in LIMITS else ""
        print(f"  {name:<16}{value:>8.1f}{limit}")


if __name__ == "__main__":
    main()
