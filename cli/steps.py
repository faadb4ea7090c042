"""Steps with progress: a spinner and elapsed time each on a terminal, a line each elsewhere."""

import time
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


@dataclass
class _Step:
    name: str
    begun_s: float = field(default_factory=time.monotonic)
    ended_s: float | None = None
    detail: str = ""

    @property
    def elapsed(self) -> str:
        """`0.4 s`."""
        return f"{(self.ended_s or time.monotonic()) - self.begun_s:.1f} s"


class Steps:
    """Shows steps while its context is open; what has happened stays on the screen.

    Args:
        console: where to.
        live: redraw in place; else a line for each finished step.
        mark: shown before a finished step.
    """

    def __init__(self, console: Console, *, live: bool, mark: str = "✓") -> None:
        self._console, self._mark = console, mark
        self._steps: dict[str, _Step] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live = (
            Live(self, console=console, refresh_per_second=10, transient=False) if live else None
        )

    def begin(self, step: str) -> None:
        """A step has begun."""
        self._steps[step] = _Step(step)

    def done(self, step: str, detail: str) -> None:
        """A step is finished."""
        found = self._steps.setdefault(step, _Step(step))
        found.ended_s, found.detail = time.monotonic(), detail
        if self._live is None:
            self._console.print(f"  {self._mark} {step:<24} {detail} ({found.elapsed})")

    def __enter__(self) -> "Steps":
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, traceback)

    def __rich__(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        now_s = time.monotonic()
        for step in list(self._steps.values()):
            done = step.ended_s is not None
            grid.add_row(
                " ",
                Text(self._mark, style="green") if done else self._spinner.render(now_s),
                Text(f"{step.name:<24}", style="" if done else "bold"),
                Text(step.detail, style="dim", overflow="ellipsis", no_wrap=True),
                Text(step.elapsed, style="dim", justify="right"),
            )
        return grid
