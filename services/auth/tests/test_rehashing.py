"""A hash of older parameters is replaced when its password comes by."""

from uuid import UUID

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.database import Person
from stoa_common.database import Database
from stoa_common.resources import Resources

from .conftest import Doors


async def kept_hash(database: Database, person_id: str) -> str:
    async with database.transaction() as session:
        return (await session.get_one(Person, UUID(person_id))).password_hash


async def test_logging_in_renews_a_hash_of_older_parameters(
    doors: Doors, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    old = await kept_hash(database, ada.person_id)
    usual = resources.get(Passwords)
    dearer = Passwords(memory_kib=128, iterations=2, parallelism=1, workers=2, queue=8)
    resources.add(dearer)
    try:
        wrong = await doors.log_in(ada.email, password="a wrong password")
        after_wrong = await kept_hash(database, ada.person_id)
        right = await doors.log_in(ada.email)
    finally:
        resources.add(usual)
        dearer.close()

    assert (wrong.status_code, after_wrong) == (401, old)
    assert right.status_code == 200
    assert "m=128,t=2" in await kept_hash(database, ada.person_id)
    assert (await doors.log_in(ada.email)).status_code == 200
