"""The service's own database: models' base, sessions, and the one unit of work a request or message."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from stoa_common import failpoints, outbox

if TYPE_CHECKING:
    import asyncpg

Session = AsyncSession
T = TypeVar("T")
_AT_COMMIT = "stoa_at_commit"
_AFTER_COMMIT = "stoa_after_commit"
#: How long a transaction may do nothing before the server ends it: what a frozen process has locked is free again then.
LONGEST_PAUSE_SECONDS: Final = 120.0
_RESTS_SINCE: Final = "stoa_rests_since"
#: How long a connection may have been unused and still be taken unasked.
_RESTED_SECONDS: Final = 1.0
#: A machine that has vanished without a word is noticed after 30 s and three questions, and not after two hours.
_KEEPALIVE: Final = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}


class Base(DeclarativeBase):
    """Base of every model. Constraints get names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own declaration


class Database:
    """An engine with its sessions. Roles in one process have one each, so that none starves another."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application_name: str = "stoa",
        asks_first: bool = True,
        waits_for_disk: bool = True,
        longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        """`asks_first` spares a request the connection that a restarted server left behind; who tries again anyway does
        without. `waits_for_disk=False` is for what a power cut may undo, and is done again.

        A transaction that pauses longer than `longest_pause_seconds` between two statements is ended by the server.
        """
        self.url = url
        self.pool_size = pool_size
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            # A failed statement is logged, and its values may be personal.
            hide_parameters=True,
            connect_args={
                "server_settings": {
                    "application_name": application_name,
                    "idle_in_transaction_session_timeout": f"{longest_pause_seconds * 1000:.0f}",
                    **_KEEPALIVE,
                    **({} if waits_for_disk else {"synchronous_commit": "off"}),
                },
                "timeout": 5,
            },
        )
        if asks_first:
            _ask_first(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One unit of work: what was recorded in the outbox is written, then all of it commits, or none."""
        session = self._sessions()
        try:
            yield session
            await outbox.write(session)
            await _write_last(session)
            await session.commit()
        except BaseException:
            await asyncio.shield(session.close())
            raise
        # The commit has given the connection back: nothing is left to wait for, as a close would.
        session.expunge_all()
        for work in session.info.pop(_AFTER_COMMIT, ()):
            await work()

    @asynccontextmanager
    async def driver(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection without SQLAlchemy around it, for the few statements of which thousands run each second.

        It commits each statement by itself; `connection.transaction()` holds several together.
        """
        async with self.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            if raw is None or raw.is_closed():
                await connection.invalidate()
                raise ConnectionError("The server has closed this connection.")
            try:
                yield raw
            except BaseException:
                # What it was doing is unknown: the pool makes another.
                await connection.invalidate()
                raise

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _ask_first(engine: AsyncEngine) -> None:
    """Give nobody a connection that is gone: one that has rested is asked, the others' sockets tell.

    SQLAlchemy's own way (`pool_pre_ping`) asks each time, in a transaction: three round trips more.
    """
    pool, driver_error = engine.sync_engine.pool, engine.dialect.loaded_dbapi.Error

    def rest(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    def ask(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("The server has closed this connection.")
        if time.monotonic() - record.info.get(_RESTS_SINCE, math.inf) < _RESTED_SECONDS:
            return
        try:
            connection.ping()
        except driver_error as error:
            raise DisconnectionError("The server does not know this connection any more.") from error

    event.listen(pool, "checkin", rest)
    event.listen(pool, "checkout", ask)


async def _request_session(request: Request) -> AsyncIterator[Session]:
    database: Database = request.app.state.database
    async with database.transaction() as session:
        request.state.session = session
        yield session
    failpoints.reach("api.committed")


# scope="function": FastAPI would otherwise commit after the answer was sent, and a failed commit would still say 200.
SessionDep = Annotated[Session, Depends(_request_session, scope="function")]


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]
"""For streams, which must not hold a transaction open while they answer: `async with database.transaction()`."""


def at_commit(session: Session, write: Callable[[Session, list[T]], Awaitable[None]], item: T) -> None:
    """Let `write` be the last that the transaction does, with all the items that it was given meanwhile.

    For rows that many transactions want, so that each waits least; whoever takes several such locks takes them in one
    order.
    """
    session.info.setdefault(_AT_COMMIT, {}).setdefault(write, []).append(item)


def after_commit(session: Session, work: Callable[[], Awaitable[None]]) -> None:
    """Done once when the transaction has committed, before anybody is answered; it must raise nothing.

    For what others should know when the caller is told; a process that is killed in between leaves it undone.
    """
    session.info.setdefault(_AFTER_COMMIT, {})[work] = None


async def _write_last(session: Session) -> None:
    for write, items in session.info.pop(_AT_COMMIT, {}).items():
        await write(session, items)


@dataclass
class Trial:
    """A part of a transaction on trial."""

    is_kept: bool = False

    def keep(self) -> None:
        self.is_kept = True


@asynccontextmanager
async def trial(session: Session) -> AsyncIterator[Trial]:
    """A part of the transaction, with what it records, that is undone at its end unless it was kept.

    The database works the same either way: so that nobody can tell by the time taken which of the two it was.
    """
    await outbox.write(session)
    later = session.info.pop(_AT_COMMIT, {})
    on_trial = Trial()
    async with session.begin_nested() as savepoint:
        yield on_trial
        await session.flush()
        await outbox.write(session)
        await _write_last(session)
        if not on_trial.is_kept:
            await savepoint.rollback()
    session.info[_AT_COMMIT] = later


def rows_affected(result: Any) -> int:
    """How many rows a statement touched."""
    return int(result.rowcount)
