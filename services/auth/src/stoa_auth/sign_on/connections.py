"""Use cases of connections and proved domains, for an organization's admins and the platform's operators."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import service as organizations
from stoa_auth.sessions import federated
from stoa_auth.sign_on import domain, refusals
from stoa_auth.sign_on.desk import Desk
from stoa_auth.sign_on.models import Connection
from stoa_auth.sign_on.repository import ConnectionRepository, DomainRepository
from stoa_auth.sign_on.schemas import ConnectionChange, ConnectionIn, ConnectionOut, DomainOut, Policy
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.outgoing.client import UrlIsRefused
from stoa_common.pages import Page, PageQuery
from stoa_common.permissions import Role
from stoa_common.security import Principal

_TOLD = (
    "name",
    "client_id",
    "scopes",
    "default_roles",
    "roles_claim",
    "role_mapping",
    "admits_newcomers",
    "is_enabled",
)


async def create_connection(
    database: Database, wanted: ConnectionIn, *, desk: Desk, caller: Principal
) -> ConnectionOut:
    """Connect a provider that answers, and roles that the caller may give.

    Raises IssuerIsRefused, TooManyConnections, RoleIsUnknown, PermissionIsLacking.
    """
    organization_id = caller.organization_id
    # Before the transaction: nobody shall wait for a database while a stranger takes their time.
    await _check_issuer(desk, wanted.issuer)
    async with database.transaction() as session:
        repository = ConnectionRepository(session)
        if await repository.count(organization_id) >= domain.MOST_CONNECTIONS:
            raise refusals.TooManyConnections(domain.MOST_CONNECTIONS)
        await _check_power(session, [*wanted.default_roles, *wanted.role_mapping.values()], caller)
        connection = _new(wanted, organization_id, desk)
        repository.add(connection)
        _note(session, "connection.create", connection, caller, after={"issuer": connection.issuer} | _told(connection))
    return shown(connection, desk)


async def _check_issuer(desk: Desk, issuer: str) -> None:
    try:
        await desk.providers.check(issuer)
    except UrlIsRefused as refused:
        raise refusals.IssuerIsRefused(str(refused)) from None
    except (refusals.ProviderIsAway, refusals.ProviderIsRefused) as refused:
        raise refusals.IssuerIsRefused(refused.reason) from None


async def _check_power(session: Session, roles: Iterable[str], caller: Principal) -> None:
    """Nobody gives by a provider what they could not give by hand; and it logs in as any member but an owner."""
    wanted = {Role.ADMIN, *roles}
    await organizations.require_grantable(session, caller.organization_id, wanted, held=caller.permissions)


def _new(wanted: ConnectionIn, organization_id: UUID, desk: Desk) -> Connection:
    connection_id = new_id()
    return Connection(
        id=connection_id,
        organization_id=organization_id,
        name=wanted.name,
        issuer=wanted.issuer,
        client_id=wanted.client_id,
        sealed_secret=desk.sealer.seal(wanted.client_secret.get_secret_value(), connection_id=connection_id),
        scopes=_with_openid(wanted.scopes),
        default_roles=wanted.default_roles,
        roles_claim=wanted.roles_claim,
        role_mapping=wanted.role_mapping,
        admits_newcomers=wanted.admits_newcomers,
        is_enabled=True,
        created_at=clock.now(),
    )


def _with_openid(scopes: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(["openid", *scopes]))


async def list_connections(
    session: Session, window: PageQuery, *, desk: Desk, caller: Principal
) -> Page[ConnectionOut]:
    """The organization's connections; all of them for an operator."""
    found, following = await ConnectionRepository(session).page_visible(caller, window)
    return Page(items=[shown(each, desk) for each in found], next=following)


async def get_connection(session: Session, connection_id: UUID, *, desk: Desk, caller: Principal) -> ConnectionOut:
    """Raises ConnectionIsUnknown."""
    return shown(_known(await ConnectionRepository(session).find_visible(connection_id, caller)), desk)


async def change_connection(
    session: Session, connection_id: UUID, change: ConnectionChange, *, desk: Desk, caller: Principal
) -> ConnectionOut:
    """Raises ConnectionIsUnknown, RoleIsUnknown, PermissionIsLacking."""
    connection = _known(await ConnectionRepository(session).lock_visible(connection_id, caller))
    before = _told(connection)
    given = change.model_dump(exclude_unset=True, exclude={"client_secret"})
    changed = {name: value for name, value in given.items() if value is not None or name == "roles_claim"}
    for name, value in changed.items():
        setattr(connection, name, _with_openid(value) if name == "scopes" else value)
    if change.client_secret is not None or changed.keys() - {"name", "is_enabled"}:
        # All that it gives, also where that stays: another claim may give it to others.
        await _check_power(session, [*connection.default_roles, *connection.role_mapping.values()], caller)
    if change.client_secret is not None:
        connection.sealed_secret = desk.sealer.seal(
            change.client_secret.get_secret_value(), connection_id=connection.id
        )
    _note_change(session, connection, before, caller, is_secret_new=change.client_secret is not None)
    if before["is_enabled"] and not connection.is_enabled:
        await federated.end_federated(session, connection.organization_id)
    return shown(connection, desk)


def _note_change(
    session: Session, connection: Connection, before: Mapping[str, Any], caller: Principal, *, is_secret_new: bool
) -> None:
    after = _told(connection)
    differing = [name for name in after if after[name] != before[name]]
    _note(
        session,
        "connection.change",
        connection,
        caller,
        before={name: before[name] for name in differing},
        after={name: after[name] for name in differing} | ({"client_secret": "replaced"} if is_secret_new else {}),
    )


async def delete_connection(session: Session, connection_id: UUID, *, caller: Principal) -> None:
    """With its identities; whoever had no other way to log in sets a password by mail. Raises ConnectionIsUnknown."""
    repository = ConnectionRepository(session)
    connection = _known(await repository.lock_visible(connection_id, caller))
    _note(session, "connection.delete", connection, caller, before={"issuer": connection.issuer} | _told(connection))
    await federated.end_federated(session, connection.organization_id)
    await repository.delete(connection)


def _known(connection: Connection | None) -> Connection:
    if connection is None:
        raise refusals.ConnectionIsUnknown
    return connection


def _told(connection: Connection) -> dict[str, Any]:
    return {name: getattr(connection, name) for name in _TOLD}


def _note(
    session: Session,
    action: str,
    connection: Connection,
    caller: Principal,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.note(
        session,
        action,
        actor=caller.person_id,
        organization_id=connection.organization_id,
        target=connection.id,
        before=before,
        after=after,
    )


def shown(connection: Connection, desk: Desk) -> ConnectionOut:
    return ConnectionOut(
        id=connection.id,
        organization_id=connection.organization_id,
        issuer=connection.issuer,
        created_at=connection.created_at,
        redirect_uri=desk.redirect_uri(connection.id),
        log_in_url=desk.log_in_url(connection.id),
        **_told(connection),
    )


async def get_policy(session: Session, *, caller: Principal) -> Policy:
    return Policy(required=await organizations.get_sign_on_policy(session, caller.organization_id))


async def set_policy(session: Session, wanted: Policy, *, caller: Principal) -> Policy:
    """Raises NothingToSignOnBy."""
    organization_id = caller.organization_id
    if wanted.required and not await ConnectionRepository(session).has_enabled(organization_id):
        raise refusals.NothingToSignOnBy
    await organizations.set_sign_on_policy(
        session, organization_id, is_required=wanted.required, actor=caller.person_id
    )
    return wanted


async def prove_domain(session: Session, name: str, organization_id: UUID, *, caller: Principal) -> DomainOut:
    """Note that the domain is the organization's. Raises OrganizationIsUnknown, DomainIsAnothers."""
    await organizations.get_organization(session, organization_id, caller=caller)
    repository = DomainRepository(session)
    added = await repository.add_unless_known(name, organization_id, at=clock.now())
    proved = added or await repository.get(name)
    if proved.organization_id != organization_id:
        raise refusals.DomainIsAnothers
    if added is not None:
        _note_domain(session, "domain.prove", name, organization_id, caller)
    return DomainOut.model_validate(proved)


async def withdraw_domain(session: Session, name: str, *, caller: Principal) -> None:
    """The domain is nobody's from now on; identities that were linked by it stay. Raises DomainIsUnknown."""
    organization_id = await DomainRepository(session).delete(name)
    if organization_id is None:
        raise refusals.DomainIsUnknown
    _note_domain(session, "domain.withdraw", name, organization_id, caller)


def _note_domain(session: Session, action: str, name: str, organization_id: UUID, caller: Principal) -> None:
    audit.note(session, action, actor=caller.person_id, organization_id=organization_id, target=name)


async def list_domains(session: Session, window: PageQuery, *, caller: Principal) -> Page[DomainOut]:
    """The domains that the organization has proved; everybody's for an operator."""
    found, following = await DomainRepository(session).page_visible(caller, window)
    return Page(items=[DomainOut.model_validate(each) for each in found], next=following)
