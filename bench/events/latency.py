"""From commit to handled: the time between the return of the writer's commit and of the reader's."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.events.place import Place

START_SECONDS = 4.0
WARM_SECONDS = 10.0
SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Latency:
    rate: float
    committed: int
    handled: int
    p50_ms: float
    p99_ms: float


@contextmanager
def running(role: str, place: Place, ledger: Path, *, rate: float = 0, seconds: float = 0) -> Iterator["Started"]:
    """A role in a process of its own, ended with the block."""
    started = Started(role, place, ledger, rate, seconds)
    try:
        yield started
    finally:
        started.end()


class Started:
    """A process of a role; it can be killed and started again."""

    def __init__(self, role: str, place: Place, ledger: Path, rate: float, seconds: float) -> None:
        told = [role, place.told(), str(ledger), str(rate), str(seconds)]
        self._command = [sys.executable, "-m", "bench.events.roles", *told]
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


async def measure(place: Place, *, rate: float, seconds: float, plain: bool = False, poison: float = 0) -> Latency:
    """Commit at a steady rate, and compare the two ledgers. The first seconds warm up and are left out.

    `poison` is how many records a second come beside it that cannot be handled.
    """
    with tempfile.TemporaryDirectory() as folder:
        written, handled = Path(folder, "written"), Path(folder, "handled")
        roles = ["plain-reader"] if plain else ["relay", "reader"]
        with ExitStack() as stack:
            for role in roles:
                stack.enter_context(running(role, place, handled))
            if poison:
                stack.enter_context(running("poisoner", place, Path("/dev/null"), rate=poison))
            await asyncio.sleep(START_SECONDS)
            name = "plain-writer" if plain else "writer"
            writing = stack.enter_context(running(name, place, written, rate=rate, seconds=seconds + WARM_SECONDS))
            await asyncio.to_thread(writing.process.wait)
            await asyncio.sleep(SETTLE_SECONDS)
        return _compared(times(written), times(handled), rate)


def times(ledger: Path) -> dict[str, float]:
    """Key -> when it was first told."""
    found: dict[str, float] = {}
    for line in ledger.read_text().splitlines() if ledger.exists() else ():
        key, _, at = line.partition(" ")
        found.setdefault(key, float(at))
    return found


def _compared(written: dict[str, float], handled: dict[str, float], rate: float) -> Latency:
    begin = min(written.values()) + WARM_SECONDS
    counted = {key: at for key, at in written.items() if at >= begin}
    waits = sorted(handled[key] - at for key, at in counted.items() if key in handled)
    if not waits:
        raise SystemExit("Nothing was handled: the reader did not run.")
    return Latency(rate, len(counted), len(waits), _share(waits, 0.5), _share(waits, 0.99))


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
