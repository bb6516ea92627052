"""What clients themselves call: the token endpoint, introspection, revocation, /userinfo, the discovery documents."""

from typing import Annotated, Any

from fastapi import Form, Header, Request, Response

from stoa_auth.oauth import discovery, inspection, tokens
from stoa_auth.oauth.answers import NO_STORE, EachOnce, OAuthRoute
from stoa_auth.oauth.authenticating import shown
from stoa_auth.oauth.exchange import GRANT as TOKEN_EXCHANGE
from stoa_auth.oauth.exchange import Counter, ServiceCredentials, exchange
from stoa_auth.oauth.inspection import Asked
from stoa_auth.oauth.schemas import IntrospectionOut, SubjectForm, TokenForm, TokenOut, TokenProblem, UserInfoOut
from stoa_auth.sessions.service import Tokens
from stoa_auth.settings import Settings
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["oauth"])
router.route_class = OAuthRoute
well_known = Router(prefix="/.well-known", tags=["oauth"])
TokensDep = Annotated[Tokens, resource(Tokens)]
ServicesDep = Annotated[ServiceCredentials, resource(ServiceCredentials)]
SettingsDep = Annotated[Settings, resource(Settings)]
Authorization = Annotated[str | None, Header(max_length=2000, description="HTTP Basic: the client's id and secret.")]
_REFUSED: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": TokenProblem,
        "description": "Refused, as RFC 6749 and RFC 9457 tell it.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


@router.post("/token", response_model=TokenOut, response_model_exclude_none=True, responses=_REFUSED, **public())
async def give_token(
    form: Annotated[TokenForm, Form()],
    _: EachOnce,
    request: Request,
    response: Response,
    database: DatabaseDep,
    made: TokensDep,
    services: ServicesDep,
    authorization: Authorization = None,
) -> TokenOut:
    """Trade a code, a refresh token, a client's secret, or by exchange another token, for tokens (RFC 6749, 8693)."""
    response.headers.update(NO_STORE)
    if form.grant_type == TOKEN_EXCHANGE:
        counter = Counter(database, made, request.app.state.verifier, services)
        is_shown = authorization is not None or form.client_id is not None
        return await exchange(counter, form, shown(authorization, form) if is_shown else None)
    return await tokens.grant_token(database, form, authorization, tokens=made)


@router.post(
    "/introspect", response_model=IntrospectionOut, response_model_exclude_none=True, responses=_REFUSED, **public()
)
async def introspect_token(
    form: Annotated[SubjectForm, Form()],
    _: EachOnce,
    request: Request,
    response: Response,
    session: SessionDep,
    settings: SettingsDep,
    authorization: Authorization = None,
) -> IntrospectionOut:
    """Tell a client with a secret what a token of its organization is worth now (RFC 7662)."""
    response.headers.update(NO_STORE)
    asked = Asked(form.token, request.app.state.verifier, settings.issuer)
    return await inspection.introspect(session, asked, shown(authorization, form))


@router.post("/revoke", response_class=Response, responses=_REFUSED, **public())
async def revoke_token(
    form: Annotated[SubjectForm, Form()],
    _: EachOnce,
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    authorization: Authorization = None,
) -> Response:
    """End what one of the client's tokens belongs to; a token that is none of its own is no error (RFC 7009)."""
    asked = Asked(form.token, request.app.state.verifier, settings.issuer)
    await inspection.hand_back(session, asked, shown(authorization, form))
    return Response(headers=NO_STORE)


@router.get("/userinfo", response_model=UserInfoOut, response_model_exclude_none=True, responses=_REFUSED, **public())
@router.post(
    "/userinfo",
    response_model=UserInfoOut,
    response_model_exclude_none=True,
    operation_id="get_user_info_by_post",
    responses=_REFUSED,
    **public(),
)
async def get_user_info(caller: Caller, request: Request, response: Response, session: SessionDep) -> UserInfoOut:
    """Who the person of an access token is, as far as its scopes go; it takes the scope openid (OpenID Connect)."""
    response.headers.update(NO_STORE)
    token = request.headers["authorization"].split()[1]
    return await inspection.describe_person(session, token, caller.person_id)


@well_known.get("/openid-configuration", **public())
async def get_openid_configuration(settings: SettingsDep, response: Response) -> dict[str, Any]:
    """Where an OpenID client finds everything (OpenID Connect Discovery)."""
    return _discovered(settings, response)


@well_known.get("/oauth-authorization-server", **public())
async def get_authorization_server(settings: SettingsDep, response: Response) -> dict[str, Any]:
    """Where an OAuth client finds everything (RFC 8414)."""
    return _discovered(settings, response)


def _discovered(settings: Settings, response: Response) -> dict[str, Any]:
    response.headers["Cache-Control"] = "public, max-age=300"
    return discovery.document(settings.issuer)
