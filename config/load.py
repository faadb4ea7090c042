"""From a YAML file and the environment to one Settings tree, with every problem named at once.

Order, later wins: defaults in settings.py, the file's `extends` base, the file, the environment.
`MARKETPRISM_` + the path with `__` between levels overrides any setting.
"""

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.checks import check
from config.environment import (
    CONFIG_VARIABLE,
    CURRENT_STACK,
    PREFIX,
    SHORT_FORMS,
    effective_environment,
    read_environment,
)
from config.explain import explain
from config.problem import ConfigError, Origins, Problem
from config.settings import ROOT, Settings, SimulatorSettings
from config.yaml_file import merge, read_tree

__all__ = [
    "CONFIG_VARIABLE",
    "CURRENT_STACK",
    "DEFAULT_FILE",
    "PREFIX",
    "SHORT_FORMS",
    "ConfigError",
    "Loaded",
    "Problem",
    "effective_environment",
    "load",
    "load_with_origins",
    "read_file",
]

DEFAULT_FILE = ROOT / "config" / "marketprism.yaml"


@dataclass(frozen=True)
class Loaded:
    """Settings, and where each of them came from.

    Args:
        settings: the validated tree.
        origins: file and line, or variable, of every setting that is not a default.
        files: the files read, the named one first.
    """

    settings: Settings
    origins: Origins
    files: list[Path]


def load(path: Path | str | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the settings.

    Args:
        path: the YAML file; default `MARKETPRISM_CONFIG`, else a running stack's, else
            config/marketprism.yaml.
        env: environment to read overrides from; default the process's own.

    Raises:
        ConfigError: with all problems, each with path, value found and remedy.
    """
    return load_with_origins(path, env).settings


def load_with_origins(
    path: Path | str | None = None, env: Mapping[str, str] | None = None
) -> Loaded:
    """As `load`, and tells where every setting was written."""
    # a named file stands for itself: a running stack's environment belongs to another
    environment = effective_environment(os.environ if path and env is None else env)
    file = _find(Path(path or environment.get(CONFIG_VARIABLE) or DEFAULT_FILE).expanduser())
    tree = read_tree(file)
    overrides = read_environment(environment)
    merge(tree.values, overrides.values)
    _name_simulator(tree.values)
    origins = Origins(tree.places, overrides.variables, file)
    settings, problems = _validate(tree.values, origins)
    problems = tree.problems + overrides.problems + problems
    if settings is None or problems:
        raise ConfigError(problems)
    return Loaded(settings, origins, tree.files)


def _name_simulator(tree: dict[str, Any]) -> None:
    """Put the simulated exchange's address where an exchange's URL says `{simulator}`."""
    sections = tree.get("simulator"), tree.get("exchanges")
    simulator, exchanges = (each if isinstance(each, dict) else {} for each in sections)
    usual = SimulatorSettings()
    place = f"{simulator.get('address', usual.address)}:{simulator.get('port', usual.port)}"
    for exchange in exchanges.values():
        for key in ("ws_url", "rest_url"):
            if isinstance(exchange, dict) and isinstance(exchange.get(key), str):
                exchange[key] = exchange[key].replace("{simulator}", place)


def _validate(
    tree: dict[str, Any], origins: Origins, found: tuple[Problem, ...] = ()
) -> tuple[Settings | None, list[Problem]]:
    """The settings and all problems.

    Single values are judged first. What only the whole tree can tell needs valid values, so wrong
    ones are taken out for that.
    """
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        items = error.errors()
        problems = [explain(Settings, item, tree, origins) for item in items]
        if found:
            return None, list(found)
        return _validate(_without(tree, [item["loc"] for item in items]), origins, tuple(problems))
    paths = {problem.path for problem in found}
    more = [each for each in check(settings, origins) if each.path not in paths]
    return settings, [*found, *more]


def _without(tree: dict[str, Any], paths: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """A copy without the settings at these paths, or without what misses them."""
    rest = copy.deepcopy(tree)
    for path in paths:
        written, pruned, section, last = tree, rest, rest, str(path[0])
        for key in map(str, path):
            if not isinstance(written, dict) or key not in written:
                break
            section, last, written, pruned = pruned, key, written[key], pruned.get(key, {})
        section.pop(last, None)
    return rest


def read_file(file: Path) -> dict[str, Any]:
    """A YAML file's mapping, merged over the file it `extends`.

    Raises:
        ConfigError: the file is missing, is not YAML, or is not a mapping.
    """
    tree = read_tree(file)
    if tree.problems:
        raise ConfigError(tree.problems)
    return tree.values


def _find(file: Path) -> Path:
    """A relative path is looked for in the working directory, then in the repository."""
    in_repository = ROOT / file
    return in_repository if not file.exists() and in_repository.exists() else file
