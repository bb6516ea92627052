"""Nobody learns which addresses exist: what the service does for a known one, it does for an unknown one.

Time is not measured here: the statements that the database is asked, and the passwords that are hashed, are compared.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from stoa_auth.accounts.passwords import Passwords
from stoa_common.database import Database
from stoa_common.testing import Delivery
from stoa_events.contracts import MemberJoined, OrganizationCreated, UserRegistered

from .conftest import PASSWORD, Doors, an_address

Ask = Callable[[Doors, str], Awaitable[httpx2.Response]]
#: A savepoint's end: the one thing that differs.
_END = re.compile(r"(RELEASE|ROLLBACK TO) SAVEPOINT")


@contextmanager
def work_of(database: Database) -> Iterator[list[str]]:
    """What the database was asked and how often a password was hashed or verified, in order."""
    done: list[str] = []
    engine = database.engine.sync_engine
    run = Passwords._run

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        done.append(_END.sub("END OF SAVEPOINT", statement))

    async def hashed(self: Passwords, work: Any) -> Any:
        done.append("argon2")
        return await run(self, work)

    event.listen(engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Passwords, "_run", hashed)
        yield done
    event.remove(engine, "before_cursor_execute", note)


async def register(doors: Doors, email: str) -> httpx2.Response:
    return await doors.register(email, name="Ada", organization_name="Engines")


async def fail_to_log_in(doors: Doors, email: str) -> httpx2.Response:
    return await doors.log_in(email, password="a wrong password")


async def forget(doors: Doors, email: str) -> httpx2.Response:
    return await doors.client.post("/api/v1/auth/forgot-password", json={"email": email})


async def register_by_bad_invitation(doors: Doors, email: str) -> httpx2.Response:
    return await doors.register(email, invitation="never made")


@pytest.mark.parametrize("ask", [register, fail_to_log_in, forget, register_by_bad_invitation])
async def test_a_known_and_an_unknown_address_cost_the_same(doors: Doors, database: Database, ask: Ask) -> None:
    known = (await doors.newcomer()).email

    with work_of(database) as for_known:
        of_known = await ask(doors, known)
    with work_of(database) as for_unknown:
        of_unknown = await ask(doors, an_address())

    assert for_known == for_unknown
    assert len(for_known) > 0
    told = [{k: v for k, v in answer.json().items() if k != "instance"} for answer in (of_known, of_unknown)]
    assert (of_known.status_code, told[0]) == (of_unknown.status_code, told[1])
    assert of_known.headers.keys() == of_unknown.headers.keys()


async def test_an_invitation_costs_the_same_for_who_may_not_use_it(doors: Doors, database: Database) -> None:
    admin, known = await doors.newcomer(), await doors.newcomer()
    token = await doors.invite(admin, "learner", max_uses=5)

    with work_of(database) as for_known:
        await doors.register(known.email, invitation=token)
    with work_of(database) as for_unknown:
        await doors.register(an_address(), invitation=token)

    assert for_known == for_unknown


async def test_what_was_done_for_nobody_left_nothing(doors: Doors, delivery: Delivery) -> None:
    known = await doors.newcomer(organization_name="First")
    before = [len(await delivery.recorded(kind)) for kind in (UserRegistered, OrganizationCreated, MemberJoined)]

    await doors.register(known.email, password="another fine password", organization_name="Second")

    after = [len(await delivery.recorded(kind)) for kind in (UserRegistered, OrganizationCreated, MemberJoined)]
    assert after == before
    again = await doors.enter(known.email)
    organizations = (await doors.client.get("/api/v1/auth/organizations", headers=again.headers)).json()["items"]
    assert [organization["name"] for organization in organizations] == ["First"]
    assert (await doors.log_in(known.email, password=PASSWORD)).status_code == 200
