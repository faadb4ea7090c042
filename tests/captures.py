"""The folder of recorded exchange messages beside the checkout; nothing of it is in here."""

import os
from pathlib import Path

import pytest

from config.settings import ROOT

FOLDER = Path(os.environ.get("MARKETPRISM_CAPTURES", ROOT.parent / "shared" / "captures"))


def needs_captures() -> Path:
    """The folder; skips the test, saying so, where it is not."""
    if not (FOLDER / "INDEX.md").is_file():
        pytest.skip(
            f"NOT RUN: no recorded exchange messages at {FOLDER}; "
            "set MARKETPRISM_CAPTURES to the folder that holds them"
        )
    return FOLDER
