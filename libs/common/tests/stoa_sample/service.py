"""The sample's routes, handlers and tasks."""

from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field
from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common import clock, jobs, outbox
from stoa_common.database import Base, Session, SessionDep
from stoa_common.errors import Conflict, NotFound
from stoa_common.http import Router, public, require
from stoa_common.ids import new_id
from stoa_common.jobs import JobContext, JobResult, Tasks
from stoa_common.jobs.schemas import JobOut
from stoa_common.messaging import EventRouter
from stoa_common.pages import Page, PageQuery, page
from stoa_common.privacy import personal_table
from stoa_common.security import Caller
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_events.contracts import AttemptGraded, LearnerEnrolled, UserRegistered
from stoa_events.personal import Personal


class Settings(ServiceSettings, service="sample"):
    """The shared settings alone."""


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID]
    person_id: Mapped[UUID]
    text: Mapped[str]


personal_table(Note)


class NoteIn(BaseModel):
    text: str = Field(max_length=200)


class NoteOut(BaseModel):
    id: UUID
    text: str


class NoteIsForbidden(Conflict):
    """A rule of the sample."""


router = Router(prefix="/api/v1/sample/notes", tags=["notes"])


@router.post("", response_model=NoteOut, status_code=201, **require("enrollment:create"))
async def write_note(note: NoteIn, session: SessionDep, caller: Caller, response: Response) -> Note:
    """Write a note."""
    if note.text == "forbidden":
        raise NoteIsForbidden("Write something else.")
    if note.text == "bug":
        raise RuntimeError("a secret detail")
    row = Note(organization_id=caller.organization_id, person_id=caller.person_id, text=note.text)
    session.add(row)
    enrolled = {"organization_id": caller.organization_id, "person_id": caller.person_id, "enrolled_at": clock.now()}
    await session.flush()
    outbox.add(session, LearnerEnrolled(enrollment_id=row.id, course_id=row.id, **enrolled))
    if note.text == "twins":
        await session.execute(text("INSERT INTO pairs VALUES (1), (1)"))
    response.headers["Location"] = f"/api/v1/sample/notes/{row.id}"
    return row


@router.get("", response_model=Page[NoteOut], **require("enrollment:read"))
async def list_notes(session: SessionDep, caller: Caller, window: PageQuery) -> Page[NoteOut]:
    """List the organization's notes."""
    mine = select(Note).where(Note.organization_id == caller.organization_id)
    rows, following = await page(session, mine, by=[Note.id], window=window)
    return Page(items=[NoteOut(id=r.id, text=r.text) for r in rows], next=following)


@router.get("/{note_id}", response_model=NoteOut, **require("enrollment:read"))
async def get_note(note_id: UUID, session: SessionDep, caller: Caller) -> Note:
    """Read a note."""
    query = select(Note).where(Note.id == note_id, Note.organization_id == caller.organization_id)
    if note := await session.scalar(query):
        return note
    raise NotFound("There is no such note.")


@router.post("/people", status_code=204, **public())
async def register_person(session: SessionDep) -> None:
    """Record an event with personal fields."""
    person = UserRegistered(
        person_id=new_id(), email=Personal("canary@example.org"), name=Personal("Ada"), registered_at=clock.now()
    )
    outbox.add(session, person)


tasks = Tasks("sample")


@router.post("/import", response_model=JobOut, status_code=202, **require("course:write"))
async def import_notes(session: SessionDep, caller: Caller, outcome: str = "works") -> JobOut:
    """Do something long."""
    return await jobs.enqueue(session, "notes.import", caller=caller, arguments={"outcome": outcome})


@tasks.task("notes.import")
async def run_import(job: JobContext, session: Session) -> JobResult:
    row = Note(organization_id=job.organization_id, person_id=job.person_id, text=f"imported by {job.id}")
    session.add(row)
    await session.flush()
    await job.report(0.5, "half way")
    if job.arguments["outcome"] == "refuses":
        raise NoteIsForbidden("Import something else.")
    if job.arguments["outcome"] == "breaks":
        raise RuntimeError("a bug")
    return JobResult(row.id, f"/api/v1/sample/notes/{row.id}")


reader = EventRouter(group="sample.reader")
broken_for: set[UUID] = set()


@reader.on(LearnerEnrolled)
async def note_enrollment(event: LearnerEnrolled, session: Session) -> None:
    session.add(Note(organization_id=event.organization_id, person_id=event.person_id, text=f"read {event.course_id}"))
    await session.flush()
    if event.person_id in broken_for:
        raise RuntimeError("a handler's bug")


@reader.on(AttemptGraded)
async def note_attempt(event: AttemptGraded, session: Session) -> None:
    session.add(Note(organization_id=event.organization_id, person_id=event.person_id, text=f"score {event.score}"))


service = Service("sample", settings=Settings, routers=[router], consumers=[reader], tasks=tasks)
