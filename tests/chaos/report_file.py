"""A report in a file that is written anew after every fault.

A run that is interrupted, or dies with its machine, leaves what it had found. JSON for programs,
and beside it the tables as text; `python -m tests.chaos --show FILE.json` prints them again.
"""

import io
from pathlib import Path

import msgspec
from rich.console import Console

from tests.chaos.report import Report
from tests.chaos.table import show

WIDTH = 160


class ReportFile:
    """Where a report is kept.

    Args:
        path: of the JSON file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, path.with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, report: Report) -> None:
        """Both files; a reader never sees half of one."""
        self._put(self.path, msgspec.json.format(msgspec.json.encode(report), indent=1))
        shown = io.StringIO()
        show(report, Console(width=WIDTH, file=shown))
        self._put(self.text, shown.getvalue().encode())

    def read(self) -> Report:
        """What was written last."""
        return msgspec.json.decode(self.path.read_bytes(), type=Report)

    def _put(self, path: Path, data: bytes) -> None:
        half = path.with_suffix(f"{path.suffix}.half")
        half.write_bytes(data)
        half.replace(path)
