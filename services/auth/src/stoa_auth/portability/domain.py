"""Rules of exports: how many there are at once, how long they are kept, who gives a part."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.portability.models import PersonExport
from stoa_common.errors import Conflict, NotFound, TooManyRequests, Unavailable
from stoa_events.contracts.operations import SERVICES

#: Auth gives its own part first: it knows who the person is.
PARTS: Final = SERVICES
KEPT_FOR: Final = timedelta(days=7)
#: An export whose services do not answer is given up after this.
COLLECTED_WITHIN: Final = timedelta(days=1)
MOST_KEPT: Final = 3
TOKEN_TTL: Final = timedelta(seconds=60)
#: A service that restarts is back within these.
WAITS_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class NoSuchExport(NotFound):
    """There is no such export, it is somebody else's, or its time is over."""

    def __init__(self) -> None:
        super().__init__("There is no such export; it is kept for seven days. Ask for a new one.")


class ExportIsUnderWay(Conflict):
    """The person has asked already."""

    def __init__(self) -> None:
        super().__init__("Your export is being collected; a mail tells when it is ready.")


class ExportIsNotReady(Conflict):
    """Some service has not given its part yet."""

    def __init__(self) -> None:
        super().__init__("Your export is still being collected; a mail tells when it is ready.")


class TooManyExports(TooManyRequests):
    """The person keeps enough of them."""

    def __init__(self) -> None:
        super().__init__(f"You keep {MOST_KEPT} exports: delete one, or wait until one expires.")


class PartIsMissing(Unavailable):
    """A service does not give its part now."""

    def __init__(self, service: str) -> None:
        super().__init__(f"The {service} service does not give its part now; ask for the export again later.")


def ask(*, export_id: UUID, person_id: UUID, job_id: UUID, language: str, kept: int, at: datetime) -> PersonExport:
    """Raises TooManyExports."""
    if kept >= MOST_KEPT:
        raise TooManyExports
    return PersonExport(
        id=export_id,
        person_id=person_id,
        job_id=job_id,
        language=language,
        asked_at=at,
        ready_at=None,
        expires_at=at + COLLECTED_WITHIN,
    )


def complete(export: PersonExport, *, at: datetime) -> None:
    export.ready_at, export.expires_at = at, at + KEPT_FOR


def check_ready(export: PersonExport) -> datetime:
    """Since when it is ready. Raises ExportIsNotReady."""
    if export.ready_at is None:
        raise ExportIsNotReady
    return export.ready_at
