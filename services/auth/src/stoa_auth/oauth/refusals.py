"""What OAuth refuses, by the names that its clients know.

`code` is the standard's name (RFC 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core, section 3.1.2.6). Over HTTP
these are answered as the standards ask, with the problem's members beside it.
"""

from typing import ClassVar

from stoa_common.errors import BadRequest, Conflict, FieldError, Invalid, NotFound, Refusal


class OAuthRefusal(BadRequest):
    """The request can't be granted as it is."""

    code: ClassVar[str] = "invalid_request"


class RequestIsMalformed(OAuthRefusal):
    """A parameter is missing, comes twice, or is not what the standard says."""


class ClientIsNotKnown(OAuthRefusal):
    """The client did not show that it is the one it names; which part was wrong stays unsaid."""

    status, title = 401, "Client not authenticated"
    code = "invalid_client"

    def __init__(self) -> None:
        super().__init__(
            "No such client, or not its secret. Send what it was registered with.",
            headers={"WWW-Authenticate": 'Basic realm="stoa", charset="UTF-8"'},
        )


class GrantIsNotGood(OAuthRefusal):
    """The code or token is unknown, expired, used, another client's, or its person is gone; which stays unsaid."""

    code = "invalid_grant"

    def __init__(
        self, detail: str = "This code or token is no longer good. Ask the person to authorize again."
    ) -> None:
        super().__init__(detail)


class ClientMayNot(OAuthRefusal):
    """The client was not registered for this."""

    code = "unauthorized_client"


class GrantTypeIsUnknown(OAuthRefusal):
    code = "unsupported_grant_type"

    def __init__(self) -> None:
        super().__init__("Send a grant_type that /.well-known/oauth-authorization-server lists.")


class ResponseTypeIsUnknown(OAuthRefusal):
    code = "unsupported_response_type"


class ScopeIsTooWide(OAuthRefusal):
    """More is asked for than the client was registered for, or than was granted before."""

    code = "invalid_scope"


class TargetIsUnknown(OAuthRefusal):
    """A token is asked for somebody who is no service of Stoa (RFC 8693, section 2.2.2)."""

    code = "invalid_target"


class RequestObjectIsNotSupported(OAuthRefusal):
    code = "request_not_supported"


class RequestUriIsNotSupported(OAuthRefusal):
    code = "request_uri_not_supported"


class PersonSaidNo(OAuthRefusal):
    code = "access_denied"


class LogInIsNeeded(OAuthRefusal):
    code = "login_required"


class ConsentIsNeeded(OAuthRefusal):
    code = "consent_required"


class ClientIsUnknown(NotFound):
    """No such client, or none that the caller may see."""


class TooManyClients(Conflict):
    """The organization has as many clients as one may have."""


class ClientDoesNotAddUp(Invalid):
    """What the client is registered for does not fit together."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, errors=[FieldError(field=field, message=message)])


class ClientHasNoSecret(Conflict):
    """A public client has no secret to be rotated."""


class RedirectIsNotTrusted(BadRequest):
    """Nobody is sent anywhere: the client, or its redirect URI, was not registered (RFC 9700, section 4.1)."""


def code_of(refusal: Refusal) -> str:
    """The standard's name of any refusal at an OAuth endpoint."""
    if isinstance(refusal, OAuthRefusal):
        return refusal.code
    if refusal.status == 401:
        return "invalid_token"
    if refusal.status == 403:
        return "access_denied"
    if refusal.status in (429, 503):
        return "temporarily_unavailable"
    return "invalid_request" if refusal.status < 500 else "server_error"
