"""What a course can be, and who may see it."""

from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Visibility(StrEnum):
    """Who sees a course once it is published."""

    ORGANIZATION = "organization"
    #: Everybody, by the public catalog; there only what the course is about, not its lessons.
    PUBLIC = "public"
