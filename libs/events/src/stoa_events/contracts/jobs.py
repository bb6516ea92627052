"""How far a person's long work is. Each service with jobs publishes this contract, by `operations`."""

from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story

_JOB: Final = "0197a3cd-6a11-7c0b-8f42-b1d05e7a93c6"


class JobProgressed(Event):
    """A person's job began, came further, or ended.

    Progress is told a few times at once and then once a second at most; that a job began and ended is always told.
    What it made, or why it failed, is read at `/api/v1/<service>/jobs/<job_id>`. It names no organization in its
    headers: a job is its person's, and enters no organization's feed.
    """

    subject_field: ClassVar[str] = "job_id"
    partitions: ClassVar[int] = 3
    example: ClassVar[dict[str, Any]] = {
        "job_id": _JOB,
        "person_id": story.ADA,
        "acts_for": story.ORGANIZATION,
        "kind": "course.import",
        "status": "running",
        "progress": 0.1,
        "step": "reading the archive",
        "changed_at": "2025-06-24T21:21:43.920114Z",
    }

    job_id: UUID = Field(description="The job.")
    person_id: UUID = Field(description="Who asked for it.")
    acts_for: UUID | None = Field(
        None, description="The organization that they acted for; null for who belongs to none, as operators."
    )
    kind: str = Field(description="What kind of work it is: `course.import`, for one. More may come.")
    status: str = Field(
        description="`running`, or how it ended: `succeeded`, `failed`, `cancelled`. More words may come."
    )
    progress: float = Field(ge=0, le=1, description="How much of it is done.")
    step: str = Field(description="What it is at, in a few words of the service's; nothing personal.")
    changed_at: AwareDatetime = Field(description="When this became so.")
