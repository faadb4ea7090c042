"""Tasks: doors to the rooms in workers/. `celery -A tasks ...` finds the app here.

Task and inspection modules are imported here, so that every process knows them: `celery inspect`
refuses a command its own process has not imported.
"""

from tasks import collector, inspection, poison, polling
from tasks.celery import app

poison.install(app)

__all__ = ["app", "collector", "inspection", "poison", "polling"]
