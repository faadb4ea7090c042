"""Flower's options from the settings, for `celery -A tasks flower`.

The celery command has loaded Flower, a plugin of it, before it loads the app. What is typed and
FLOWER_ variables are read afterwards and win.
"""

import sys

from config import Settings
from workers.local.ports import is_free

PORTS_TRIED = 20


def default_options(settings: Settings) -> None:
    """Set what the settings say; nothing where Flower is not loaded."""
    if "flower.command" not in sys.modules:
        return
    from flower.options import options

    ours = settings.flower
    options.port, options.address = ours.port, ours.address
    options.max_tasks = ours.max_tasks
    if ours.url_prefix:
        options.url_prefix = ours.url_prefix
    if ours.basic_auth is not None:
        users = ours.basic_auth.get_secret_value().split(",")
        options.basic_auth = [user.strip() for user in users if user.strip()]
    if "flower" not in sys.argv:  # every celery command loads Flower; only one starts it
        return
    free = _free_port(ours.port, ours.address)
    if free != ours.port:
        print(
            f"port {ours.port} (flower.port) is taken, probably by the running stack's Flower; "
            f"this one uses {free} and keeps nothing when it ends",
            file=sys.stderr,
        )
        options.port = free
    elif ours.persistent:
        run = settings.data_path / "run"
        run.mkdir(parents=True, exist_ok=True)
        options.persistent, options.db = True, str(run / "flower")
        options.state_save_interval = round(ours.save_interval * 1000)


def _free_port(wanted: int, address: str) -> int:
    ports = range(wanted, wanted + PORTS_TRIED)
    return next((port for port in ports if is_free(port, address)), wanted)
