"""What a machine finds at well-known places: the index of the API (RFC 9727), and whom to tell of a hole (RFC 9116)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

PROFILE: Final = "https://www.rfc-editor.org/info/rfc9727"
#: Who reads the file again after this finds a newer date; a year is the most (RFC 9116, section 2.5.5).
_GOOD_FOR: Final = timedelta(days=90)


def api_catalog(base: str) -> dict[str, Any]:
    """The linkset (RFC 9264) of the one API: its description, its pages for people, and how to get in."""
    described = [{"href": f"{base}/openapi.json", "type": "application/openapi+json;version=3.1"}]
    meta = [
        {"href": f"{base}/.well-known/{name}", "type": "application/json"}
        for name in ("openid-configuration", "oauth-authorization-server", "jwks.json")
    ]
    api = {
        "anchor": f"{base}/api/v1",
        "service-desc": described,
        "service-doc": [{"href": f"{base}/docs", "type": "text/html"}],
        "service-meta": meta,
    }
    return {"linkset": [{"anchor": f"{base}/.well-known/api-catalog", "item": [{"href": f"{base}/api/v1"}]}, api]}


def security_txt(contacts: Sequence[str], *, base: str, now: datetime) -> str:
    """The file of RFC 9116 for these contacts (URIs, the preferred first)."""
    lines = [
        *(f"Contact: {contact}" for contact in contacts),
        f"Expires: {(now + _GOOD_FOR).strftime('%Y-%m-%dT00:00:00Z')}",
        "Preferred-Languages: en, ru",
        f"Canonical: {base}/.well-known/security.txt",
    ]
    return "\n".join(lines) + "\n"
