"""Progress of a run, shown once it has taken more than a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from quantlib.runtime.trace import Event, Finished, Watch

__all__ = ["operators_progress"]

PATIENCE = 1.0
"""Seconds of silence before a bar appears."""


@contextmanager
def operators_progress(total: int, label: str) -> Iterator[Watch]:
    """A watcher that draws one step per finished operator, on standard error.

    Parameters
    ----------
    total : int
        Operators in all.
    label : str
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(label, total=total)
    began = time.monotonic()

    def watch(event: Event) -> None:
        if isinstance(event, Finished):
            bar.update(task, advance=1)
        if not bar.live.is_started and time.monotonic() - began > PATIENCE:
            bar.start()

    try:
        yield watch
    finally:
        bar.stop()
