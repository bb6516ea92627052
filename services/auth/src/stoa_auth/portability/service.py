"""Use cases of exports: ask for one, collect it from all services, download it, delete it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.people import service as people
from stoa_auth.portability import archive, domain, texts
from stoa_auth.portability.models import PersonExport
from stoa_auth.portability.provider import Parts
from stoa_auth.portability.repository import ExportRepository
from stoa_auth.portability.schemas import ExportOut
from stoa_auth.portability.sealing import PartSealer
from stoa_common import clock, jobs
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.jobs import service as job_service
from stoa_common.jobs.models import OPEN
from stoa_common.jobs.schemas import JobOut
from stoa_common.pages import Page, PageQuery
from stoa_common.privacy.exporting import export_tables
from stoa_common.resources import Resources
from stoa_common.security import Principal

JOB: Final = "person.export"
OWN: Final = "auth"
Report = Callable[[float, str], Awaitable[None]]


async def ask(session: Session, caller: Principal, *, language: str) -> JobOut:
    """Have everything collected. Raises ExportIsUnderWay, TooManyExports, PersonIsUnknown."""
    await people.lock_person(session, caller.person_id)
    repository = ExportRepository(session)
    for earlier in await repository.list_unready(caller.person_id):
        if await _is_under_way(session, earlier):
            raise domain.ExportIsUnderWay
        await repository.drop(earlier)
    export_id, kept = new_id(), await repository.count_kept(caller.person_id)
    job = await jobs.enqueue(session, JOB, caller=caller, arguments={"export_id": str(export_id)})
    export = domain.ask(
        export_id=export_id,
        person_id=caller.person_id,
        job_id=job.id,
        language=language,
        kept=kept,
        at=clock.now(),
    )
    await repository.add(export)
    audit.note(session, "export.ask", actor=caller.person_id, target=export_id)
    return job


async def _is_under_way(session: Session, export: PersonExport) -> bool:
    return (await job_service.get_job_row(session, export.job_id)).status in OPEN


async def collect(
    session: Session, export_id: UUID, *, database: Database, resources: Resources, report: Report
) -> None:
    """Ask each service for its part; what is there already, since an earlier run was killed, is not asked for again.

    Raises PartIsMissing where a service stays away, NoSuchExport where the person was erased meanwhile.
    """
    async with database.transaction() as reading:
        export = await ExportRepository(reading).lock(export_id)
        collected = await ExportRepository(reading).list_collected(export_id)
    for number, name in enumerate(domain.PARTS):
        await report(number / len(domain.PARTS), f"collecting from {name}")
        if name not in collected:
            await _keep_part(export, name, database=database, resources=resources)
    await _complete(session, export_id, language=export.language, sealer=resources.get(MailSealer))


async def _keep_part(export: PersonExport, name: str, *, database: Database, resources: Resources) -> None:
    sealer = resources.get(PartSealer)
    tables = await _read_part(export, name, database=database, resources=resources)
    sealed = [(table, sealer.seal(rows, export_id=export.id, service=name, name=table)) for table, rows in tables]
    async with database.transaction() as session:
        repository = ExportRepository(session)
        await repository.lock(export.id)
        await repository.add_part(export.id, name, sealed)


async def _read_part(
    export: PersonExport, name: str, *, database: Database, resources: Resources
) -> list[tuple[str, bytes]]:
    if name == OWN:
        return [table async for table in export_tables(database, resources, (), export.person_id)]
    for wait in domain.WAITS_SECONDS:
        try:
            return await resources.get(Parts).read(name, export.person_id, export_id=export.id)
        except domain.PartIsMissing:
            await asyncio.sleep(wait)
    return await resources.get(Parts).read(name, export.person_id, export_id=export.id)


async def _complete(session: Session, export_id: UUID, *, language: str, sealer: MailSealer) -> None:
    # The person before the export, as everybody does who locks both: erasing a person deletes their exports.
    person = await people.hold_person(session, await ExportRepository(session).person_of(export_id))
    domain.complete(await ExportRepository(session).lock(export_id), at=clock.now())
    mail.ask(
        session,
        Asked.EXPORT_READY,
        to=person.email,
        sealer=sealer,
        accepted_languages=language,
        person_id=person.id,
    )


async def list_exports(session: Session, window: PageQuery, *, caller: Principal) -> Page[ExportOut]:
    exports, following = await ExportRepository(session).page(caller.person_id, window)
    return Page(items=[ExportOut.model_validate(each) for each in exports], next=following)


async def get_export(session: Session, export_id: UUID, *, caller: Principal) -> PersonExport:
    """Raises NoSuchExport."""
    return await ExportRepository(session).get_own(export_id, caller.person_id)


async def delete_export(session: Session, export_id: UUID, *, caller: Principal) -> None:
    """Raises NoSuchExport."""
    export = await get_export(session, export_id, caller=caller)
    await ExportRepository(session).drop(export)
    audit.note(session, "export.delete", actor=caller.person_id, target=export_id)


async def download(
    database: Database, export_id: UUID, *, sealer: PartSealer, caller: Principal
) -> AsyncIterator[bytes]:
    """The archive, in pieces; that it was taken is noted first. Raises NoSuchExport, ExportIsNotReady."""
    async with database.transaction() as session:
        export = await get_export(session, export_id, caller=caller)
        at = domain.check_ready(export)
        tables = await ExportRepository(session).list_tables(export_id)
        audit.note(session, "export.download", actor=caller.person_id, target=export_id)
    return archive.packed(_files(database, export, tables, sealer=sealer), at=at)


async def _files(
    database: Database, export: PersonExport, tables: list[tuple[str, str]], *, sealer: PartSealer
) -> AsyncIterator[tuple[str, bytes]]:
    """A connection is held for a table, and not while the client reads."""
    yield archive.README, texts.explain(export.language, tables, at=export.ready_at or clock.now()).encode()
    for service, name in tables:
        async with database.transaction() as session:
            sealed = await ExportRepository(session).find_table(export.id, service, name)
        if sealed is None:
            raise domain.NoSuchExport
        rows = sealer.open(sealed, export_id=export.id, service=service, name=name)
        yield f"{service}/{name}.json", archive.readable(rows)


async def forget_expired(session: Session) -> None:
    await ExportRepository(session).forget_expired(at=clock.now())
