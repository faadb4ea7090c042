"""A YAML file as a tree that knows the line of every setting.

Stricter than `yaml.safe_load`: a key written twice is a problem, not a silent choice of the last.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.problem import ConfigError, Keys, Place, Problem, dotted, short_path


@dataclass
class YamlTree:
    """A file merged over the file it `extends`.

    Args:
        values: the merged mapping.
        places: the line of every setting, of the upper file where both hold it.
        problems: keys written twice.
        files: the files read, the named one first.
    """

    values: dict[str, Any]
    places: dict[Keys, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def read_tree(file: Path, above: tuple[Path, ...] = ()) -> YamlTree:
    """Read a file and what it `extends`.

    Args:
        file: the YAML file.
        above: files that extend this one, to notice a circle.

    Raises:
        ConfigError: a file is missing, is not YAML, is not a mapping, or extends itself.
    """
    if file.resolve() in above:
        raise _error(file, f"extends: {file.name}", "a file cannot extend itself; remove the line")
    tree = _read_one(file)
    base = tree.values.pop("extends", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        where = str(tree.places.get(("extends",), short_path(file)))
        raise ConfigError([Problem("extends", repr(base), "name one YAML file", where)])
    below = read_tree(file.parent / base, (*above, file.resolve()))
    merge(below.values, tree.values)
    return YamlTree(
        below.values,
        {**below.places, **tree.places},
        below.problems + tree.problems,
        tree.files + below.files,
    )


def merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Put `above` over `below`, mapping by mapping; lists are replaced whole."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            merge(below[key], value)
        else:
            below[key] = value


def _read_one(file: Path) -> YamlTree:
    text, tree = _text(file), YamlTree({}, files=[file])
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _walk(node, (), file, tree, set())
        values = {} if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        said = f"{error.problem or error.context or 'not YAML'} at {where}"
        tabs = "\\t" in said
        remedy = "indent with spaces, not tabs" if tabs else "write valid YAML (`name: value`)"
        raise _error(file, said, remedy) from None
    except yaml.YAMLError as error:
        raise _error(file, " ".join(str(error).split()), "write valid YAML") from None
    except (ValueError, RecursionError) as error:
        raise _error(file, str(error), "put the value in quotes") from None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise _error(file, f"a {type(values).__name__}", "write sections (`redis:`) with settings")
    tree.values = values
    return tree


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        siblings = (
            [each.name for each in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
        )
        near = difflib.get_close_matches(file.name, siblings, n=1)
        remedy = f"did you mean {file.parent / near[0]}?" if near else "name an existing file"
        raise _error(file, "no such file", remedy) from None
    except UnicodeDecodeError as error:
        said = f"byte {error.start} is not UTF-8"
        raise _error(file, said, "save it as UTF-8 text") from None
    except OSError as error:
        raise _error(file, str(error.strerror), "name a readable text file") from None


def _walk(node: Any, keys: Keys, file: Path, tree: YamlTree, seen: set[int]) -> None:
    """Note the line of every setting below a node; anchors are visited once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            tree.places[(*keys, position)] = Place(file, item.start_mark.line + 1)
            _walk(item, (*keys, position), file, tree, seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            path = (*keys, key)
            if key in lines and key != "<<":
                found = f"it twice, on lines {lines[key]} and {line}"
                where = str(Place(file, line))
                tree.problems.append(Problem(dotted(path), found, "keep one of them", where))
            lines[key] = line
            tree.places[path] = Place(file, line)
            _walk(value_node, path, file, tree, seen)


def _error(file: Path, found: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(short_path(file), found, remedy, "file")])
