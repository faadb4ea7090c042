"""Tasks: doors to the rooms in workers/. `celery -A tasks ...` finds the app here.

Task and inspection modules are imported here, so that every process knows them: `celery inspect`
refuses a command its own process has not imported.
"""

from tasks import backfill, collector, inspection, poison, polling, quality
from tasks.celery import app

poison.install(app)

__all__ = ["app", "backfill", "collector", "inspection", "poison", "polling", "quality"]
