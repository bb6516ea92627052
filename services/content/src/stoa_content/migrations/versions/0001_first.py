"""Courses, enrollments, quizzes with their attempts, import reports, and the tables that every service has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from stoa_common import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    tables.all_0001(op)
    _create_courses()
    _create_lessons()
    _create_enrollments()
    _create_quizzes()
    _create_attempts()
    _create_import_reports()


def _create_courses() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("source_format", sa.Text, nullable=False),
        sa.Column("lesson_count", sa.Integer, nullable=False),
        sa.Column("question_count", sa.Integer, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_courses"),
        sa.CheckConstraint("status IN ('draft', 'published')", name="ck_courses_status"),
        # An enrollment's progress is a share of these.
        sa.CheckConstraint("lesson_count > 0", name="ck_courses_lesson_count"),
    )
    op.create_index("ix_courses_organization_id_id", "courses", ["organization_id", "id"])


def _create_lessons() -> None:
    op.create_table(
        "chapters",
        *_place_in_course("chapters"),
        sa.PrimaryKeyConstraint("id", name="pk_chapters"),
    )
    op.create_table(
        "sections",
        *_place_in_course("sections"),
        sa.Column("chapter_id", sa.Uuid, _cascade("sections", "chapter_id", "chapters"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sections"),
    )
    op.create_table(
        "lessons",
        *_place_in_course("lessons"),
        sa.Column("section_id", sa.Uuid, _cascade("lessons", "section_id", "sections"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("videos", JSONB, nullable=False),
        sa.Column("quiz_id", sa.Uuid),
        sa.PrimaryKeyConstraint("id", name="pk_lessons"),
    )
    for table in ("chapters", "sections", "lessons"):
        op.create_index(f"ix_{table}_course_id", table, ["course_id", "position"])


def _create_enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("course_id", sa.Uuid, _cascade("enrollments", "course_id", "courses"), nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("lesson_count", sa.Integer, nullable=False),
        sa.Column("completed_count", sa.Integer, nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments"),
        sa.UniqueConstraint("course_id", "person_id", name="uq_enrollments_course_id_person_id"),
        sa.CheckConstraint("completed_count BETWEEN 0 AND lesson_count", name="ck_enrollments_completed_count"),
    )
    op.create_index("ix_enrollments_organization_id_id", "enrollments", ["organization_id", "id"])
    op.create_index("ix_enrollments_person_id", "enrollments", ["person_id"])
    op.create_table(
        "lesson_completions",
        sa.Column(
            "enrollment_id", sa.Uuid, _cascade("lesson_completions", "enrollment_id", "enrollments"), nullable=False
        ),
        sa.Column("lesson_id", sa.Uuid, _cascade("lesson_completions", "lesson_id", "lessons"), nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("enrollment_id", "lesson_id", name="pk_lesson_completions"),
    )
    op.create_index("ix_lesson_completions_person_id", "lesson_completions", ["person_id"])


def _create_quizzes() -> None:
    op.create_table(
        "quizzes",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("course_id", sa.Uuid, _cascade("quizzes", "course_id", "courses"), nullable=False),
        sa.Column("lesson_id", sa.Uuid, _cascade("quizzes", "lesson_id", "lessons"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("max_attempts", sa.Integer),
        sa.Column("passing_score", sa.Float, nullable=False),
        sa.Column("review", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quizzes"),
        sa.UniqueConstraint("lesson_id", name="uq_quizzes_lesson_id"),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("quiz_id", sa.Uuid, _cascade("questions", "quiz_id", "quizzes"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("key", JSONB, nullable=False),
        sa.Column("hints", JSONB, nullable=False),
        sa.Column("solution", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
    )
    op.create_index("ix_questions_quiz_id", "questions", ["quiz_id", "position"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("course_id", sa.Uuid, _cascade("attempts", "course_id", "courses"), nullable=False),
        sa.Column("lesson_id", sa.Uuid, nullable=False),
        sa.Column("quiz_id", sa.Uuid, _cascade("attempts", "quiz_id", "quizzes"), nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("outcomes", JSONB, nullable=False),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("quiz_id", "person_id", "number", name="uq_attempts_quiz_id_person_id_number"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="ck_attempts_score"),
    )
    op.create_index("ix_attempts_person_id", "attempts", ["person_id"])
    op.create_index("ix_attempts_quiz_id_id", "attempts", ["quiz_id", "id"])


def _create_import_reports() -> None:
    op.create_table(
        "import_reports",
        sa.Column("course_id", sa.Uuid, _cascade("import_reports", "course_id", "courses"), nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("counts", JSONB, nullable=False),
        sa.Column("unsupported", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("course_id", name="pk_import_reports"),
    )


def _place_in_course(table: str) -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("course_id", sa.Uuid, _cascade(table, "course_id", "courses"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
    ]


def _cascade(table: str, column: str, target: str) -> sa.ForeignKey:
    # Checked at the commit: a session writes the parts of an imported course in an order of its own.
    return sa.ForeignKey(
        f"{target}.id", name=f"fk_{table}_{column}", ondelete="CASCADE", deferrable=True, initially="DEFERRED"
    )
