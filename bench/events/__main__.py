"""`python -m bench.events [--json] [--runs N] [--seconds S] [--kills N]`: medians of runs on servers of its own."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.events import drain, kills, latency, place

RATES = (200.0, 500.0)
DRAINED = 40_000
POISONED_RATE, POISON = 200.0, 10.0
Figures = dict[str, Any]


async def measure(told: dict[str, str], *, runs: int, seconds: float, killed: int) -> Figures:
    """Every figure, as a median of the runs; what is lost under kills, of one run each."""
    names = (f"run{number}" for number in range(10_000))
    drained = [await drain.measure(await place.fresh(told, next(names)), events=DRAINED) for _ in range(runs)]
    found: Figures = {
        "drain": {
            "events_per_second": median(one.events_per_second for one in drained),
            "statements_per_event": median(one.statements_per_event for one in drained),
        },
        "latency": [await _latencies(told, names, rate, runs, seconds) for rate in RATES],
    }
    found["poison"] = await _poison(told, names, runs, seconds)
    for name, plain in (("kills", False), ("kills_plain", True)):
        found[name] = asdict(await kills.measure(await place.fresh(told, next(names)), kills=killed, plain=plain))
    return found


async def _latencies(told: dict[str, str], names: Iterator[str], rate: float, runs: int, seconds: float) -> Figures:
    pairs = []
    for _ in range(runs):
        # Side by side in time: whatever else the machine does, both feel it.
        pair = [
            await latency.measure(await place.fresh(told, next(names)), rate=rate, seconds=seconds, plain=plain)
            for plain in (False, True)
        ]
        pairs.append(pair)
    ours, plain = ([pair[side] for pair in pairs] for side in (0, 1))
    return {"rate": rate, "stoa": _medians(ours), "plain": _medians(plain)}


async def _poison(told: dict[str, str], names: Iterator[str], runs: int, seconds: float) -> Figures:
    """The p99 of good events, while others cannot be handled, and while none is bad; their ratio, run by run."""
    pairs = []
    for _ in range(runs):
        pair = [
            await latency.measure(
                await place.fresh(told, next(names)), rate=POISONED_RATE, seconds=seconds, poison=rate
            )
            for rate in (0, POISON)
        ]
        pairs.append(pair)
    clean, poisoned = ([pair[side] for pair in pairs] for side in (0, 1))
    ratio = median(after.p99_ms / before.p99_ms for before, after in pairs)
    return {"clean": _medians(clean), "poisoned": _medians(poisoned), "p99_ratio": ratio}


def _medians(measured: list[latency.Latency]) -> Figures:
    return {
        "p50_ms": median(one.p50_ms for one in measured),
        "p99_ms": median(one.p99_ms for one in measured),
        "not_handled": median(one.committed - one.handled for one in measured),
    }


def table(found: Figures) -> Table:
    shown = Table("measured", "outbox, relay, inbox", "published in the request, no outbox")
    drained = found["drain"]
    shown.add_row("drain of a full outbox, 1 KB events", f"{drained['events_per_second']:,.0f}/s", "has none")
    shown.add_row("SQL statements per published event", f"{drained['statements_per_event']:.4f}", "0")
    for one in found["latency"]:
        for share in ("p50", "p99"):
            cells = [f"{one[side][f'{share}_ms']:,.1f} ms" for side in ("stoa", "plain")]
            shown.add_row(f"commit to handled at {one['rate']:.0f}/s, {share}", *cells)
    poison = found["poison"]
    told = f"{poison['poisoned']['p99_ms']:,.1f} ms, {poison['p99_ratio']:.2f} times that without"
    shown.add_row(
        f"good events' p99 at {POISONED_RATE:.0f}/s beside {POISON:.0f} bad ones a second", told, "not measured"
    )
    for name in ("committed", "lost", "doubled"):
        cells = [f"{found[side][name]:,}" for side in ("kills", "kills_plain")]
        shown.add_row(f"{found['kills']['kills']} kills -9 at {kills.RATE:.0f}/s: {name}", *cells)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.events", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--runs", type=int, default=5, help="runs of which the median is taken (5)")
    parser.add_argument("--seconds", type=float, default=8, help="of each latency run, after ten that warm up (8)")
    parser.add_argument("--kills", type=int, default=20, help="kills -9 of each variant (20)")
    wanted = parser.parse_args()
    with place.servers() as told:
        found = asyncio.run(measure(told, runs=wanted.runs, seconds=wanted.seconds, killed=wanted.kills))
    if wanted.json:
        print(json.dumps(found))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
