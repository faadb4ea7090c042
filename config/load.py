"""From a YAML file and the environment to one Settings tree, with every problem named at once.

Order, later wins: defaults in settings.py, the file's `extends` base, the file, the environment.
`MARKETPRISM_` + the path with `__` between levels overrides any setting.
"""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from config.settings import ROOT, Settings

PREFIX = "MARKETPRISM_"
CONFIG_VARIABLE = "MARKETPRISM_CONFIG"
DEFAULT_FILE = ROOT / "config" / "marketprism.yaml"
CURRENT_STACK = ROOT / ".marketprism" / "current.json"
"""Written by `marketprism up` while a local stack runs: the environment its processes have."""

SHORT_FORMS = {
    "NATS_SERVERS": "NATS__SERVERS",
    "LOG_LEVEL": "LOG__LEVEL",
    "MEMORY_MAX_MB": "STABILITY__MEMORY__MAX_MB",
    "HEARTBEAT_BINANCE_SPOT_INTERVAL": "STABILITY__HEARTBEAT__BINANCE_SPOT__INTERVAL",
}


@dataclass(frozen=True)
class Problem:
    """One wrong setting: where it is, what was found, what would be right."""

    path: str
    found: str
    remedy: str
    origin: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found} ({self.origin}); {self.remedy}"


class ConfigError(Exception):
    """A setting is wrong; the process must not start.

    Attributes:
        problems: every problem found, not only the first.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def effective_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment settings are read from.

    Where no file is named (`MARKETPRISM_CONFIG`), a running local stack's environment is the base,
    so that a plain shell talks to the stack that runs.
    """
    given = dict(os.environ if env is None else env)
    if env is None and CONFIG_VARIABLE not in given and CURRENT_STACK.is_file():
        running = json.loads(CURRENT_STACK.read_text())["environment"]
        return {**running, **given}
    return given


def load(path: Path | str | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the settings.

    Args:
        path: the YAML file; default `MARKETPRISM_CONFIG`, else a running stack's, else
            config/marketprism.yaml.
        env: environment to read overrides from; default the process's own.

    Raises:
        ConfigError: with all problems, each with path, value found and remedy.
    """
    environment = effective_environment(env)
    file = Path(path or environment.get(CONFIG_VARIABLE) or DEFAULT_FILE)
    tree = read_file(file)
    overrides, problems = _from_environment(environment)
    _merge(tree, overrides)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems += [_problem(item, file, overrides) for item in error.errors()]
    if problems:
        raise ConfigError(problems)
    return settings


def read_file(file: Path) -> dict[str, Any]:
    """A YAML file's mapping, merged over the file it `extends`.

    Raises:
        ConfigError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        raise _file_error(file, "no such file", "name an existing file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _file_error(file, str(error), "name a readable text file") from error
    except yaml.YAMLError as error:
        where = str(error).replace("\n", " ")
        raise _file_error(file, where, "write valid YAML") from error
    tree: Any = {} if content is None else content
    if not isinstance(tree, dict):
        raise _file_error(file, type(tree).__name__, "write a mapping of sections")
    base = tree.pop("extends", None)
    if base is None:
        return tree
    below = read_file(file.parent / str(base))
    _merge(below, tree)
    return below


def _file_error(file: Path, found: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(str(file), found, remedy, "file")])


def _from_environment(env: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    tree: dict[str, Any] = {}
    problems: list[Problem] = []
    sections = set(Settings.model_fields)
    for name, value in sorted(env.items()):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        full = SHORT_FORMS.get(name.removeprefix(PREFIX), name.removeprefix(PREFIX))
        keys = full.lower().split("__")
        if keys[0] not in sections:
            known = [*(f"{PREFIX}{short}" for short in SHORT_FORMS), CONFIG_VARIABLE]
            known += [f"{PREFIX}{section.upper()}" for section in sections]
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "unset it"
            problems.append(Problem(name, repr(value), remedy, "environment"))
            continue
        _put(tree, keys, value)
    return tree, problems


def _put(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            return
        tree = below
    tree[keys[-1]] = value


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _problem(item: Any, file: Path, overrides: dict[str, Any]) -> Problem:
    keys = [str(key) for key in item["loc"]]
    remedy = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _siblings(keys[:-1]), n=1)
        remedy = f"no such setting; {f'did you mean {near[0]}?' if near else 'remove it'}"
    elif item["type"] == "missing":
        remedy = "a value is required"
    found = "nothing" if item["type"] == "missing" else repr(item["input"])
    secret = any("password" in key for key in keys)
    variable = f"environment {PREFIX}{'__'.join(keys).upper()}"
    origin = variable if _holds(overrides, keys) else str(file)
    return Problem(".".join(keys), "***" if secret else found, remedy, origin)


def _siblings(keys: list[str]) -> list[str]:
    """Names a section at this path knows."""
    model: type[BaseModel] = Settings
    for key in keys:
        field = model.model_fields.get(key)
        annotation: Any = field.annotation if field else None
        if annotation is None:
            continue
        values = getattr(annotation, "__args__", ())
        candidates = [annotation, *values]
        model = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model
        )
    return list(model.model_fields)


def _holds(tree: dict[str, Any], keys: list[str]) -> bool:
    here: Any = tree
    for key in keys:
        if not isinstance(here, dict) or key not in here:
            return False
        here = here[key]
    return True
