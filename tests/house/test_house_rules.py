"""Rules of the house that no tool checks for us."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import config
from config.settings import ROOT

PACKAGES = ("config", "workers", "tasks", "beat", "cli")
EVERYWHERE = (*PACKAGES, "tests", "benchmarks")
MAX_LINES = 400
FORBIDDEN_WORDS = ("Manager", "Handler", "Helper", "Utils")
FORBIDDEN_STEMS = re.compile(r"(^new_|_v\d+$|_old$|manager|handler|helper|utils)", re.IGNORECASE)


def modules(*folders: str) -> list[Path]:
    found = [*ROOT.glob("*.py")]
    for folder in folders:
        found += (ROOT / folder).rglob("*.py")
    return sorted(found)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name(path))


def test_config_is_ours_and_not_another_package_of_that_name():
    assert config.__file__ is not None
    assert Path(config.__file__).resolve() == ROOT / "config" / "__init__.py"
    assert Path(__file__).resolve().is_relative_to(ROOT)


def test_no_module_is_longer_than_400_lines():
    lengths = {name(path): len(path.read_text().splitlines()) for path in modules(*EVERYWHERE)}
    assert len(lengths) > 50
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def sleeps(module: ast.AST) -> Iterator[int]:
    """Lines that use or import time.sleep, asyncio.sleep and their like.

    A class that stands in for a service may: a slow drain is its work, nobody waits by it.
    """
    for node in ast.iter_child_nodes(module):
        stand_in = isinstance(node, ast.ClassDef) and not node.name.startswith("Test")
        if isinstance(node, ast.ImportFrom):
            if any(each.name == "sleep" for each in node.names):
                yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr == "sleep":
            yield node.lineno
        elif not stand_in:
            yield from sleeps(node)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("import time as t\nt.sleep(1)", [2], id="another-name"),
        pytest.param("from asyncio import sleep", [1], id="imported"),
        pytest.param("def test_x():\n  run(asyncio.sleep)", [2], id="passed-on"),
        pytest.param("class TestX:\n  def test(self):\n    time.sleep(1)", [3], id="in-a-class"),
        pytest.param("class Slow:\n  def work(self):\n    time.sleep(1)", [], id="stand-in"),
    ],
)
def test_a_sleep_is_recognised_however_it_is_spelt(code, found):
    assert list(sleeps(ast.parse(code))) == found


def test_no_test_sleeps():
    found = [f"{name(path)}:{line}" for path in modules("tests") for line in sleeps(tree(path))]
    assert found == []


def banned_names(path: Path) -> Iterator[str]:
    if FORBIDDEN_STEMS.search(path.stem):
        yield name(path)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef) and any(word in node.name for word in FORBIDDEN_WORDS):
            yield f"{name(path)}: class {node.name}"


def test_names_say_what_a_thing_is():
    assert [found for path in modules(*PACKAGES) for found in banned_names(path)] == []


def swallowed(module: ast.Module) -> Iterator[int]:
    """Lines of a bare except, and of handlers that do nothing but `pass`."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler):
            silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            if node.type is None or silent:
                yield node.lineno


def test_no_error_is_swallowed():
    found = [f"{name(p)}:{line}" for p in modules(*PACKAGES) for line in swallowed(tree(p))]
    assert found == []


def pins() -> list[str]:
    """The lock file's entries, continuation lines joined."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_every_pin_is_exact_and_has_a_hash():
    assert len(pins()) > 50
    for pin in pins():
        assert re.match(r"^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[^\s;]+( ;.*?)? +--hash=", pin), pin
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), pin


def test_the_lock_names_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b", text, re.M)


def test_the_lock_names_everything_the_project_asks_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["local"], *extras["dev"]]
    canonical = {re.sub(r"[-_.]+", "-", re.split(r"[=\[ ;]", pin)[0]).lower() for pin in pins()}
    for each in asked:
        wanted = re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", each)[0]).lower()
        assert wanted in canonical, f"{each} is not in requirements.lock"


def test_every_yaml_file_parses():
    files = [
        *ROOT.glob("*.y*ml"),
        *(path for folder in (*EVERYWHERE, "deploy") for path in (ROOT / folder).rglob("*.y*ml")),
    ]
    assert len(files) >= 4
    for path in files:
        assert list(yaml.safe_load_all(path.read_text())), name(path)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files under version control; an unpacked archive has none to tell."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / each for each in listed.stdout.split("\0") if each and (ROOT / each).is_file()]


def test_no_file_names_a_place_of_one_machine(tracked):
    places = re.compile(rb"(?<![\w.])/(work|home|Users|tmp|root)/[\w.-]+")
    found = []
    for path in tracked:
        if path.suffix in {".gz", ".zst", ".png"} or path == Path(__file__):
            continue
        match = places.search(path.read_bytes())
        if match:
            found.append(f"{name(path)}: {match[0].decode()}")
    assert found == []


def test_generated_files_are_not_under_version_control(tracked):
    generated = {".venv", ".marketprism", "__pycache__", ".mypy_cache", ".ruff_cache"}
    assert [name(path) for path in tracked if generated & set(path.parts)] == []
