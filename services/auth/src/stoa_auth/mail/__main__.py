"""`python -m stoa_auth.mail`: the mails that auth keeps where there is no mail server, as JSON, the newest first.

A program and not a route: who may run it holds the database and AUTH_KEYS_SECRET anyway, and nobody else shall read a
mail that opens an account. `stoa mail` runs it; in compose, `docker compose exec auth python -m stoa_auth.mail`.
"""

import argparse
import asyncio
import json
import sys
from typing import Any

from stoa_auth.mail import texts
from stoa_auth.mail.domain import Kind, State
from stoa_auth.mail.models import Mail
from stoa_auth.mail.repository import MailRepository
from stoa_auth.mail.sealing import MailIsSealed, MailSealer
from stoa_auth.mail.writing import Mailing
from stoa_common.database import Database
from stoa_common.settings import read_variable

LOOKS_AT = 1000


def main() -> None:
    wanted = _arguments()
    sealer = MailSealer(_needed("AUTH_KEYS_SECRET"))
    mailing = Mailing(sealer=sealer, server=None, sender="", link=read_variable("AUTH_MAIL_LINK"))
    mails = asyncio.run(_read(_needed("AUTH_DATABASE_URL"), mailing, wanted))
    chosen = [mail for mail in mails if wanted.to in (None, mail["to"])][: wanted.limit]
    json.dump(chosen, sys.stdout, ensure_ascii=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stoa_auth.mail", description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=str.lower, help="only mails to this address")
    parser.add_argument("--limit", type=int, default=20, help="at most so many")
    parser.add_argument("--unwritten", action="store_true", help="tell to whom those go, too, that nobody wrote yet")
    return parser.parse_args()


def _needed(variable: str) -> str:
    value = read_variable(variable)
    if value is None:
        raise SystemExit(f"Set {variable}, as for auth itself: mail is kept, sealed, in its database.")
    return value


async def _read(url: str, mailing: Mailing, wanted: argparse.Namespace) -> list[dict[str, Any]]:
    database = Database(url, pool_size=1, application_name="auth-mail")
    try:
        async with database.transaction() as session:
            newest = await MailRepository(session).list_newest(limit=max(LOOKS_AT, wanted.limit))
            return [_shown(mail, mailing, unwritten=wanted.unwritten) for mail in newest]
    except OSError:
        raise SystemExit("The database does not answer: is the platform up?") from None
    finally:
        await database.close()


def _shown(mail: Mail, mailing: Mailing, *, unwritten: bool) -> dict[str, Any]:
    facts = {
        "id": str(mail.id),
        "kind": mail.kind,
        "state": mail.state,
        "created_at": mail.created_at.isoformat(),
        "ended_at": mail.ended_at.isoformat() if mail.ended_at else None,
        "attempts": mail.attempts,
        "problem": mail.problem,
    }
    return {**facts, **_content(mail, mailing, unwritten=unwritten)}


def _content(mail: Mail, mailing: Mailing, *, unwritten: bool) -> dict[str, str | None]:
    """What it says; nothing once it was sent, or before it was written."""
    nothing: dict[str, str | None] = dict.fromkeys(("to", "subject", "text", "token"))
    is_asked = mail.state == State.ASKED
    if mail.sealed is None or (is_asked and not unwritten):
        return nothing
    try:
        content = mailing.sealer.open(mail.sealed, mail_id=mail.id)
    except MailIsSealed as refusal:
        raise SystemExit(str(refusal)) from None
    if is_asked:
        return {**nothing, "to": content.to}
    text = texts.write(Kind(mail.kind), mail.language, content, link=mailing.link)
    return {"to": content.to, "subject": text.subject, "text": text.body, "token": content.token}


if __name__ == "__main__":
    main()
