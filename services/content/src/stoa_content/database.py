"""Every table of content, in one place for whoever needs them all."""

from stoa_common.database import Base
from stoa_content.assessments import models as assessments
from stoa_content.catalog import models as catalog
from stoa_content.courses import models as courses
from stoa_content.enrollments import models as enrollments
from stoa_content.imports import models as imports

FEATURES = (catalog, courses, enrollments, assessments, imports)
TABLES = Base.metadata.tables
