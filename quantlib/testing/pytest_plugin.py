"""Fixtures for test suites that hold an engine against TFLite's numbers.

pytest loads this plugin where quantlib is installed. It adds the option ``--golden-update`` and the
fixtures `quantlib_litert` and `quantlib_golden`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from quantlib.oracle.litert import LiteRT

__all__ = ["Golden", "pytest_addoption", "quantlib_golden", "quantlib_litert"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--golden-update``."""
    group = parser.getgroup("quantlib")
    group.addoption("--golden-update", action="store_true", help="write golden files instead of comparing")


@pytest.fixture(scope="session")
def quantlib_litert() -> Iterator[LiteRT]:
    """LiteRT in a child process; the test is skipped where it is not installed."""
    from quantlib.oracle.litert import LiteRT, is_available

    if not is_available():
        pytest.skip("ai-edge-litert is not installed")
    with LiteRT() as running:
        yield running


class Golden:
    """Arrays kept beside the test file, in ``golden/<test file>/<name>.npz``.

    Parameters
    ----------
    directory : Path
    update : bool
        Write instead of compare.
    """

    def __init__(self, directory: Path, update: bool) -> None:
        self._directory = directory
        self._update = update

    def check(self, name: str, arrays: Mapping[str, ArrayLike]) -> None:
        """Fail unless every array has the kept bits.

        Parameters
        ----------
        name : str
            File name without its ending.
        arrays : mapping of name to array_like

        Raises
        ------
        AssertionError
            A difference, an array too many or too few, or no file yet (run with
            ``--golden-update`` to make it).
        """
        import numpy as np

        from quantlib.testing.assertions import assert_bit_exact
        from quantlib.testing.golden import save_npz

        path = self._directory / f"{name}.npz"
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_npz(path, arrays)
            return
        assert path.is_file(), f"{path} does not exist; run pytest with --golden-update"
        with np.load(path, allow_pickle=False) as kept:
            assert sorted(kept.files) == sorted(arrays), f"{path} holds {sorted(kept.files)}"
            for key, array in arrays.items():
                assert_bit_exact(array, kept[key], actual_name=key, expected_name="golden")


@pytest.fixture
def quantlib_golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files of the test that asks."""
    directory = request.path.parent / "golden" / request.path.stem
    return Golden(directory, bool(request.config.getoption("--golden-update")))
