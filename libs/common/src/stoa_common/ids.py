"""Identifiers: UUIDv7 (RFC 9562), made in Python, so that they sort by time of birth."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()
