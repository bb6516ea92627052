"""The content service: courses, what learners do in them, and how courses come in."""

from stoa_common.service import Service
from stoa_content.assessments.router import router as assessments
from stoa_content.catalog.consumers import router as catalog_events
from stoa_content.catalog.router import router as catalog
from stoa_content.courses.quick import quick_course
from stoa_content.courses.router import router as courses
from stoa_content.dependencies import check_objects, open_resources
from stoa_content.enrollments.router import router as enrollments
from stoa_content.imports.folder import MAX_PACKED_BYTES
from stoa_content.imports.personal import uploads
from stoa_content.imports.router import router as imports
from stoa_content.imports.tasks import tasks
from stoa_content.settings import Settings

service = Service(
    name="content",
    settings=Settings,
    routers=[courses, enrollments, assessments, imports, catalog],
    quick=[quick_course],
    consumers=[catalog_events],
    tasks=tasks,
    resources=open_resources,
    personal_sources=[uploads],
    checks={"objects": check_objects},
    max_body_bytes=MAX_PACKED_BYTES,
)


def main() -> None:
    service.run()
