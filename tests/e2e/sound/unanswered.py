"""What no request from here succeeds at, and why: the fuzz fails where this list says too much or too little."""

from collections.abc import Mapping
from typing import Final

AUTH, FEED = "/api/v1/auth", "/api/v1/feed"
_PASSKEY = "takes what a security key has signed"
_PROVIDER = "takes an OpenID provider at an address that a platform with its own settings may ask"
_DELIVERY = "takes a webhook that is sent: its address would not be ours, since none is sent to one's own machine"
_NO_BATCHES = "no group of the service reads in batches"
_BAD_EVENT = "messaging/bad-events/{group}/{topic}/{partition}/{offset}"

UNANSWERED: Final[Mapping[str, str]] = {
    "POST /scim/v2/.search": "501: each kind has a search of its own (RFC 7644, section 3.4.3, leaves it out)",
    **{f"GET /api/v1/{service}/{_BAD_EVENT}": _NO_BATCHES for service in ("ai", "auth", "content")},
    f"GET {FEED}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}": _DELIVERY,
    f"POST {FEED}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}/replay": _DELIVERY,
    **{
        f"POST {AUTH}/{path}": _PASSKEY
        for path in (
            "passkeys",
            "login/passkey",
            "login/second-factor/passkey",
            "pages/passkey",
            "pages/passkey/options",
            "pages/step-up/passkey",
            "pages/step-up/passkey/options",
        )
    },
    **{
        f"{method} {AUTH}/{path}": _PROVIDER
        for method, path in (
            ("GET", "sign-on"),
            ("GET", "sign-on/{connection_id}"),
            ("GET", "sign-on/{connection_id}/callback"),
            ("POST", "sign-on/tokens"),
            ("POST", "sign-on-connections"),
            ("GET", "sign-on-connections/{connection_id}"),
            ("PATCH", "sign-on-connections/{connection_id}"),
            ("DELETE", "sign-on-connections/{connection_id}"),
            ("POST", "me/identities"),
            ("DELETE", "me/identities/{identity_id}"),
            ("POST", "pages/sign-on"),
            ("POST", "pages/identities"),
        )
    },
}

#: What succeeds, or is refused for what somebody else did a moment ago.
SOMETIMES: Final[Mapping[str, str]] = {f"POST {AUTH}/signing-keys/rotations": "409 until the newest key signs"}
