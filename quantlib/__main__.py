"""``python -m quantlib`` is ``quantlib``."""

from quantlib.cli import main

main()
