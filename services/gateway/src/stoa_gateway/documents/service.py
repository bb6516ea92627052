"""The merged document, made again only when a service's own has changed."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from stoa_gateway.documents import domain
from stoa_gateway.routing.domain import Document, Upstream
from stoa_gateway.routing.service import Routing

API_VERSION = "1"


class Documents:
    """Shows what the routing knows as one OpenAPI document."""

    def __init__(self, routing: Routing, own: Sequence[tuple[Upstream, Document]] = ()) -> None:
        """`own` describes what the gateway answers itself."""
        self._routing = routing
        self._own = list(own)
        self._merged: dict[str, Any] = {}
        self._version = 0
        self._written: tuple[dict[str, Any], bytes, str] | None = None

    def add_own(self, owner: Upstream, document: Document) -> None:
        """Show also these routes of the gateway's own; before anybody has asked."""
        self._own.append((owner, document))

    def openapi(self) -> dict[str, Any]:
        """The document as of now; a service that never answered is absent from it."""
        if self._version != self._routing.version:
            known = sorted(self._routing.documents.items())
            parts = [*self._own, *((self._routing.upstreams[name], document) for name, document in known)]
            self._merged = domain.merge(parts, title="Stoa", version=API_VERSION)
            self._version = self._routing.version
        return self._merged

    def written(self) -> tuple[bytes, str]:
        """The document as JSON, with its entity tag: half a megabyte, written once and not for everybody who asks."""
        document = self.openapi()
        if self._written is None or self._written[0] is not document:
            body = orjson.dumps(document)
            self._written = document, body, f'"{sha256(body).hexdigest()[:32]}"'
        return self._written[1:]
