"""The command: ``quantlib inspect | run | compare | demo``.

Exit status: 0 fine, 1 something differs, 2 wrong usage or a bad file.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the process's arguments.

    Raises
    ------
    SystemExit
        Always, with the exit status.
    """
    try:
        from quantlib.cli.commands import app, spread
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("quantlib"):
            raise
        sys.stderr.write(f"quantlib: {error.name} is missing; pip install 'tflite-quantlib[cli]'\n")
        raise SystemExit(2) from None
    app(spread(sys.argv[1:]))
