"""What people take with them: everything that every service holds on them, in one archive."""

import asyncio
import io
import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import select, text, update

from stoa_auth.database import PersonExport, PersonExportPart
from stoa_auth.keys.service import KeyRing
from stoa_auth.portability import domain, keeper, service, texts
from stoa_auth.portability.provider import Parts
from stoa_auth.portability.tasks import tasks
from stoa_common import clock
from stoa_common.app import create_app
from stoa_common.database import Database
from stoa_common.privacy import PersonalSource, Rows
from stoa_common.privacy.router import privacy_http
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER

from .conftest import Doors, OwnKeys, Someone
from .postbox import Postbox

EXPORTS = "/api/v1/auth/me/exports"
OTHERS = [name for name in domain.PARTS if name != "auth"]


@dataclass
class Behind:
    """The other services as auth meets them: each with something on everybody, and away where a test says so."""

    asked: Counter[str] = field(default_factory=Counter)
    away: set[str] = field(default_factory=set)
    parts: Parts | None = None

    def app_of(self, name: str, verifier: TokenVerifier, database: Database) -> FastAPI:
        async def export(_: Resources, person_id: UUID) -> Rows:
            self.asked[name] += 1
            return [{"person_id": person_id, "said": f"kept by {name}"}]

        async def nothing(*_: Any) -> Any:
            return 0

        source = PersonalSource("notes", export=export, erase=nothing, count=nothing)
        router = privacy_http(name, [source])
        app = create_app(title=name, routers=[router], resources=Resources(), verifier=verifier, database=database)

        @app.middleware("http")
        async def be_away(request: Request, call_next: Any) -> Response:
            if name in self.away:
                return Response(status_code=503)
            answer: Response = await call_next(request)
            return answer

        return app


@pytest_asyncio.fixture(loop_scope="session")
async def behind(database: Database, resources: Resources, identities: Identities) -> AsyncIterator[Behind]:
    made, ring = Behind(), resources.get(KeyRing)
    verifier = TokenVerifier(OwnKeys(ring, identities), issuer=ISSUER)
    front = FastAPI()
    for name in OTHERS:
        front.mount(f"/{name}", made.app_of(name, verifier, database))
    server = uvicorn.Server(uvicorn.Config(front, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # readiness is asked, never told
            await asyncio.sleep(0.02)
    [port] = [socket.getsockname()[1] for each in server.servers for socket in each.sockets]
    earlier = resources.get(Parts)
    resources.add(Parts({name: f"http://127.0.0.1:{port}/{name}" for name in OTHERS}, keys=ring, issuer=ISSUER))
    yield made
    resources.add(earlier)
    server.should_exit = True
    await serving


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "WAITS_SECONDS", (0.05,))


async def ask(doors: Doors, someone: Someone, **headers: str) -> dict[str, Any]:
    answer = await doors.client.post(EXPORTS, headers=someone.headers | headers)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def collect(job: dict[str, Any], database: Database, resources: Resources) -> None:
    await tasks.run(UUID(job["id"]), database, resources, is_last_try=True)


async def newest(doors: Doors, someone: Someone) -> dict[str, Any]:
    page = (await doors.client.get(EXPORTS, headers=someone.headers)).json()
    told: dict[str, Any] = page["items"][-1]
    return told


async def download(doors: Doors, someone: Someone, export_id: str) -> httpx2.Response:
    return await doors.client.get(f"{EXPORTS}/{export_id}/archive", headers=someone.headers)


def unpack(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


async def test_an_archive_has_what_every_service_holds(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer(name="Ada")

    await collect(await ask(doors, ada), database, resources)
    files = unpack(await download(doors, ada, (await newest(doors, ada))["id"]))

    [person] = json.loads(files["auth/people.json"])
    assert (person["email"], person["name"]) == (ada.email, "Ada")
    assert "password_hash" not in person
    for name in OTHERS:
        assert json.loads(files[f"{name}/notes.json"]) == [{"person_id": ada.person_id, "said": f"kept by {name}"}]
    assert all(name in files["README.txt"] for name in files if name != "README.txt")


async def test_nobody_elses_rows_are_in_it(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada, bob = await doors.newcomer(name="Ada"), await doors.newcomer(name="Bob")

    await collect(await ask(doors, ada), database, resources)
    files = unpack(await download(doors, ada, (await newest(doors, ada))["id"]))

    assert not [name for name, content in files.items() if bob.email in content or bob.person_id in content]


async def test_the_page_and_the_mail_are_in_the_persons_language(
    doors: Doors, behind: Behind, database: Database, resources: Resources, postbox: Postbox
) -> None:
    ada = await doors.newcomer()

    await collect(await ask(doors, ada, **{"Accept-Language": "ru"}), database, resources)
    files = unpack(await download(doors, ada, (await newest(doors, ada))["id"]))

    assert "Что Stoa хранит о вас" in files["README.txt"]
    assert [letter.language for letter in await postbox.letters(ada.email) if letter.kind == "export-ready"] == ["ru"]


async def test_a_job_tells_how_far_it_is_and_where_the_export_is(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    job = await ask(doors, ada)
    early = await download(doors, ada, (await newest(doors, ada))["id"])

    await collect(job, database, resources)
    ended = (await doors.client.get(f"/api/v1/auth/jobs/{job['id']}", headers=ada.headers)).json()
    told = (await doors.client.get(ended["result"]["href"], headers=ada.headers)).json()

    assert early.status_code == 409
    assert ended["status"] == "succeeded"
    assert told["job_id"] == job["id"]
    assert told["ready_at"] is not None


async def test_a_killed_job_goes_on_with_the_service_that_it_had_reached(
    doors: Doors, behind: Behind, database: Database, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await doors.newcomer()
    job = await ask(doors, ada)
    behind.away = {"analytics"}
    monkeypatch.setattr(domain, "WAITS_SECONDS", (60.0,))

    run = asyncio.create_task(collect(job, database, resources))
    async with asyncio.timeout(20):
        while behind.asked["ai"] == 0:  # what a server was asked is asked, never told
            await asyncio.sleep(0.02)
        while not await _has_part(database, job, "ai"):
            await asyncio.sleep(0.02)
    run.cancel()
    await asyncio.wait([run])
    behind.away = set()
    await collect(job, database, resources)

    assert dict(behind.asked) == dict.fromkeys(OTHERS, 1)
    assert unpack(await download(doors, ada, (await newest(doors, ada))["id"]))


async def _has_part(database: Database, job: dict[str, Any], name: str) -> bool:
    async with database.transaction() as session:
        mine = select(PersonExportPart.service).join(PersonExport, PersonExport.id == PersonExportPart.export_id)
        found = await session.scalars(mine.where(PersonExport.job_id == UUID(job["id"])))
        return name in set(found)


async def test_a_service_that_stays_away_fails_the_job_and_another_may_be_asked_for(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    behind.away = {"feed"}

    job = await ask(doors, ada)
    await collect(job, database, resources)
    failed = (await doors.client.get(f"/api/v1/auth/jobs/{job['id']}", headers=ada.headers)).json()
    behind.away = set()
    await collect(await ask(doors, ada), database, resources)

    assert failed["status"] == "failed"
    assert failed["problem"]["type"] == "urn:stoa:problem:part-is-missing"
    assert len((await doors.client.get(EXPORTS, headers=ada.headers)).json()["items"]) == 1


async def test_one_export_is_collected_at_a_time(doors: Doors, behind: Behind) -> None:
    ada = await doors.newcomer()
    await ask(doors, ada)

    again = await doors.client.post(EXPORTS, headers=ada.headers)

    assert again.status_code == 409
    assert again.json()["type"] == "urn:stoa:problem:export-is-under-way"


async def test_so_many_exports_are_kept_and_one_deleted_makes_room(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    for _ in range(domain.MOST_KEPT):
        await collect(await ask(doors, ada), database, resources)

    refused = await doors.client.post(EXPORTS, headers=ada.headers)
    deleted = await doors.client.delete(f"{EXPORTS}/{(await newest(doors, ada))['id']}", headers=ada.headers)

    assert refused.status_code == 429
    assert deleted.status_code == 204
    await ask(doors, ada)


async def test_an_export_is_its_persons_alone(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await collect(await ask(doors, ada), database, resources)
    path = f"{EXPORTS}/{(await newest(doors, ada))['id']}"

    answers = [
        await doors.client.get(path, headers=bob.headers),
        await doors.client.get(f"{path}/archive", headers=bob.headers),
        await doors.client.delete(path, headers=bob.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("changed", [{"auth_time": 1}, {"act": {"sub": "0199"}}])
async def test_who_has_not_just_proved_who_they_are_gets_none(
    doors: Doors, identities: Identities, changed: dict[str, Any]
) -> None:
    token = identities.token(identities.principal("admin"), **changed)
    headers = {"Authorization": f"Bearer {token}"}

    answers = [
        await doors.client.post(EXPORTS, headers=headers),
        await doors.client.get(f"{EXPORTS}/{UUID(int=1)}/archive", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert all('error="insufficient_user_authentication"' in answer.headers["www-authenticate"] for answer in answers)


async def test_parts_are_sealed_in_the_database(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    await collect(await ask(doors, ada), database, resources)

    async with database.transaction() as session:
        sealed = list(await session.scalars(select(PersonExportPart.sealed)))

    assert not [part for part in sealed if ada.email.encode() in part or b"kept by" in part]


async def test_an_export_is_deleted_after_a_week(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    await collect(await ask(doors, ada), database, resources)
    export_id = (await newest(doors, ada))["id"]
    async with database.transaction() as session:
        mine = PersonExport.id == UUID(export_id)
        await session.execute(update(PersonExport).where(mine).values(expires_at=clock.now()))

    async with database.transaction() as session:
        await service.forget_expired(session)

    assert (await download(doors, ada, export_id)).status_code == 404
    assert keeper.EVERY_SECONDS <= 3600


async def test_an_erasure_takes_the_exports_with_it(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    await collect(await ask(doors, ada), database, resources)
    under_way = await ask(doors, ada)

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)
    await collect(under_way, database, resources)

    async with database.transaction() as session:
        mine = PersonExport.person_id == UUID(ada.person_id)
        assert await session.scalar(select(PersonExport.id).where(mine)) is None
        orphans = text(
            "SELECT count(*) FROM person_export_parts WHERE export_id NOT IN (SELECT id FROM person_exports)"
        )
        assert await session.scalar(orphans) == 0


async def test_what_is_asked_for_and_taken_is_in_the_audit_log(
    doors: Doors, behind: Behind, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    await collect(await ask(doors, ada), database, resources)
    unpack(await download(doors, ada, (await newest(doors, ada))["id"]))

    async with database.transaction() as session:
        actions = await session.scalars(
            text("SELECT action FROM audit_records WHERE person_id = :person ORDER BY number").bindparams(
                person=UUID(ada.person_id)
            )
        )

    assert [action for action in actions if action.startswith("export.")] == ["export.ask", "export.download"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_explains_every_service(language: str) -> None:
    page = texts.explain(language, [(name, "table") for name in domain.PARTS], at=clock.now())

    assert [name for name in domain.PARTS if f"\n{name}/ - {name}\n" in page] == []
    assert all(f"{name}/table.json" in page for name in domain.PARTS)
