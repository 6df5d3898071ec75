"""Print lines, with a progress bar if stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def line_printer(total: int) -> Iterator[Callable[[str], None]]:
    """
    Provide a function that prints a line. If stderr is a terminal, show a progress bar there.

    :param total: the number of lines.
    """
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import Progress

    is_shared = sys.stdout.isatty()  # the lines and the progress bar are on one terminal
    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("Classifying", total=total)

        def print_line(line: str) -> None:
            if is_shared:
                # Print the line unchanged: do not wrap it, and do not read [local] as markup.
                console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
            else:
                _print_line(line)
            progress.advance(bar)

        yield print_line


def _print_line(line: str) -> None:
    print(line, flush=True)
