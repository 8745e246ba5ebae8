"""Our structural verdict is LiteRT's, on valid and on hostile files alike."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from quantlib.errors import LimitExceededError, MalformedModelError
from quantlib.flatbuffer.verify import verify

Attack = Callable[[int], Iterator[bytes]]

_CHILD = """
import struct, sys
from ai_edge_litert.interpreter import Interpreter, OpResolverType

while True:
    size = sys.stdin.buffer.read(4)
    if not size:
        break
    file = sys.stdin.buffer.read(struct.unpack("<I", size)[0])
    try:
        Interpreter(model_content=file, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        verdict = b"+"
    except Exception as error:
        verdict = b"-" if "not a valid Flatbuffer buffer" in str(error) else b"+"
    sys.stdout.buffer.write(verdict)
    sys.stdout.buffer.flush()
"""


class LiteRT:
    """LiteRT's verdict on files, asked in a child process that is replaced when it dies."""

    def __init__(self) -> None:
        self.deaths = 0
        self.child: subprocess.Popen[bytes] | None = None

    def accepts(self, file: bytes) -> bool:
        """Whether its FlatBuffers verifier lets the file through.

        Where the process dies, it died behind the verifier, building an interpreter.
        """
        if self.child is None:
            self.child = subprocess.Popen(
                [sys.executable, "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(struct.pack("<I", len(file)) + file)
        self.child.stdin.flush()
        verdict = self.child.stdout.read(1)
        if not verdict:
            self.deaths += 1
            self.close()
        return verdict != b"-"

    def close(self) -> None:
        if self.child is not None:
            for stream in (self.child.stdin, self.child.stdout):
                assert stream is not None
                stream.close()
            self.child.wait(60)
            self.child = None


@pytest.fixture(scope="module")
def litert() -> Iterator[LiteRT]:
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai-edge-litert is not installed")
    child = LiteRT()
    yield child
    child.close()


def accepted_by_us(file: bytes) -> bool:
    try:
        verify(file)
    except (MalformedModelError, LimitExceededError):
        return False
    return True


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_our_structural_verdict_is_litert_s(attack: Attack, litert: LiteRT, stride: int) -> None:
    compared = 0
    for file in attack(stride):
        if len(file) == 0:
            continue  # LiteRT takes no content as: no model was given
        assert accepted_by_us(file) == litert.accepts(file), file.hex()
        compared += 1
    assert compared >= 9


def test_our_structural_verdict_on_valid_files_is_litert_s(litert: LiteRT, seeds: tuple[bytes, ...]) -> None:
    for seed in seeds:
        assert litert.accepts(seed)
        assert accepted_by_us(seed)


def test_the_edge_of_being_well_formed_is_where_it_should_be(edge: tuple[bytes, bool]) -> None:
    file, well_formed = edge
    assert accepted_by_us(file) == well_formed


def test_the_edge_of_being_well_formed_is_litert_s(litert: LiteRT, edge: tuple[bytes, bool]) -> None:
    file, well_formed = edge
    assert litert.accepts(file) == well_formed
