"""What a wrong setting looks like to a person, and where each setting was written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

Keys = tuple[str | int, ...]
"""A setting's path: `("redis", "port")`, list positions as numbers."""

DEFAULT = "default"


@dataclass(frozen=True)
class Problem:
    """One wrong setting: where it is, what was found, what would be right."""

    path: str
    found: str
    remedy: str
    origin: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found} ({self.origin}); {self.remedy}"

    def as_dict(self) -> dict[str, str]:
        """`path`, `found`, `remedy`, `origin`."""
        return asdict(self)


class ConfigError(Exception):
    """A setting is wrong; the process must not start.

    Attributes:
        problems: every problem found, not only the first.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class Place(NamedTuple):
    """A line of a file, the first is 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{short_path(self.file)}:{self.line}"


@dataclass(frozen=True)
class Origins:
    """Where settings were written.

    Args:
        places: the line of every setting in the files, the nearest file's where several hold it.
        variables: the environment variable of every setting given there.
        file: the file that was named.
    """

    places: Mapping[Keys, Place]
    variables: Mapping[Keys, str]
    file: Path

    def of(self, keys: Keys) -> str:
        """`environment MARKETPRISM_REDIS__PORT`, `config/demo.yaml:4` or `default`.

        A section has the origin of what is in it.
        """
        variable = self._variable(keys) or self._variable_below(keys)
        if variable:
            return f"environment {variable}"
        return str(self.places[keys]) if keys in self.places else DEFAULT

    def near(self, keys: Keys) -> str:
        """As `of`, but a setting that is not written has the place of what surrounds it."""
        for length in range(len(keys), 0, -1):
            written = self.of(keys[:length])
            if written != DEFAULT:
                return written
        return short_path(self.file)

    def _variable_below(self, keys: Keys) -> str | None:
        return next((n for path, n in self.variables.items() if path[: len(keys)] == keys), None)

    def _variable(self, keys: Keys) -> str | None:
        lengths = range(len(keys), 0, -1)
        return next((self.variables[keys[:n]] for n in lengths if keys[:n] in self.variables), None)


def dotted(keys: Keys) -> str:
    """A path as people write it: `exchanges.binance_spot.symbols[1]`."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def short_path(file: Path) -> str:
    """The path from the working directory where the file lies below it, else as it is."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
