"""`marketprism config check` and `marketprism config show`."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel, SecretStr

from cli.options import AsJson, ConfigFile, examples
from cli.output import UNBOUNDED, plain_errors, print_json
from config.describe import Kind, kind_at
from config.durations import format_duration
from config.exchanges import OFFERS
from config.explain import without_credentials
from config.load import ConfigError, Loaded, Problem, load_with_origins
from config.problem import DEFAULT, Keys, short_path
from config.settings import Settings
from workers.model.names import unknown_name

app = typer.Typer(no_args_is_help=True, help="Check the configuration, or show what is in effect.")

MASKED = "********"

SettingsFile = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="The file to check; default: the one in effect."),
]
SectionPath = Annotated[
    str | None,
    typer.Option("--section", metavar="PATH", help="Only this part, such as redis."),
]


@app.command(
    "check",
    epilog=examples("config check", "config check config/demo.yaml --json"),
)
def check_command(
    file: SettingsFile = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Name every wrong setting: its path, the value found, and what would be right.

    The environment counts as it would for a process. Exit code 0 if all is well, else 1.
    """
    try:
        loaded = load_with_origins(file)
        problems = _unoffered_channels(loaded)
    except ConfigError as error:
        problems = error.problems
    if problems:
        if as_json:
            print_json({"ok": False, "problems": [each.as_dict() for each in problems]})
        else:
            noun = "problem" if len(problems) == 1 else "problems"
            print("\n".join([*map(str, problems), f"{len(problems)} {noun}"]))
        raise typer.Exit(1)
    files = [short_path(each) for each in loaded.files]
    if as_json:
        print_json({"ok": True, "problems": [], "files": files})
    else:
        print(f"ok: {' over '.join(files)}")
        print("\n".join(_summary(loaded)))


@app.command(
    "show",
    epilog=examples("config show", "config show --section stability.memory", "config show --json"),
)
def show_command(
    section: SectionPath = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Print the settings in effect, secrets masked, each with where it was written.

    The YAML loads again; a line without a note is a default. JSON: files, settings, origins (by
    path, `{"redis.port": "environment MARKETPRISM_REDIS__PORT"}`).
    """
    with plain_errors(as_json=as_json):
        loaded = load_with_origins()
        keys = tuple(section.split(".")) if section else ()
        tree = _printable(loaded.settings, Kind(Settings))
        part = _part(tree, keys)
    if as_json:
        origins = {
            ".".join(map(str, path)): loaded.origins.of(path)
            for path in _leaf_paths(part, keys)
            if loaded.origins.of(path) != DEFAULT
        }
        files = [short_path(each) for each in loaded.files]
        print_json({"files": files, "settings": tree if not keys else part, "origins": origins})
        return
    if not isinstance(part, dict) or not part:
        part, keys = {keys[-1]: part}, keys[:-1]
    for depth, key in enumerate(keys):
        print(f"{'  ' * depth}{key}:")
    print("\n".join(_yaml_lines(part, keys, loaded)))


def _unoffered_channels(loaded: Loaded) -> list[Problem]:
    """Channels that an exchange of an installed package does not have; ours are known by then."""
    from workers.exchanges.registry import exchange

    problems = []
    for name, each in loaded.settings.enabled_exchanges().items():
        if name in OFFERS:
            continue
        offered = list(exchange(name).channels)
        for position, channel in enumerate(each.channels):
            if channel not in offered:
                path = f"exchanges.{name}.channels[{position}]"
                remedy = f"{name} has no such channel; choose of {', '.join(offered)}"
                origin = loaded.origins.of(("exchanges", name, "channels", position))
                problems.append(Problem(path, repr(channel), remedy, origin))
    return problems


def _summary(loaded: Loaded) -> list[str]:
    settings = loaded.settings
    lines = [
        f"  {name}: {', '.join(each.symbols)}; {', '.join(each.channels)}; {each.ws_url}"
        for name, each in settings.enabled_exchanges().items()
    ] or ["  no exchange is enabled"]
    servers = ", ".join(without_credentials(server) for server in settings.nats.servers)
    store = settings.clickhouse
    lines.append(
        f"  redis {settings.redis.host}:{settings.redis.port}, nats {servers}, "
        f"clickhouse {store.host}:{store.port}/{store.database}"
    )
    count = len(loaded.origins.variables)
    return [*lines, f"  {count} settings from the environment"] if count else lines


def _printable(value: Any, kind: Kind | None) -> Any:
    """Plain data: secrets masked, durations with their unit."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        root = type(value)
        return {name: _printable(getattr(value, name), kind_at(root, (name,))) for name in fields}
    if isinstance(value, dict):
        below = {key: kind_at(type(each), ()) for key, each in value.items() if _is_model(each)}
        return {key: _printable(each, below.get(key)) for key, each in value.items()}
    if isinstance(value, SecretStr):
        return MASKED if value.get_secret_value() else ""
    if isinstance(value, list):
        return [_printable(each, None) for each in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return format_duration(value) if kind and kind.duration else value
    return without_credentials(value) if isinstance(value, str) else value


def _is_model(value: object) -> bool:
    return isinstance(value, BaseModel)


def _part(tree: dict[str, Any], keys: Keys) -> Any:
    here: Any = tree
    for depth, key in enumerate(keys):
        if not isinstance(here, dict) or key not in here:
            above = ".".join(map(str, keys[:depth])) or "the tree"
            raise unknown_name(f"setting of {above}", key, here if isinstance(here, dict) else [])
        here = here[key]
    return here


def _leaf_paths(part: Any, keys: Keys) -> list[Keys]:
    if not isinstance(part, dict) or not part:
        return [keys]
    return [path for key, each in part.items() for path in _leaf_paths(each, (*keys, key))]


def _yaml_lines(part: dict[str, Any], keys: Keys, loaded: Loaded) -> list[str]:
    """A part as YAML lines, each setting with a note where it was written."""
    lines = []
    for key, value in part.items():
        path, indent = (*keys, key), "  " * len(keys)
        if isinstance(value, dict) and value:
            lines += [f"{indent}{_scalar(key)}:", *_yaml_lines(value, path, loaded)]
            continue
        origin = loaded.origins.of(path)
        note = "" if origin == DEFAULT else f"  # {origin}"
        # a masked secret is commented out: loaded again, the mask would be the password
        hidden, shown = ("# ", MASKED) if value == MASKED else ("", _scalar(value))
        lines.append(f"{indent}{hidden}{_scalar(key)}: {shown}{note}")
    return lines


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=UNBOUNDED, allow_unicode=True)
    return str(text).removesuffix("...\n").strip()
