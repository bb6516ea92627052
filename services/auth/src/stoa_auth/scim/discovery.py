"""What the SCIM endpoint says of itself (RFC 7643, sections 5 to 7)."""

from functools import cache
from typing import Any, Final

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    Meta,
    Pagination,
    Patch,
    Resource,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    Sort,
)

from stoa_auth.scim.domain import DEFAULT_COUNT, MOST_RESULTS
from stoa_auth.scim.schemas import DirectoryGroup, DirectoryUser, EnterpriseUser, GroupRole

_SCHEMAS: Final = (DirectoryUser, DirectoryGroup, EnterpriseUser, GroupRole)
_CONFIG: Final = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    pagination=Pagination(
        cursor=False,
        index=True,
        default_pagination_method=Pagination.DefaultPaginationMethod.index,
        default_page_size=DEFAULT_COUNT,
        max_page_size=MOST_RESULTS,
    ),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="API key",
            description="An API key of the organization with the scope scim:write, as a bearer token.",
            primary=True,
        )
    ],
)


def config(base: str) -> dict[str, Any]:
    return _said(_CONFIG, "ServiceProviderConfig", f"{base}/ServiceProviderConfig")


@cache
def resource_types(base: str) -> dict[str, dict[str, Any]]:
    """Each by its name."""
    found = [ResourceType.from_resource(model) for model in (DirectoryUser, DirectoryGroup)]
    return {str(each.id): _said(each, "ResourceType", f"{base}/ResourceTypes/{each.id}") for each in found}


@cache
def schemas(base: str) -> dict[str, dict[str, Any]]:
    """Each by its URN."""
    found: list[Schema] = [model.to_schema() for model in _SCHEMAS]
    return {str(each.id): _said(each, "Schema", f"{base}/Schemas/{each.id}") for each in found}


def _said(resource: Resource[Any], kind: str, location: str) -> dict[str, Any]:
    told = resource.model_copy(update={"meta": Meta(resource_type=kind, location=location)})
    return told.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
