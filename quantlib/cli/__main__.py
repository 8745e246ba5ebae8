"""``python -m quantlib.cli`` is ``quantlib``."""

from quantlib.cli import main

main()
