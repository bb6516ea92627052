"""Rules of allowed origins."""

from collections.abc import Sequence
from datetime import datetime

from stoa_auth.origins.models import OrganizationOrigins
from stoa_events.contracts.organizations import OrganizationOriginsChanged


def change(listed: OrganizationOrigins, origins: Sequence[str], *, at: datetime) -> OrganizationOriginsChanged | None:
    """List exactly these; None where nothing changes. Their order means nothing."""
    wanted = sorted(set(origins))
    if listed.origins == wanted:
        return None
    listed.origins = wanted
    listed.changed_at = at
    return OrganizationOriginsChanged(organization_id=listed.organization_id, origins=wanted, changed_at=at)
