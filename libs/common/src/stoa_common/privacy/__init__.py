"""People's data: where it lies, how it is exported, how it is forgotten, and how others learn that it was."""

from stoa_common.privacy.erasing import digest, erase, erasure_router
from stoa_common.privacy.registry import PersonalSource, PersonalTable, Rows, keep, personal_table, registry

__all__ = [
    "PersonalSource",
    "PersonalTable",
    "Rows",
    "digest",
    "erase",
    "erasure_router",
    "keep",
    "personal_table",
    "registry",
]
