"""Settings in environment variables: `MARKETPRISM_` and the path with `__` between levels."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.describe import Kind, kind_at, leaves
from config.explain import show
from config.problem import ConfigError, Keys, Problem, short_path
from config.settings import ROOT, Settings

PREFIX = "MARKETPRISM_"
CONFIG_VARIABLE = "MARKETPRISM_CONFIG"
CURRENT_STACK = ROOT / ".marketprism" / "current.json"
"""Written by `marketprism up` while a local stack runs: the environment its processes have."""

SHORT_FORMS = {
    "NATS_SERVERS": "NATS__SERVERS",
    "LOG_LEVEL": "LOG__LEVEL",
    "MEMORY_MAX_MB": "STABILITY__MEMORY__MAX_MB",
    "HEARTBEAT_BINANCE_SPOT_INTERVAL": "STABILITY__HEARTBEAT__BINANCE_SPOT__INTERVAL",
}


@dataclass
class Overrides:
    """What the environment sets.

    Args:
        values: the tree of values, as text or, written as `{...}`, as mappings.
        variables: the variable of every path.
        problems: variables that name no setting, or a setting that another names too.
    """

    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[Keys, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def effective_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment settings are read from.

    Where no file is named (`MARKETPRISM_CONFIG`), a running local stack's environment is the base,
    so that a plain shell talks to the stack that runs. A file whose process is gone (it was
    killed) means nothing.

    Raises:
        ConfigError: the file the running stack left cannot be read.
    """
    given = dict(os.environ if env is None else env)
    if env is not None or CONFIG_VARIABLE in given or not CURRENT_STACK.is_file():
        return given
    try:
        stack = json.loads(CURRENT_STACK.read_text())
        running = dict(stack["environment"]) if is_running(int(stack["pid"])) else {}
    except FileNotFoundError:
        return given  # the stack ended between two looks
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "remove the file, or start the stack again: marketprism up"
        found = f"a file that cannot be used: {error!r}"
        raise ConfigError([Problem(short_path(CURRENT_STACK), found, remedy, "file")]) from error
    overridden = {path_of(name) for name in given if name.startswith(PREFIX)}
    return {n: v for n, v in running.items() if path_of(n) not in overridden} | given


def is_running(pid: int) -> bool:
    """Whether a process with this id lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def path_of(variable: str) -> Keys:
    """The setting a variable names: `MARKETPRISM_LOG_LEVEL` is `("log", "level")`."""
    name = variable.removeprefix(PREFIX)
    return tuple(SHORT_FORMS.get(name, name).lower().split("__"))


def variable_of(keys: Keys) -> str:
    """The variable that sets a path: `MARKETPRISM_REDIS__PORT`."""
    return PREFIX + "__".join(str(key) for key in keys).upper()


def read_environment(env: Mapping[str, str]) -> Overrides:
    """All settings in an environment, problems included."""
    found = Overrides()
    for name, value in sorted(env.items(), key=lambda item: (len(path_of(item[0])), item[0])):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        keys = path_of(name)
        problem = _misplaced(keys, name, value, found)
        if problem:
            found.problems.append(problem)
            continue
        found.variables[keys] = name
        _put(found.values, keys, _mapping(value) if value.startswith("{") else value)
    return found


def _misplaced(keys: Keys, name: str, value: str, found: Overrides) -> Problem | None:
    """Why a variable cannot be taken; None if it can."""
    shown = show(value, keys)
    origin = f"environment {name}"
    if keys[0] not in Settings.model_fields:
        near = difflib.get_close_matches(name, _known_variables(), n=1)
        remedy = f"no such setting; {f'did you mean {near[0]}?' if near else 'unset it'}"
        return Problem(name, shown, remedy, "environment")
    twin = found.variables.get(keys)
    if twin and found.values and value != _at(found.values, keys):
        remedy = f"{twin} sets the same to {show(_at(found.values, keys), keys)}; keep one of them"
        return Problem(".".join(map(str, keys)), shown, remedy, origin)
    kind = kind_at(Settings, keys)
    if kind and kind.section and not value.startswith("{"):
        below = variable_of((*keys, next(iter(kind.section.model_fields))))
        remedy = f"this is a section; set what is in it, such as {below}"
        return Problem(".".join(map(str, keys)), shown, remedy, origin)
    for length in range(1, len(keys)):
        above = kind_at(Settings, keys[:length])
        if above and above.section is None and not _free_names(above):
            remedy = f"nothing is below {variable_of(keys[:length])}; set that, or unset this"
            return Problem(".".join(map(str, keys)), shown, remedy, origin)
    return None


def _free_names(kind: Kind) -> bool:
    return getattr(kind.type, "__origin__", None) is dict


def _known_variables() -> list[str]:
    known = [*(f"{PREFIX}{short}" for short in SHORT_FORMS), CONFIG_VARIABLE]
    return known + [variable_of(keys) for keys in leaves(Kind(Settings))]


def _mapping(value: str) -> Any:
    """The mapping in `{"writer": 9102}`; the text itself where it is none, to be refused later."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _at(tree: dict[str, Any], keys: Keys) -> Any:
    here: Any = tree
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _put(tree: dict[str, Any], keys: Keys, value: Any) -> None:
    for key in keys[:-1]:
        below = tree.setdefault(str(key), {})
        if not isinstance(below, dict):
            return  # the value above is no mapping; validation names it
        tree = below
    tree[str(keys[-1])] = value
