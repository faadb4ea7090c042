-- Runs of Celery tasks: who ran what, when, for how long, and what came of it. Celery's result backend (tasks/results.py).
--
-- Why these keys: a task's states (STARTED, RETRY, SUCCESS, ...) are rows of one id and the highest version stays; a final
-- state outranks every other, whatever the workers' clocks say. Why days: the last runs are found without reading the rest.
-- Why `forgotten`: AsyncResult.forget() writes a row that hides the task. Why text: arguments, result and error are JSON and
-- words as Celery gave them, secrets removed.
CREATE TABLE IF NOT EXISTS task_results
(
    task_id        String CODEC(ZSTD(3)),
    name           LowCardinality(String),
    arguments      String CODEC(ZSTD(3)),
    queue          LowCardinality(String),
    worker         LowCardinality(String),
    state          LowCardinality(String),
    started_ns     Nullable(Int64) CODEC(Delta, ZSTD),
    finished_ns    Nullable(Int64) CODEC(Delta, ZSTD),
    runtime_s      Nullable(Float64),
    retries        UInt32,
    error          String CODEC(ZSTD(3)),
    traceback      String CODEC(ZSTD(3)),
    result         String CODEC(ZSTD(3)),
    children       String CODEC(ZSTD(3)),
    group_id       String CODEC(ZSTD(3)),
    parent_id      String CODEC(ZSTD(3)),
    version        UInt64,
    forgotten      UInt8,
    stored_ns      Int64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(Delta, ZSTD),
    started_time   Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(started_ns, 'UTC'),
    finished_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(finished_ns, 'UTC'),
    stored_time    DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(stored_ns, 'UTC'),
    INDEX by_stored_ns stored_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, forgotten)
PARTITION BY toDate(fromUnixTimestamp64Nano(stored_ns, 'UTC'))
ORDER BY task_id;
