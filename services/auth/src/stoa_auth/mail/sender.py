"""The loop that writes and sends mail, in the worker role. Any number of them may run.

Nothing of it happens in a request, so a dead mail server harms nobody. No transaction is open while a server is asked.
What was taken by a sender that was killed is sent by another a minute later: at least once, and seldom twice.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.utils import parseaddr
from typing import Final

from prometheus_client import Counter, Gauge

from stoa_auth.attempts import service as attempts
from stoa_auth.mail import domain, writing
from stoa_auth.mail.models import Mail
from stoa_auth.mail.provider import MailServer, MailWasRefused
from stoa_auth.mail.repository import MailRepository, TokenRepository
from stoa_auth.mail.sealing import MailIsSealed
from stoa_auth.mail.writing import Mailing
from stoa_common import clock, failures, logs
from stoa_common.database import Database
from stoa_common.resources import Resources

AT_ONCE: Final = 10
BUSY_SECONDS: Final = 0.02
IDLE_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
TIDY_SECONDS: Final = 300.0
SENT = Counter("stoa_mails_total", "Attempts to send mail, by what came of them.", ["outcome"])
WAITING = Gauge("stoa_mails_waiting", "Mails that were asked for and not sent yet.")
log = logs.get_logger()


async def run(database: Database, resources: Resources) -> None:
    """Runs until cancelled."""
    await asyncio.gather(_send_all(Sender(database, resources.get(Mailing))), _tidy(database))


async def _send_all(sender: "Sender") -> None:
    while True:
        pause = RETRY_SECONDS
        try:
            with failures.held("mail_held"):
                pause = BUSY_SECONDS if await sender.step() else IDLE_SECONDS
        except Exception:
            # An edge: a bug that one mail meets must not end the process, which has other work.
            log.exception("mail_failed")
        await asyncio.sleep(pause)


class Sender:
    """Writes what was asked for, and sends what is due. `now` is the time by which retries are due."""

    def __init__(self, database: Database, mailing: Mailing, *, now: Callable[[], datetime] = clock.now) -> None:
        self._database = database
        self._mailing = mailing
        self._now = now

    async def step(self) -> int:
        """A few mails; how many there were."""
        written = await self._write()
        if self._mailing.server is None:
            return written
        taken = await self._take()
        await asyncio.gather(*(self._send(mail, self._mailing.server) for mail in taken))
        return written + len(taken)

    async def _write(self) -> int:
        async with self._database.transaction() as session:
            asked = await MailRepository(session).list_asked(limit=AT_ONCE)
        for mail in asked:
            async with self._database.transaction() as session:
                await writing.write(session, mail, self._mailing)
        return len(asked)

    async def _take(self) -> list[Mail]:
        at = self._now()
        async with self._database.transaction() as session:
            return list(await MailRepository(session).take_ready(at=at, until=at + domain.LEASE, limit=AT_ONCE))

    async def _send(self, mail: Mail, server: MailServer) -> None:
        refusal = await self._hand_over(mail, server)
        async with self._database.transaction() as session:
            kept = await MailRepository(session).lock_taken(mail.id, attempts=mail.attempts)
            if kept is None:
                return
            if refusal is None:
                domain.sent(kept, at=self._now())
            else:
                domain.not_sent(kept, refusal.problem, is_final=refusal.is_final, at=self._now())
            SENT.labels(kept.state).inc()
        if refusal is not None:
            log.warning("mail_not_sent", mail_id=str(mail.id), kind=mail.kind, problem=refusal.problem)

    async def _hand_over(self, mail: Mail, server: MailServer) -> MailWasRefused | None:
        try:
            content = self._mailing.sealer.open(mail.sealed or b"", mail_id=mail.id)
            message = writing.message(mail, content, self._mailing)
            await server.send(bytes(message), sender=parseaddr(self._mailing.sender)[1], to=content.to)
        except MailWasRefused as refusal:
            return refusal
        except MailIsSealed as refusal:
            return MailWasRefused(str(refusal), is_final=True)
        return None


async def _tidy(database: Database) -> None:
    """Runs until cancelled: mails are kept for 30 days, tokens until they expire."""
    while True:
        with failures.held("mail_tidying_held"):
            async with database.transaction() as session:
                mails = MailRepository(session)
                await mails.forget_old(before=clock.now() - domain.KEPT_FOR)
                await TokenRepository(session).forget_expired(at=clock.now())
                await attempts.forget_old(session)
                WAITING.set(await mails.count_waiting())
        await asyncio.sleep(TIDY_SECONDS)
