"""Which errors are the infrastructure's, never the event's. The list is closed: what is not on it parks the event."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka.errors import KafkaError
from asyncpg.exceptions import (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    ConnectionFailureError,
    CrashShutdownError,
    DeadlockDetectedError,
    IdleInTransactionSessionTimeoutError,
    SerializationError,
    TooManyConnectionsError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import OperationalError as SqlOperationalError
from sqlalchemy.exc import TimeoutError as SqlTimeoutError

from stoa_common import logs

log = logs.get_logger()
#: Waits for what is away double up to this: it bounds how long after its return the first event is handled.
LONGEST_HOLD_WAIT: Final = 1.0
_INFRASTRUCTURE: Final = (
    ConnectionError,
    TimeoutError,
    OSError,
    KafkaError,
    SqlOperationalError,
    SqlTimeoutError,
    ConnectionDoesNotExistError,
    ConnectionFailureError,
    CannotConnectNowError,
    AdminShutdownError,
    CrashShutdownError,
    TooManyConnectionsError,
)
#: Errors of the system that name a thing of ours which is not there, or not as the code thinks: a bug, not an outage.
_BUGS: Final = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
_PASSING: Final = (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    CrashShutdownError,
    DeadlockDetectedError,
    IdleInTransactionSessionTimeoutError,
    SerializationError,
    TooManyConnectionsError,
)


@contextmanager
def held(event: str, **fields: object) -> Iterator[None]:
    """Swallow what is the infrastructure's fault, with a line in the log; what is not is raised."""
    try:
        yield
    except Exception as error:
        if not is_infrastructure(error):
            raise
        log.warning(event, error=type(error).__name__, **fields)


def is_infrastructure(error: BaseException) -> bool:
    """Whether to hold and try again, without counting an attempt against the event."""
    if isinstance(error, _INFRASTRUCTURE):
        return not isinstance(error, _BUGS)
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(cause, _PASSING))
