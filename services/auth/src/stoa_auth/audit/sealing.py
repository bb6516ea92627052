"""Personal parts of records: sealed with a person's key on their way in, and opened for who may read them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stoa_auth.audit import domain
from stoa_auth.audit.domain import Act
from stoa_auth.audit.models import AuditRecord
from stoa_common import personal_keys
from stoa_common.database import Session
from stoa_common.personal_keys import PersonalKey, PersonIsErased
from stoa_events.personal import Personal

Keys = Mapping[str, PersonalKey]


async def seal(session: Session, act: Act) -> dict[str, Any]:
    """The parts of an act that may be personal, as they are hashed: each personal value as ciphertext."""
    origin = await _key(session, act.origin_owner)
    owner = origin if act.owner == act.origin_owner else await _key(session, act.owner)
    sealed: dict[str, Any] = {name: _seal(name, getattr(act, name), origin) for name in domain.ORIGIN}
    for part in domain.PARTS:
        values: Mapping[str, Any] | None = getattr(act, part)
        sealed[part] = None if values is None else {n: _seal(f"{part}.{n}", v, owner) for n, v in values.items()}
    return sealed


async def _key(session: Session, person_id: Any) -> PersonalKey | None:
    """The person's key; None for somebody who was erased, of whom nothing readable is kept any more."""
    try:
        return await personal_keys.get_or_make(session, person_id)
    except PersonIsErased:
        return None


def _seal(name: str, value: Any, key: PersonalKey | None) -> Any:
    if not isinstance(value, Personal):
        return domain.plain(value)
    if value.sealed is not None:
        return domain.rendered(value.sealed)
    if key is None or value.plain is None:
        return None
    return domain.rendered(key.seal(name, Personal(domain.plain(value.plain)).plaintext()))


async def keys_of(session: Session, records: Iterable[AuditRecord]) -> Keys:
    """The keys that open what these records hold; those of erased people are gone."""
    kids = {sealed.kid for record in records for _, sealed in _sealed_parts(json.loads(record.body))}
    return await personal_keys.find_by_kids(session, kids) if kids else {}


def open_all(records: Sequence[AuditRecord], keys: Keys) -> list[dict[str, Any]]:
    """What the records say; null where no key opens a part."""
    return [_open_record(json.loads(record.body), keys) for record in records]


def _open_record(record: dict[str, Any], keys: Keys) -> dict[str, Any]:
    for name in domain.ORIGIN:
        record[name] = _open(name, record[name], keys)
    for part in domain.PARTS:
        if record[part] is not None:
            record[part] = {name: _open(f"{part}.{name}", value, keys) for name, value in record[part].items()}
    return record


def _open(name: str, value: Any, keys: Keys) -> Any:
    sealed = domain.sealed_in(value)
    if sealed is None:
        return value
    key = keys.get(sealed.kid)
    return key.open(name, sealed) if key else None


def _sealed_parts(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    told = [(name, record[name]) for name in domain.ORIGIN]
    told += [(f"{part}.{n}", v) for part in domain.PARTS for n, v in (record[part] or {}).items()]
    return [(name, sealed) for name, value in told if (sealed := domain.sealed_in(value)) is not None]
