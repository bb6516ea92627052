"""Operators who have really logged in."""

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.people import service as people
from stoa_common.database import Database

from .conftest import PASSWORD, Doors, Someone, an_address


async def an_operator(doors: Doors, database: Database, passwords: Passwords) -> Someone:
    """Beside those that there are."""
    email = an_address()
    password_hash = await passwords.hash(PASSWORD)
    async with database.transaction() as session:
        await people.add_person(session, email, name="Olga", password_hash=password_hash, operator=True)
    return await doors.enter(email)
