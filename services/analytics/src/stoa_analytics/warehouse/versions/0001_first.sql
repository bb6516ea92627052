-- Every event, once: copies that a redelivery brings have the same key, and FINAL keeps the latest of them.
-- Partition and key come from the event itself, so that all its copies meet in one partition.
CREATE TABLE IF NOT EXISTS events (
    organization_id UUID,
    topic LowCardinality(String),
    type LowCardinality(String),
    id UUID,
    subject String,
    sequence UInt64,
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    person_id UUID,
    course_id UUID,
    lesson_id UUID,
    quiz_id UUID,
    number Nullable(UInt32),
    score Nullable(Float64),
    passed Nullable(Bool),
    progress Nullable(Float64),
    correlation_id String,
    causation_id String,
    traceparent String,
    partition UInt32,
    offset UInt64,
    props String CODEC(ZSTD(3)),
    INDEX courses course_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (organization_id, type, toDate(occurred_at), person_id, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS item_responses (
    organization_id UUID,
    course_id UUID,
    quiz_id UUID,
    question_id UUID,
    attempt_id UUID,
    person_id UUID,
    number UInt32,
    title LowCardinality(String),
    score Float64,
    correct Bool,
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (organization_id, course_id, question_id, attempt_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS erased_people (
    person_id UUID,
    erased_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(erased_at)
ORDER BY person_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
