"""Where filters and orders find what users and groups have: in their rows, and in those beside them."""

from typing import Final

from stoa_auth.scim.filtering import Source

_ACTIVE: Final = (
    "CASE WHEN scim_users.joined_at IS NULL THEN scim_users.active IS NOT FALSE ELSE NOT EXISTS ("
    "SELECT 1 FROM memberships s WHERE s.organization_id = scim_users.organization_id"
    " AND s.person_id = scim_users.person_id AND s.suspended_at IS NOT NULL) END"
)
_GROUPS: Final = (
    "(SELECT jsonb_agg(jsonb_build_object('value', g.id::text, 'display', g.search -> 'display_name',"
    " 'ref', lower(:base) || '/groups/' || g.id, 'type', 'direct'))"
    " FROM scim_group_members m JOIN scim_groups g ON g.id = m.group_id WHERE m.scim_user_id = scim_users.id)"
)
_MEMBERS: Final = (
    "(SELECT jsonb_agg(jsonb_build_object('value', m.scim_user_id::text, 'type', 'user',"
    " 'ref', lower(:base) || '/users/' || m.scim_user_id)) FROM scim_group_members m WHERE m.group_id = scim_groups.id)"
)

#: What `representing.py` says of what is shown beside users and groups.
_DIGEST: Final = (
    "(SELECT '-' || left(encode(sha256(convert_to("
    "string_agg(g.id || ' ' || (g.attributes ->> 'displayName'), chr(10) ORDER BY g.id), 'UTF8')), 'hex'), 16)"
    " FROM scim_group_members m JOIN scim_groups g ON g.id = m.group_id WHERE m.scim_user_id = scim_users.id)"
)
_SIZE: Final = "(SELECT '-' || nullif(count(*), 0) FROM scim_group_members m WHERE m.group_id = scim_groups.id)"
_USER_VERSION: Final = (
    f"('W/\"' || scim_users.revision || CASE WHEN {_ACTIVE} THEN '' ELSE 's' END || coalesce({_DIGEST}, '') || '\"')"
)
_GROUP_VERSION: Final = f"('W/\"' || scim_groups.revision || coalesce({_SIZE}, '') || '\"')"


def _meta(table: str, kind: str, *, version: str) -> dict[str, str]:
    return {
        "resource_type": f"CAST('{kind}' AS text)",
        "location": f"(lower(:base) || '/{kind.lower()}s/' || {table}.id)",
        "version": version,
        "created": f"{table}.created_at",
        "last_modified": f"{table}.changed_at",
    }


#: `:base` is the address of the SCIM endpoint.
USERS: Final = Source(
    "scim_users.search",
    {
        "id": "to_jsonb(scim_users.id::text)",
        "active": f"CASE WHEN scim_users.active IS NOT NULL THEN to_jsonb({_ACTIVE}) END",
        "groups": _GROUPS,
    },
    _meta("scim_users", "User", version=_USER_VERSION),
)
GROUPS: Final = Source(
    "scim_groups.search",
    {"id": "to_jsonb(scim_groups.id::text)", "members": _MEMBERS},
    _meta("scim_groups", "Group", version=_GROUP_VERSION),
)
