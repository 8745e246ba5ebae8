import doctest
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_example_of_the_chapter_on_numbers_runs():
    failed, tried = doctest.testfile(str(DOCS / "numbers.md"), module_relative=False)
    assert tried >= 30
    assert failed == 0
