"""Celery's configuration, from the settings tree. Names here are Celery's own."""

from redis.backoff import NoBackoff as _NoBackoff
from redis.retry import Retry as _Retry

from beat.keys import Keys as _Keys
from config import load as _load
from config import queues as _queues

_settings = _load()

# Redis carries commands, never market data.
broker_url = _settings.redis.url
# Every run is a row of ClickHouse; a task does not wait for it.
result_backend = "tasks.results:ClickHouseBackend"
result_backend_thread_safe = True
broker_connection_retry_on_startup = True
# The default gives up after 100 tries, about 47 minutes, and takes the collector with it.
broker_connection_max_retries = None
broker_transport_options = {
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
}
redis_socket_timeout = 5
redis_socket_connect_timeout = 5
redis_socket_keepalive = True
redis_retry_on_timeout = True

accept_content = ["json"]
task_serializer = "json"
result_serializer = "json"
event_serializer = "json"
timezone = "UTC"
enable_utc = True

# Commands are idempotent and expire: acknowledged when taken, one at a time for each thread.
task_acks_late = False
# Concerns late acknowledgement only; the default warns at each loss of the broker.
worker_cancel_long_running_tasks_on_connection_loss = True
worker_prefetch_multiplier = 1
task_ignore_result = False
task_track_started = True

worker_pool = "threads"
worker_concurrency = _settings.celery.worker_concurrency
worker_hijack_root_logger = False
worker_redirect_stdouts = False
worker_send_task_events = True
task_send_sent_event = True

task_default_queue = _queues.DEFAULT_QUEUE

# The schedule is in Redis: beat/schedule.py makes the entries, beat/scheduler.py sends them.
beat_scheduler = "beat.scheduler:Scheduler"
beat_max_loop_interval = 2
# No schedule is kept there: a word on how this beat is, and the file's age tells a stuck one.
beat_schedule_filename = str(_settings.data_path / "run" / "beat-schedule")
redbeat_key_prefix = _Keys.of(_settings).entry
redbeat_redis_url = _settings.redis.url
redbeat_redis_options = {
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "retry": _Retry(_NoBackoff(), 1),
}
