"""HTTP in: routers whose every route says who may call it, problem details, idempotency."""

from stoa_common.http.access import public, require
from stoa_common.http.router import Router

__all__ = ["Router", "public", "require"]
