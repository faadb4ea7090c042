"""The environment a stack's processes get, and the part of it that points others at the stack."""

import os
from pathlib import Path

from config.environment import PREFIX, path_of
from config.load import CONFIG_VARIABLE, DEFAULT_FILE
from config.settings import ROOT

DEMO_FILE = ROOT / "config" / "demo.yaml"


def choose(*, demo: bool, log_level: str | None, data_dir: Path | None = None) -> dict[str, str]:
    """Fix the settings of a new stack in this process's environment.

    Args:
        demo: use the demo's file, whatever else was named.
        log_level: overrides the setting.
        data_dir: overrides the setting.

    Returns:
        every variable of ours: what another process needs to see the same settings.
    """
    file = DEMO_FILE if demo else Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE)
    os.environ[CONFIG_VARIABLE] = str(file.expanduser().absolute())
    if log_level is not None:
        _override("LOG_LEVEL", log_level)
    if data_dir is not None:
        _override("DATA_DIR", str(data_dir.absolute()))
    return ours()


def ours() -> dict[str, str]:
    """The variables of this process that are settings of ours."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def _override(name: str, value: str) -> None:
    """Set a variable, and unset others that name the same setting."""
    variable = PREFIX + name
    for twin in [each for each in ours() if path_of(each) == path_of(variable)]:
        del os.environ[twin]
    os.environ[variable] = value
