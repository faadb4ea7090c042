"""Tasks: doors to the rooms in workers/. `celery -A tasks ...` finds the app here.

Task and inspection modules are imported here, so that every process knows them: `celery inspect`
refuses a command its own process has not imported.
"""

from tasks import collector, inspection, polling
from tasks.celery import app

__all__ = ["app", "collector", "inspection", "polling"]
