"""Mail leaves over SMTP, again and again until it is taken, and never twice by intent."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr, ValidationError
from sqlalchemy import delete, select

from stoa_auth.database import Mail
from stoa_auth.mail.provider import MailServer, mail_server
from stoa_auth.mail.repository import MailRepository
from stoa_auth.mail.sender import Sender
from stoa_auth.mail.writing import Mailing
from stoa_auth.settings import Settings
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.ports import free_port

from .conftest import Doors, an_address


class Inbox:
    """What a mail server took; `answer` is what it says to each mail."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.mails: list[EmailMessage] = []

    async def handle_DATA(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[MailServer]:
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield MailServer(host="127.0.0.1", port=controller.port, is_tls=False)
    controller.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def email(doors: Doors, database: Database) -> str:
    """A newcomer's address, whose mail is the only one that waits."""
    async with database.transaction() as session:
        await session.execute(delete(Mail).where(Mail.state.in_(["asked", "ready"])))
    email = an_address()
    await doors.register(email)
    return email


def a_sender(database: Database, resources: Resources, server: MailServer, *, after: timedelta = timedelta()) -> Sender:
    mailing = replace(resources.get(Mailing), server=server, sender="Stoa <no-reply@example.org>")

    def now() -> datetime:
        return clock.now() + after

    return Sender(database, mailing, now=now)


async def the_mail(database: Database) -> Mail:
    async with database.transaction() as session:
        return (await session.scalars(select(Mail).order_by(Mail.id.desc()).limit(1))).one()


async def test_a_mail_goes_out_once_and_what_it_said_is_forgotten(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    sender = a_sender(database, resources, server)

    while await sender.step():
        pass

    [mail] = inbox.mails
    assert (mail["To"], mail["From"]) == (email, "Stoa <no-reply@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    kept = await the_mail(database)
    assert (kept.state, kept.sealed) == ("sent", None)


async def test_a_link_leads_to_the_app_where_one_is_set(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    sender = a_sender(database, resources, server)
    sender._mailing = replace(sender._mailing, link="https://app.example.com/{action}#token={token}")

    while await sender.step():
        pass

    assert "https://app.example.com/verify-email#token=" in inbox.mails[0].get_content()


async def test_a_dead_server_is_tried_again_later_and_later(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    dead = MailServer(host="127.0.0.1", port=free_port(), is_tls=False)
    due = []
    for minutes in (0, 2, 4):
        await a_sender(database, resources, dead, after=timedelta(minutes=minutes)).step()
        kept = await the_mail(database)
        due.append((kept.due_at - clock.now()) - timedelta(minutes=minutes))

    await a_sender(database, resources, server, after=timedelta(minutes=10)).step()

    assert [round(wait.total_seconds() / 5) for wait in due] == [1, 2, 4]
    assert len(inbox.mails) == 1


async def test_what_is_refused_for_good_is_not_tried_again(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    inbox.answer = "554 5.7.1 Not here"

    await a_sender(database, resources, server).step()

    kept = await the_mail(database)
    assert (kept.state, kept.sealed, kept.problem) == ("failed", None, "SMTPDataError 554")
    assert email not in str(kept.problem)


async def test_what_a_killed_sender_had_taken_is_sent_by_another(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    first = a_sender(database, resources, server)
    await first._write()
    taken = await first._take()

    await a_sender(database, resources, server).step()
    at_once = len(inbox.mails)
    await a_sender(database, resources, server, after=timedelta(minutes=2)).step()

    assert (len(taken), at_once, len(inbox.mails)) == (1, 0, 1)


async def test_a_password_is_never_sent_to_a_server_without_tls(
    database: Database, resources: Resources, server: MailServer, inbox: Inbox, email: str
) -> None:
    await a_sender(database, resources, replace(server, user="stoa", password="secret")).step()

    assert inbox.mails == []
    async with database.transaction() as session:
        assert await MailRepository(session).count_waiting() == 1


def test_a_server_is_named_by_its_url() -> None:
    assert mail_server("smtps://me%40x:p%2Fw@mail.example.org") == MailServer(
        "mail.example.org", 465, True, "me@x", "p/w"
    )
    assert mail_server("smtp://mailpit:1025") == MailServer("mailpit", 1025, False)


@pytest.mark.parametrize("url", ["http://mail:25", "smtp:///", "mail.example.org", "smtp://me:secret@mail/path"])
def test_what_names_no_server_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://host:port") as refusal:
        mail_server(url)

    assert url not in str(refusal.value)


def test_a_mail_server_needs_somebody_to_send_as() -> None:
    secret = SecretStr("a secret for tests, long enough for all")

    with pytest.raises(ValidationError, match="mail_from"):
        Settings(keys_secret=secret, smtp_url=SecretStr("smtp://mail.example.org"))

    made = Settings(keys_secret=secret, smtp_url=SecretStr("smtp://mail.example.org"), mail_from="A <a@example.org>")
    assert made.mail_from == "A <a@example.org>"


@pytest.mark.parametrize("link", ["app.example.com/{token}", "https://app.example.com", "https://x/{token}/{person}"])
def test_a_link_without_a_place_for_the_code_is_refused(link: str) -> None:
    with pytest.raises(ValidationError, match="mail_link"):
        Settings(keys_secret=SecretStr("a secret for tests, long enough for all"), mail_link=link)
