"""Contestants in turns: each keeps the best of its turns, so that a disturbance hits all of them."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

Call = Callable[[], object]

BLOCK = 10e-3
"""Seconds of calls in a row before it is the next one's turn: caches are warm, as in steady use."""


@dataclass
class Best:
    """The shortest turn so far, in seconds a call: on the clock, and of the calling thread's processor time."""

    wall: float = float("inf")
    cpu: float = float("inf")
    calls: int = 0

    def add(self, call: Call, times: int = 1) -> None:
        """One more turn of so many calls.

        Calls are not timed one by one: the clock of processor time jumps now and then by as much as a
        short one takes.
        """
        before = time.thread_time_ns()
        began = time.perf_counter_ns()
        for _ in range(times):
            call()
        ended = time.perf_counter_ns()
        after = time.thread_time_ns()
        self.wall = min(self.wall, (ended - began) * 1e-9 / times)
        self.cpu = min(self.cpu, (after - before) * 1e-9 / times)
        self.calls += times


def once(call: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What a call returns, and its times."""
    kept: list[Result] = []
    best = Best()
    best.add(lambda: kept.append(call()))
    return kept[0], {"wall": best.wall, "cpu": best.cpu}


def in_turns(
    contestants: Mapping[str, Call], seconds: float, rounds: int | None = None
) -> dict[str, dict[str, float]]:
    """The best times of all contestants.

    Parameters
    ----------
    contestants : mapping of name to callable
    seconds : float
        How long to go on in all, but at least three rounds.
    rounds : int, optional
        Exactly so many rounds instead.
    """
    best = {name: Best() for name in contestants}
    blocks = {}
    for name, call in contestants.items():
        call()
        trial = Best()
        trial.add(call)
        blocks[name] = max(1, int(BLOCK / max(trial.wall, 1e-7)))
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        began, done = time.perf_counter(), 0
        while done < rounds if rounds else done < 3 or time.perf_counter() - began < seconds:
            for name, call in contestants.items():
                best[name].add(call, blocks[name])
            done += 1
    finally:
        if was_enabled:
            gc.enable()
    return {name: asdict(one) for name, one in best.items()}


def blas_core() -> str | None:
    """The kernels that NumPy's OpenBLAS chose, asked of the library itself; None where it cannot be asked."""
    try:
        mapped = Path("/proc/self/maps").read_text().splitlines()
        (path,) = {line.split()[-1] for line in mapped if "openblas" in line.rpartition("/")[2]}
        library = ctypes.CDLL(path)
    except (OSError, ValueError):
        return None
    for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename"):
        ask = getattr(library, name, None)
        if ask is not None:
            ask.restype, ask.argtypes = ctypes.c_char_p, []
            return str(ask().decode())
    return None


def resident_bytes() -> int | None:
    """Resident memory of the process; None where there is no /proc."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """The most it ever was; None where there is no /proc."""
    return _status("VmHWM")


def _status(entry: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{entry}:")), None)
