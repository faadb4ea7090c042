"""Says loudly when the recorded exchange messages are not there."""

import pytest

from tests.captures import FOLDER


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FOLDER.is_dir():
        terminalreporter.section("NOT TESTED: recorded exchange messages", red=True)
        terminalreporter.line(f"none at {FOLDER}; name their folder in MARKETPRISM_CAPTURES")
