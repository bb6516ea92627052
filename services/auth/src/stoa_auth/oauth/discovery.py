"""What a client reads first: where everything is, and what it can do.

Sources: OpenID Connect Discovery 1.0, RFC 8414, RFC 9207, OpenID Connect RP-Initiated Logout 1.0.
"""

from typing import Any

from stoa_auth.keys.service import ALGORITHMS
from stoa_auth.oauth import domain
from stoa_auth.oauth.exchange import GRANT as TOKEN_EXCHANGE

_AUTHENTICATED = ["client_secret_basic", "client_secret_post"]


def document(issuer: str) -> dict[str, Any]:
    """Both documents in one: each standard ignores the members of the other."""
    here = f"{issuer}/api/v1/auth"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{here}/authorize",
        "token_endpoint": f"{here}/token",
        "userinfo_endpoint": f"{here}/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "introspection_endpoint": f"{here}/introspect",
        "revocation_endpoint": f"{here}/revoke",
        "end_session_endpoint": f"{here}/end-session",
        "scopes_supported": domain.scope_names(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*domain.GRANTS, TOKEN_EXCHANGE],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted(ALGORITHMS, reverse=True),
        "token_endpoint_auth_methods_supported": [*_AUTHENTICATED, "none"],
        "introspection_endpoint_auth_methods_supported": _AUTHENTICATED,
        "revocation_endpoint_auth_methods_supported": [*_AUTHENTICATED, "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "amr",
            "sid",
            "at_hash",
            "name",
            "email",
            "email_verified",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
