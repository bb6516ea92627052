"""HTTP: dashboards."""

from uuid import UUID

from stoa_analytics.dashboards import service
from stoa_analytics.dashboards.schemas import CourseDashboard, EventSummary
from stoa_analytics.dependencies import WarehouseDep, reads_analytics_or_platform
from stoa_common.http import Router, require
from stoa_common.security import Caller

router = Router(prefix="/api/v1/analytics", tags=["analytics"])


@router.get("/courses/{course_id}", **require("analytics:read"))
async def get_course_dashboard(course_id: UUID, warehouse: WarehouseDep, caller: Caller) -> CourseDashboard:
    """A course in numbers: learners, attempts, scores, completion, and the questions that learners find hardest."""
    return await service.get_course(warehouse, course_id, caller=caller)


@router.get("/events/summary", **reads_analytics_or_platform())
async def summarize_events(warehouse: WarehouseDep, caller: Caller) -> EventSummary:
    """How many events there were, by topic and type: your organization's, or the platform's for its operators."""
    return await service.summarize_events(warehouse, caller=caller)
