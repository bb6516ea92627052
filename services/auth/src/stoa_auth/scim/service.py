"""Use cases of SCIM: see, make, change and remove what a directory says, be it of users or of groups."""

from collections.abc import Callable
from typing import Any

from stoa_auth.audit import service as audit
from stoa_auth.scim import domain, filtering, reading, representing
from stoa_auth.scim.kinds import Kind, Noted, Operations, Parameters, RecordT, SaidT
from stoa_auth.scim.repository import Listed
from stoa_auth.scim.representing import Answer
from stoa_auth.scim.settling import settle
from stoa_auth.scim.tidying import tidy
from stoa_common import clock


async def list_resources(kind: Kind[RecordT, SaidT], wanted: Parameters) -> dict[str, Any]:
    """Raises ScimRequestIsWrong."""
    await settle(kind.directory)
    window = domain.window(wanted.start_index_0, wanted.count)
    with reading.understood():
        listed = Listed(
            filtering.condition(wanted.filter, kind.source),
            filtering.order(wanted, kind.model, kind.source),
            base=kind.directory.base,
            **window,
        )
    records, total = await kind.page(listed)
    return representing.page(await kind.show(records, wanted), total, wanted, offset=window["offset"])


async def get_resource(kind: Kind[RecordT, SaidT], resource_id: str, wanted: Parameters) -> Answer:
    """Raises ResourceIsUnknown."""
    await settle(kind.directory)
    found = await kind.find(domain.parsed_id(resource_id, kind=kind.name))
    return await _answer(kind, domain.known(found, kind=kind.name), wanted)


async def _answer(kind: Kind[RecordT, SaidT], record: RecordT, wanted: Parameters) -> Answer:
    # What was changed is read again for the answer.
    await kind.directory.session.flush()
    return representing.answer((await kind.show([record], wanted))[0], wanted)


async def create_resource(kind: Kind[RecordT, SaidT], said: SaidT, wanted: Parameters) -> Answer:
    """Raises ScimRequestIsWrong, PermissionIsLacking; of users UserIsListed, EmailIsNotVerified, TooManyInvitations,
    TooManyProvisioned.
    """
    await settle(kind.directory)
    _tidy(kind, said)
    record, noted = await kind.make(said)
    _note(kind, "create", record, noted)
    return await _answer(kind, record, wanted)


async def replace_resource(
    kind: Kind[RecordT, SaidT], resource_id: str, said: SaidT, wanted: Parameters, *, if_match: str | None
) -> Answer:
    """Let the resource be what is said, and nothing more, but for what `complete` keeps.

    Raises as `create_resource`, ResourceIsUnknown, VersionHasChanged, and of users LastOwnerMustStay.
    """

    def change(current: SaidT) -> SaidT:
        kind.complete(said, current)
        said.replace(current)
        return said

    return await _change(kind, resource_id, change, wanted, if_match=if_match)


async def patch_resource(
    kind: Kind[RecordT, SaidT],
    resource_id: str,
    operations: Operations[SaidT],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    """All of the operations, or none. Raises as `replace_resource`."""

    def change(current: SaidT) -> SaidT:
        operations.patch(current)
        return current

    return await _change(kind, resource_id, change, wanted, if_match=if_match)


async def _change(
    kind: Kind[RecordT, SaidT],
    resource_id: str,
    change: Callable[[SaidT], SaidT],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    record, current = await _locked(kind, resource_id, if_match=if_match)
    with reading.understood():
        said = change(current)
    _tidy(kind, said)
    noted = await kind.keep(record, said)
    if noted is not None:
        domain.changed(record, at=clock.now())
        _note(kind, "change", record, noted)
    return await _answer(kind, record, wanted)


async def _locked(kind: Kind[RecordT, SaidT], resource_id: str, *, if_match: str | None) -> tuple[RecordT, SaidT]:
    """The record, and how it is shown, where it is the version that the caller means."""
    await settle(kind.directory)
    found = await kind.lock(domain.parsed_id(resource_id, kind=kind.name))
    record = domain.known(found, kind=kind.name)
    current = (await kind.show([record], Parameters()))[0]
    domain.check_version(representing.version_of(current), if_match)
    return record, current


async def delete_resource(kind: Kind[RecordT, SaidT], resource_id: str, *, if_match: str | None) -> None:
    """Raises ResourceIsUnknown, VersionHasChanged, PermissionIsLacking, LastOwnerMustStay."""
    record, _ = await _locked(kind, resource_id, if_match=if_match)
    _note(kind, "delete", record, await kind.part(record))


def _tidy(kind: Kind[Any, SaidT], said: SaidT) -> None:
    tidy(said)
    kind.require(said)


def _note(kind: Kind[RecordT, Any], verb: str, record: RecordT, noted: Noted) -> None:
    audit.note(
        kind.directory.session,
        f"scim-{kind.name}.{verb}",
        actor=kind.directory.actor,
        organization_id=kind.directory.organization_id,
        target=record.id,
        subject=noted.subject,
        before=noted.before,
        after=noted.after,
    )
