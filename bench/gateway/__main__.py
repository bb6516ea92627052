"""`python -m bench.gateway [--json] [--only ROW ...] [--runs N] [--soak SECONDS]`: the gateway's figures.

Medians of five runs on servers of its own; what is compared takes turns within one run. Needs wrk and nginx. Ends with
1 where a floor was missed, or what was measured did not answer as it should.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from typing import Any

import uvloop
from rich.console import Console

from bench.gateway import courses, cpu, crowd, models, place, soak
from bench.gateway.figures import Figure, notes, table
from stoa_common.testing.servers import Servers

Measure = Callable[..., Awaitable[list[Figure]]]
ROWS: dict[str, Measure] = {
    "cpu": cpu.measure,
    "models": models.measure,
    "courses": courses.measure,
    "streams": crowd.measure,
}
LEAST_SOAK_SECONDS = 10


async def measure(servers: Servers, wanted: argparse.Namespace) -> list[Figure]:
    """The rows that were asked for; a soak takes long, and is asked for alone."""
    if wanted.soak:
        return await soak.measure(servers, seconds=wanted.soak)
    return [figure for row in wanted.only or ROWS for figure in await ROWS[row](servers, runs=wanted.runs)]


def main() -> None:
    wanted = _arguments()
    before, began = os.getloadavg(), time.monotonic()
    # What is said meanwhile is no part of the answer.
    with redirect_stdout(sys.stderr), place.servers() as servers:
        found = uvloop.run(measure(servers, wanted))
    machine: dict[str, Any] = {"cores": os.cpu_count(), "load_before": before[0], "load_after": os.getloadavg()[0]}
    machine["seconds"] = round(time.monotonic() - began)
    if wanted.json:
        print(json.dumps({"machine": machine, "figures": [figure.as_json() for figure in found]}))
    else:
        Console().print(table(found, title=_title(machine)))
        print("\n".join(notes(found)))
    raise SystemExit(0 if all(figure.holds for figure in found) else 1)


def _title(machine: dict[str, Any]) -> str:
    load = f"load {machine['load_before']:.1f} before, {machine['load_after']:.1f} after"
    return f"{machine['cores']} cores; {load}; {machine['seconds']} s"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken (5)")
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="instead of the rows: a steady rate for so long")
    wanted = parser.parse_args()
    if wanted.runs < 1 or (wanted.soak is not None and wanted.soak < LEAST_SOAK_SECONDS):
        parser.error(f"--runs takes 1 or more, --soak {LEAST_SOAK_SECONDS} or more")
    if needed := place.missing():
        parser.error(needed)
    return wanted


if __name__ == "__main__":
    main()
