"""Runs commands in this process, or as a user would, with an environment of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from config.settings import ROOT

Run = Callable[..., Result]
COMMAND = [sys.executable, "-m", "cli.main"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("config", "show", env={...})`; the environment is as it was afterwards."""

    def invoke(*arguments: str, env: Mapping[str, str] = {}, stdin: str | None = None) -> Result:
        with monkeypatch.context() as changed:
            changed.setenv("MARKETPRISM_CONFIG", os.environ["MARKETPRISM_CONFIG"])
            for name, value in env.items():
                changed.setenv(name, value)
            result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def run_process(
    *arguments: str, env: Mapping[str, str] = {}, stdin: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """The command as its own process, within a minute."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | dict(env),
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
