"""The supervisor: brings the platform up in the order of what needs what, keeps it up, and stops it in order."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import psutil

from stoa_devkit import databases, migrations, tail, topics
from stoa_devkit.board import READY, Board
from stoa_devkit.keeper import Condition, Keeper, Part
from stoa_devkit.lock import SUPERVISOR
from stoa_devkit.platform import Platform
from stoa_devkit.servers import Server
from stoa_devkit.services import Service
from stoa_devkit.trouble import Trouble

MIGRATIONS_AT_ONCE = 2


class Supervisor:
    """Runs one platform. The caller holds the checkout's lock."""

    def __init__(self, platform: Platform, board: Board, *, on_ready: Callable[[float], None]) -> None:
        self._platform = platform
        self._state = platform.state
        self._board = board
        self._on_ready = on_ready
        self._began = time.monotonic()
        self._stopping = asyncio.Event()
        self._migrating = asyncio.Semaphore(MIGRATIONS_AT_ONCE)
        self._kept = {part.name: Keeper(part, self._state, told=self._hear) for part in self._parts()}
        self._databases_made = asyncio.Event()
        self._topics_made = asyncio.Event()
        self._is_up = False

    async def run(self) -> None:
        """Bring everything up, keep it until a signal or `stop`, and stop it. Raises Trouble where it can't start."""
        self._listen()
        self._publish()
        try:
            await self._until_stopped(self._all_tasks())
        finally:
            await asyncio.to_thread(self._stop_in_order)

    def stop(self) -> None:
        """Stop in order; the second time, at once."""
        if self._stopping.is_set():
            for part in self._parts():
                if part.running is not None:
                    part.running.send(signal.SIGKILL)
        self._stopping.set()

    def _listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)

    def _parts(self) -> list[Part]:
        return [*self._platform.servers, *self._platform.services]

    def _all_tasks(self) -> list[Awaitable[None]]:
        return [
            *(self._run_server(server) for server in self._platform.servers),
            *(self._run_service(service) for service in self._platform.services),
            self._make_databases(),
            self._make_topics(),
            self._announce(),
            self._tend_logs(),
        ]

    async def _until_stopped(self, work: Iterable[Awaitable[None]]) -> None:
        tasks = [asyncio.ensure_future(each) for each in work]
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            pending = {*tasks, stopped}
            while not stopped.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)

    async def _run_server(self, server: Server) -> None:
        if server.running is None:
            self._board.tell(server.name, "preparing")
            await asyncio.to_thread(server.prepare, lambda step: self._report(server.name, step))
        await self._kept[server.name].keep()

    async def _run_service(self, service: Service) -> None:
        self._board.tell(service.name, "waiting for the servers")
        if service.spec.has_database:
            await self._databases_made.wait()
            await self._migrate(service)
        if self._platform.valkey is not None:
            await self._kept["valkey"].ready.wait()
        await self._topics_made.wait()
        await self._kept[service.name].keep()

    async def _make_databases(self) -> None:
        server = self._platform.postgres
        if server is not None:
            await self._kept[server.name].ready.wait()
            await databases.make_all(self._platform.own_databases(), server, self._state)
        self._databases_made.set()

    async def _migrate(self, service: Service) -> None:
        if await migrations.is_due(service, self._state):
            async with self._migrating:
                self._board.tell(service.name, "migrating its database")
                await migrations.migrate(service, self._state)

    async def _make_topics(self) -> None:
        kafka, prefix = self._platform.kafka, self._platform.settings.topic_prefix
        if kafka is not None:
            await self._kept[kafka.name].ready.wait()
        await topics.make_all(self._platform.bootstrap_servers, prefix=prefix, on_laptop=kafka is not None)
        self._topics_made.set()

    async def _announce(self) -> None:
        await asyncio.gather(*(keeper.ready.wait() for keeper in self._kept.values()))
        self._is_up = True
        self._publish()
        self._on_ready(time.monotonic() - self._began)

    async def _tend_logs(self) -> None:
        while True:
            await asyncio.sleep(30)
            for part in self._parts():
                tail.keep_small(part.log)

    def _report(self, part: str, step: str) -> None:
        # Ends a long download when the person at the terminal has pressed Ctrl-C meanwhile.
        if self._stopping.is_set():
            raise Trouble("Stopped while it started.")
        self._board.tell(part, step)

    def _hear(self, keeper: Keeper) -> None:
        step = READY if keeper.condition is Condition.READY else str(keeper.condition)
        if keeper.condition is Condition.RESTARTING:
            step = f"ended; starting it again (restart {keeper.restarts})"
        self._board.tell(keeper.part.name, step)
        self._publish()

    def _publish(self) -> None:
        told = {
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "ready": self._is_up,
            "gateway": self._platform.gateway,
            "kafka": self._platform.bootstrap_servers,
            "topic_prefix": self._platform.settings.topic_prefix,
            "parts": [dict(keeper.facts()) for keeper in self._kept.values()],
        }
        self._state.write(SUPERVISOR, told)

    def _stop_in_order(self) -> None:
        """The gateway first, so that nobody comes in; then the services; then what they stand on."""
        services = {service.name: service for service in self._platform.services}
        gateway = [service for name, service in services.items() if name == "gateway"]
        others = [service for name, service in services.items() if name != "gateway"]
        for group in (gateway, others, self._platform.servers):
            self._stop_together(group)
        with contextlib.suppress(FileNotFoundError):
            (self._state.folder / SUPERVISOR).unlink()

    def _stop_together(self, parts: Iterable[Part]) -> None:
        def stop(part: Part) -> None:
            if part.running is not None:
                self._board.tell(part.name, "stopping")
                part.stop()

        listed = list(parts)
        with ThreadPoolExecutor(max(len(listed), 1)) as pool:
            list(pool.map(stop, listed))
        # On a full disk the records stay, which the next start sees through; that the rest stops too matters more.
        with contextlib.suppress(OSError):
            for part in listed:
                self._state.strike(part.name)
