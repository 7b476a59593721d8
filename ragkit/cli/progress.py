"""Progress bars: one a stage, on a terminal's standard error only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragkit.cli.output import console

if TYPE_CHECKING:
    from ragkit.protocols import Progress


@contextmanager
def progress_bars() -> Iterator[Progress | None]:
    """Show a bar a stage with rate and time left, on a terminal's standard error; elsewhere nothing."""
    screen = console(err=True)
    if not screen.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Items a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.1f}/s" if speed else "")

    stages: dict[str, TaskID] = {}
    done_of = "{task.completed:,.0f}/{task.total}"
    columns = (
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        TextColumn(done_of),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bars:

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield advance
