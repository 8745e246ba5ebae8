"""LiteRT's own answer, asked of a child process that may die without harm.

Needs the extra ``litert``. The child is started on the first question, answers many, and is started
again after it died.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import OracleError
from quantlib.oracle import _messages

__all__ = ["Answer", "LiteRT", "is_available"]


def is_available() -> bool:
    """Whether ai-edge-litert is installed here (it has no wheel for every Python and system)."""
    return importlib.util.find_spec("ai_edge_litert") is not None


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What LiteRT computed.

    Parameters
    ----------
    tensors : mapping of tensor index to ndarray
        Every tensor that could be read, outputs included.
    """

    tensors: Mapping[int, NDArray[Any]]


class LiteRT:
    """A LiteRT interpreter in a child process; use it as a context manager.

    Parameters
    ----------
    timeout : float
        Seconds one question may take before the child is ended.
    python : str or os.PathLike, optional
        Another environment's Python, whose release of ai-edge-litert (or of its predecessor,
        tflite-runtime) is to answer; it needs NumPy and nothing of ours. Else this one's.

    Examples
    --------
    ::

        with LiteRT() as litert:
            answer = litert.run(data, [image], kernels="reference")
    """

    def __init__(self, *, timeout: float = 120.0, python: str | os.PathLike[str] | None = None) -> None:
        self._timeout = timeout
        self._python = None if python is None else os.fspath(python)
        self._process: subprocess.Popen[bytes] | None = None
        # A file, not a pipe: a pipe nobody reads fills up, and LiteRT talks.
        self._spoken = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()

    def run(
        self,
        model: bytes,
        inputs: Sequence[NDArray[Any]],
        *,
        kernels: str = "reference",
        preserve_all_tensors: bool = True,
        num_threads: int = 1,
        invocations: int = 1,
    ) -> Answer:
        """What LiteRT computes for one model and one set of inputs.

        Parameters
        ----------
        model : bytes
            A .tflite file.
        inputs : sequence of ndarray
            In the model's order; inputs of another shape are resized first.
        kernels : {"reference", "optimized", "xnnpack"}
        preserve_all_tensors : bool
            Read every intermediate, too. XNNPACK hides those of the nodes it takes.
        num_threads, invocations : int

        Returns
        -------
        Answer

        Raises
        ------
        OracleError
            LiteRT refused the model, is not installed, died, or took too long; the text says which.
        """
        arrays: dict[str, NDArray[Any]] = {"model": np.frombuffer(model, np.uint8)}
        arrays |= {f"input {position}": array for position, array in enumerate(inputs)}
        header = {
            "kernels": kernels,
            "preserve_all_tensors": preserve_all_tensors,
            "num_threads": num_threads,
            "invocations": invocations,
        }
        answer, results = self._ask(header, arrays)
        if answer.get("error"):
            raise OracleError("LiteRT", answer["error"], "an answer")
        return Answer({int(name.removeprefix("tensor ")): array for name, array in results.items()})

    def version(self) -> str:
        """The release that answers, for example ``2.3.0``.

        Raises
        ------
        OracleError
            It is not installed.
        """
        answer, _ = self._ask({"ask": "version"}, {})
        if answer.get("error"):
            raise OracleError("LiteRT", answer["error"], "ai-edge-litert installed")
        return str(answer["version"])

    def close(self) -> None:
        """End the child process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
        self._spoken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        if self._python is None and not is_available():
            raise OracleError("LiteRT", "ai-edge-litert is not installed", "the extra `litert`")
        process = self._child()
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(self._timeout, process.kill)
        watchdog.start()
        try:
            _messages.send(process.stdin, header, arrays)
            return _messages.receive(process.stdout)
        except (EOFError, BrokenPipeError):
            late = not watchdog.is_alive()
            self._process = None
            process.communicate()
            last = self._last_words()
            found = f"no answer in {self._timeout} s" if late else f"died with status {process.returncode}"
            raise OracleError("LiteRT", f"{found} {last}".strip(), "an answer") from None
        finally:
            watchdog.cancel()

    def _last_words(self) -> str:
        size = self._spoken.seek(0, 2)
        self._spoken.seek(max(size - 1000, 0))
        return " / ".join(self._spoken.read().decode(errors="replace").strip().splitlines()[-3:])

    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # The child finds this package wherever it is: another environment has not installed it.
            home = str(Path(__file__).parents[2])
            paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
            self._process = subprocess.Popen(
                [self._python or sys.executable, "-m", "quantlib.oracle.worker"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._spoken,
            )
        return self._process
