"""Every object in the object storage that uploads are kept in, where it is not the platform's own folder."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from stoa_devkit.privacy import contents
from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import Needles
from stoa_devkit.settings import Settings
from stoa_devkit.trouble import Trouble

_URL: Final = "CONTENT_OBJECTS_URL"
_OPTIONS: Final[Mapping[str, str]] = {
    "endpoint": "CONTENT_OBJECTS_ENDPOINT",
    "access_key_id": "CONTENT_OBJECTS_ACCESS_KEY_ID",
    "secret_access_key": "CONTENT_OBJECTS_SECRET_ACCESS_KEY",
}
#: Whoever looks would rather know soon that nothing answers.
_PATIENCE: Final[Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
_CLIENT: Final[Any] = {"allow_http": True, "connect_timeout": "5s", "timeout": "60s"}
_IN_MEMORY: Final = 8 << 20


@dataclass(frozen=True)
class Bucket:
    """Where content keeps uploads, and what opens it."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_bucket(found: Settings) -> Bucket | None:
    """As content is told; None for the folder that it gets otherwise. Raises Trouble where a secret cannot be read."""
    url = _told(found, _URL)
    if url is None:
        return None
    options = {option: value for option, name in _OPTIONS.items() if (value := _told(found, name)) is not None}
    # A server in one's own network has no regions.
    return Bucket(url, {**options, "region": "us-east-1"} if "endpoint" in options else options)


def _told(found: Settings, variable: str) -> str | None:
    """A variable, or what is in the file that `<variable>_FILE` names."""
    path = found.get(f"{variable}_FILE")
    if path is None:
        return found.get(variable)
    try:
        return Path(path).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        raise Trouble(f"{variable}_FILE names {path}, which cannot be read.") from None


def look(told: Settings, needles: Needles, findings: Findings) -> None:
    """Content's own folder is among the platform's files, and is looked at with these."""
    try:
        bucket = find_bucket(told)
    except Trouble as trouble:
        findings.miss("objects", str(trouble))
        return
    if bucket is not None:
        _look_in(bucket, needles, findings)


def _look_in(bucket: Bucket, needles: Needles, findings: Findings) -> None:
    findings.looked_at.append(f"objects: {bucket.url}")
    try:
        store = _open(bucket)
        for path in _paths(store):
            _look_at(store, path, needles, findings)
    except (BaseError, OSError, ValueError) as error:
        findings.miss(f"objects in {bucket.url}", f"the storage does not let itself be read ({type(error).__name__})")


def _open(bucket: Bucket) -> ObjectStore:
    if bucket.url.startswith("file:"):
        return from_url(bucket.url)
    settings: Any = {"client_options": _CLIENT, "retry_config": _PATIENCE, **bucket.options}
    store: ObjectStore = from_url(bucket.url, **settings)
    return store


def _paths(store: ObjectStore) -> Iterator[str]:
    for page in store.list():
        yield from (each["path"] for each in page)


def _look_at(store: ObjectStore, path: str, needles: Needles, findings: Findings) -> None:
    found = needles.found_in([path.encode()])
    try:
        found |= _found_inside(store, path, needles)
    except FileNotFoundError:
        # Deleted since it was listed.
        return
    except contents.CannotBeOpened as shut:
        findings.miss(f"object {path}", f"it cannot be opened ({shut})")
    for name in found:
        findings.add(f"object {path}", name)


def _found_inside(store: ObjectStore, path: str, needles: Needles) -> set[str]:
    got = store.get(path)
    said = needles.found_in(str(part).encode() for pair in got.attributes.items() for part in pair)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        for piece in got.stream():
            copy.write(piece)
        copy.seek(0)
        return said | contents.found_in(copy, needles)
