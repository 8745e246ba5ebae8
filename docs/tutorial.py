"""Run the examples of tutorial.md and print the page with what they print.

    python docs/tutorial.py [--write docs/tutorial.md]
    python docs/tutorial.py --mnist float.tflite mnist.npz [--write page.md]

With ``--mnist`` the page is about another network: a float .tflite that takes one image of 28 by 28,
and an .npz as Keras ships it (x_train, x_test, y_test) or with the short names xtr, xte, yte.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).with_name("tutorial.md")
BLOCK = re.compile(r"(?P<remark><!-- [^>\n]* -->\n)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
DATA = "<!-- data -->"

MNIST = """\
>>> import numpy as np
>>> import quantlib as ql
>>> model = ql.read_model({model!r})
>>> data = np.load({data!r})
>>> calibration = data[{names[0]!r}][:100].astype(np.float32) / 255
>>> images = data[{names[1]!r}].astype(np.float32) / 255
>>> labels = data[{names[2]!r}]

"""


def mnist_block(model: Path, data: Path) -> str:
    """The examples that load other data."""
    import numpy as np

    with np.load(data) as held:
        names = ("x_train", "x_test", "y_test") if "x_test" in held else ("xtr", "xte", "yte")
    return MNIST.format(model=str(model), data=str(data), names=names)


def run_block(code: str, names: dict[str, object]) -> str:
    """The examples with what they print now."""
    lines = []
    for example in doctest.DocTestParser().get_examples(code):
        first, *more = example.source.splitlines()
        lines += [f">>> {first}", *(f"... {line}".rstrip() for line in more)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, "tutorial", "single"), names)  # noqa: S102 - our own page
        lines += printed.getvalue().splitlines()
    return "\n".join([*lines, "", ""])


def page(text: str, data_block: str | None = None) -> str:
    """The page, its examples run in one namespace, in a directory of their own."""
    names: dict[str, object] = {"__name__": "tutorial"}

    def renewed(match: re.Match[str]) -> str:
        remark = match["remark"] or ""
        is_data = remark.strip() == DATA
        code = data_block if is_data and data_block is not None else match["code"]
        return f"{remark}```python\n{run_block(code, names)}```"

    with _elsewhere():
        return BLOCK.sub(renewed, text)


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            yield
        finally:
            os.chdir(before)


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--mnist", nargs=2, type=Path, metavar=("MODEL", "DATA"), help="another network and images"
    )
    parser.add_argument("--write", type=Path, help="write the page there instead of printing it")
    options = parser.parse_args()
    block = None if options.mnist is None else mnist_block(*(path.resolve() for path in options.mnist))
    made = page(PAGE.read_text(encoding="utf-8"), block)
    if options.write is None:
        sys.stdout.write(made)
    else:
        options.write.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
