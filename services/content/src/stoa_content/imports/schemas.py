"""Import reports over HTTP."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class UnsupportedOut(BaseModel):
    """One thing of the archive that did not become part of the course, or not wholly."""

    kind: str = Field(examples=["problem", "block", "file"])
    type: str = Field(description="The archive's own name of the type.", examples=["customresponse"])
    id: str
    title: str
    reason: str


class ImportReportOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    course_id: UUID
    format: str = Field(examples=["olx", "markdown"])
    counts: dict[str, int] = Field(
        description="Blocks by type that the archive holds.", examples=[{"chapter": 4, "problem": 14, "video": 2}]
    )
    unsupported: list[UnsupportedOut]
