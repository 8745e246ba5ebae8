"""Hostile files, made from nothing and the same on every run.

Seeds are small valid models that together use most of the format. Attacks on bytes know nothing of
the format; attacks on words aim at offsets, vtables and lengths; attacks on values keep the file
well formed and make one of its values absurd; bombs are small files that ask for much.
"""

from __future__ import annotations

import functools
import itertools
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from quantlib.flatbuffer.layout import write_tables
from quantlib.flatbuffer.schema import SCHEMA, Kind
from quantlib.flatbuffer.tables import read_tables
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import (
    Buffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Signature,
    Subgraph,
    Tensor,
    TensorType,
)

Attack = Callable[[int], Iterator[bytes]]


def _record(table: str, **entries: object) -> Record:
    return Record(table, tuple(entries.items()))


def _quantized(*scales: float, zero_point: int = 0, axis: int = 0) -> Quantization:
    return Quantization(np.array(scales, np.float32), np.full(len(scales), zero_point, np.int64), axis)


def _convolution() -> Model:
    tensors = (
        Tensor(
            (1, 4, 4, 2),
            TensorType.INT8,
            0,
            "x",
            _quantized(0.5, zero_point=-3),
            shape_signature=(-1, 4, 4, 2),
        ),
        Tensor((2, 1, 1, 2), TensorType.INT8, 1, "w", _quantized(0.1, 0.2)),
        Tensor((2,), TensorType.INT32, 2, "b", _quantized(0.05, 0.1)),
        Tensor((1, 4, 4, 2), TensorType.INT8, 0, "y", _quantized(0.25, zero_point=7), has_rank=True),
    )
    options = _record("Conv2DOptions", padding=1, stride_w=1, stride_h=1)
    graph = Subgraph(tensors, (0,), (3,), (Operator(0, (0, 1, 2), (3,), options),), "main")
    return Model(
        3,
        (OperatorCode(3, "CONV_2D", 3),),
        (graph,),
        (
            Buffer(),
            Buffer(memoryview(bytes(range(4)))),
            Buffer(memoryview(bytes(8))),
            Buffer(memoryview(b"1.0")),
        ),
        "convolution",
        metadata=(Metadata("min_runtime_version", 3),),
        signatures=(Signature("serving_default", (("x", 0),), (("y", 3),)),),
    )


def _loop() -> Model:
    """WHILE over a counter, with a variable and an operator nobody has."""
    count = Tensor((), TensorType.INT32, 0, "n", has_rank=True)
    flag = Tensor((), TensorType.BOOL, 0, "go")
    one = Tensor((1,), TensorType.INT32, 1, "one")
    state = Tensor((2, 2), TensorType.FLOAT32, 0, "state", is_variable=True)
    loop = _record("WhileOptions", cond_subgraph_index=1, body_subgraph_index=2)
    custom = Operator(
        3, (1, -1, 2), (3,), custom_options=b"\1\2\3", mutating_variable_inputs=(False, False, True)
    )
    main = Subgraph((count, count, state, flag), (0,), (1,), (Operator(0, (0,), (1,), loop), custom))
    test = Subgraph((count, one, flag), (0,), (2,), (Operator(1, (0, 1), (2,), _record("LessOptions")),))
    body = Subgraph((count, one, count), (0,), (2,), (Operator(2, (0, 1), (2,), _record("AddOptions")),))
    codes = (
        OperatorCode(119, "WHILE"),
        OperatorCode(58, "LESS"),
        OperatorCode(0, "ADD"),
        OperatorCode(32, "mine", 1, "mine"),
    )
    return Model(3, codes, (main, test, body), (Buffer(), Buffer(memoryview(bytes((1, 0, 0, 0))))))


def _odds_and_ends() -> Model:
    """Strings, a sparse constant, 4-bit weights, data outside the root, newer options."""
    levels = (
        _record("DimensionMetadata", format=0, dense_size=2),
        _record(
            "DimensionMetadata",
            format=1,
            array_segments=_record("Uint8Vector", values=b"\0\1\2"),
            array_indices=_record("Int32Vector", values=(0, 3)),
        ),
    )
    sparsity = _record("SparsityParameters", traversal_order=(0, 1), dim_metadata=levels)
    strings = struct.pack("<4I", 2, 16, 17, 19) + b"abc"
    blocks = Quantization(details=_record("BlockwiseQuantization", scales=1, zero_points=-1, block_size=2))
    tensors = (
        Tensor((2,), TensorType.STRING, 1, "words"),
        Tensor((2, 4), TensorType.INT8, 2, "sparse", sparsity=sparsity),
        Tensor((3,), TensorType.INT4, 3, "nibbles", _quantized(0.1)),
        Tensor((4,), TensorType.INT4, 0, "blocks", blocks),
        Tensor(
            (),
            TensorType.VARIANT,
            0,
            "list",
            variant_tensors=(_record("VariantSubType", shape=(1,), type=9),),
        ),
    )
    pad = _record("StablehloPadOptions", edge_padding_low=(1, 2), edge_padding_high=(0,), interior_padding=())
    graph = Subgraph(tensors, (), (0, 1, 2), (Operator(0, (2,), (3,), options_2=pad, intermediates=(4, -1)),))
    buffers = (
        Buffer(),
        Buffer(memoryview(strings)),
        Buffer(memoryview(b"\7\7"), external=True),
        Buffer(memoryview(b"\x21\x03"), external=True),
    )
    return Model(3, (OperatorCode(195, "STABLEHLO_PAD"),), (graph,), buffers, metadata_buffer=(0,))


SEEDS = tuple(write_model(model()) for model in (_convolution, _loop, _odds_and_ends))


def truncated() -> Iterator[bytes]:
    """Every prefix of every seed."""
    for seed in SEEDS:
        for size in range(len(seed)):
            yield seed[:size]


def bits_flipped(count: int = 2000) -> Iterator[bytes]:
    """One to four bits anywhere."""
    choose = random.Random(1)
    for _ in range(count):
        file = bytearray(choose.choice(SEEDS))
        for _ in range(choose.randint(1, 4)):
            file[choose.randrange(len(file))] ^= 1 << choose.randrange(8)
        yield bytes(file)


def words_replaced() -> Iterator[bytes]:
    """Each aligned word, so each offset and each length, by values that offsets and lengths fear."""
    for seed in SEEDS:
        for at in range(0, len(seed) - 3, 4):
            (word,) = struct.unpack_from("<I", seed, at)
            for value in (0, 1, word + 1, word - 4, 2 * word, len(seed) - at, 2**31, 2**32 - 1):
                yield seed[:at] + struct.pack("<I", value % 2**32) + seed[at + 4 :]


def halves_replaced() -> Iterator[bytes]:
    """Each aligned half word, so each vtable entry."""
    for seed in SEEDS:
        for at in range(0, len(seed) - 1, 2):
            (half,) = struct.unpack_from("<H", seed, at)
            for value in (0, 3, half + 2, half - 2, 2**16 - 2):
                yield seed[:at] + struct.pack("<H", value % 2**16) + seed[at + 2 :]


def spliced(count: int = 1500) -> Iterator[bytes]:
    """The head of one file and the tail of another, or of itself elsewhere."""
    choose = random.Random(2)
    for _ in range(count):
        first, second = choose.choice(SEEDS), choose.choice(SEEDS)
        cut, start = choose.randrange(8, len(first)), choose.randrange(len(second))
        yield first[:cut] + second[start:]


def shuffled(count: int = 1500) -> Iterator[bytes]:
    """A stretch removed, doubled, zeroed or filled."""
    choose = random.Random(3)
    for _ in range(count):
        seed = choose.choice(SEEDS)
        start = choose.randrange(len(seed))
        end = min(len(seed), start + choose.choice((1, 2, 4, 8, 64)))
        middle = choose.choice((b"", seed[start:end] * 2, bytes(end - start), b"\xff" * (end - start)))
        yield seed[:start] + middle + seed[end:]


def random_bytes(count: int = 500) -> Iterator[bytes]:
    """Noise behind a root offset and the identifier."""
    choose = random.Random(4)
    for _ in range(count):
        size = choose.randrange(200)
        yield struct.pack("<I4s", choose.randrange(0, 64, 4), b"TFL3") + choose.randbytes(size)


def values_replaced(stride: int) -> Iterator[bytes]:
    """Every value of every seed, one at a time, by nothing and by extremes of its type."""
    for seed in SEEDS:
        root = read_tables(seed, {}, {("Buffer", "data"): lambda view: view})
        for changed in itertools.islice(_variants(root), 0, None, stride):
            yield write_tables(changed)


def _variants(record: Record) -> Iterator[Record]:
    fields = {field.name: field for field in SCHEMA.tables[record.table].fields}
    for index, (name, value) in enumerate(record.entries):
        for replacement in _replacements(fields[name].kind, fields[name].scalar.name, value):
            entries = list(record.entries)
            entries[index] = (name, replacement)
            yield Record(record.table, tuple(entries))


def _replacements(kind: Kind, scalar: str, value: Any) -> Iterator[Any]:
    if value is not None and kind is not Kind.SCALAR:
        yield None
    if kind is Kind.SCALAR:
        yield from _extremes(scalar, value)
    elif kind is Kind.STRING:
        yield from ("", "\udcff\x1b[31m\0", "n" * 3000)
    elif kind is Kind.VECTOR:
        old = tuple(value or ())
        yield ()
        yield old * 2 if old else (1,) * 9
        for at in range(min(len(old), 4)):
            for extreme in _extremes(scalar, old[at]):
                yield (*old[:at], extreme, *old[at + 1 :])
    elif kind is Kind.TABLES and value is not None:
        yield ()
        yield value + value
        yield value[::-1]
        for at, item in enumerate(value):
            yield value[:at] + value[at + 1 :]
            for changed in _variants(item):
                yield (*value[:at], changed, *value[at + 1 :])
    elif value is not None:
        yield from _variants(value)
        if kind is Kind.UNION:
            for name in ("ReshapeOptions", "StablehloPadOptions", "Int32Vector", "CustomQuantization"):
                if any(name in members and value.table in members for members in SCHEMA.unions.values()):
                    yield Record(name)


def _extremes(scalar: str, value: Any) -> Iterator[Any]:
    if scalar == "bool":
        yield not value
    elif scalar == "f32":
        yield from (0.0, -1.0, 1e-40, 3e38, float("inf"), float("nan"))
    else:
        info = np.iinfo(f"{scalar[0]}{SIZES[scalar[1:]]}")
        candidates = (info.min, info.max, -1, 0, 1, 4, 9, 65536, value + 1)
        yield from dict.fromkeys(c for c in candidates if info.min <= c <= info.max and c != value)


SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}


def bombs(stride: int) -> Iterator[bytes]:  # there are few of them, and each is its own
    """Small files that ask for much."""
    yield from _bombs()


@functools.cache
def _bombs() -> tuple[bytes, ...]:
    return tuple(_make_bombs())


def _make_bombs() -> Iterator[bytes]:
    yield _many_entries_for_one_table(1_100_000)
    yield _overlapping_vectors()
    tensor = Tensor((2**31 - 1,) * 8, TensorType.COMPLEX128)
    yield write_model(Model(3, (), (Subgraph((tensor,), (0,), (0,), ()),), ()))
    tensor = Tensor((65536, 65536), TensorType.INT8)  # 2**32 wraps to 0 in 32 bits
    yield write_model(Model(3, (), (Subgraph((tensor,) * 4, (0,), (0,), ()),), ()))
    tensor = Tensor((2**28,), TensorType.INT8)
    yield write_model(Model(3, (), (Subgraph((tensor,) * 8, (0,), (0,), ()),), ()))
    tensor = Tensor((1,) * 10_000, TensorType.INT8)
    yield write_model(Model(3, (), (Subgraph((tensor,), (0,), (0,), ()),), ()))
    few = Tensor((1,), TensorType.INT8)
    inputs = (0,) * 2000
    graph = Subgraph((few,), (0,), (0,), (Operator(0, inputs, ()),) * 600)  # one list of inputs for all
    yield write_model(Model(3, (OperatorCode(0, "ADD"),), (graph,), ()))
    # Subgraph i runs subgraph i + 1 twice: 2**25 calls from 26 subgraphs.
    graphs = []
    for index in range(26):
        options = _record("IfOptions", then_subgraph_index=index + 1, else_subgraph_index=index + 1)
        operators = (Operator(0, (), (), options),) if index < 25 else ()
        graphs.append(Subgraph((), (), (), operators))
    yield write_model(Model(3, (OperatorCode(118, "IF"),), tuple(graphs), ()))
    scales = _quantized(*[0.5] * 50_000)
    tensor = Tensor((50_000,), TensorType.INT8, 1, "w", scales)
    yield write_model(
        Model(3, (), (Subgraph((tensor,) * 5000, (), (), ()),), (Buffer(), Buffer(memoryview(bytes(50_000)))))
    )


def _edge(size: int, *pieces: tuple[int, str, tuple[int, ...]]) -> bytes:
    """A file of that many bytes, laid out by hand, its root table at byte 24 unless said."""
    file = bytearray(size)
    struct.pack_into("<I4s", file, 0, 24, b"TFL3")
    for at, layout, values in pieces:
        struct.pack_into("<" + layout, file, at, *values)
    return bytes(file)


_MODEL = ((8, "7H", (14, 8, 0, 0, 0, 0, 4)), (24, "iI", (16, 4)))
"""A Model at byte 24 with nothing but buffers, whose vector begins at byte 32."""

_SUBGRAPHS = ((8, "5H", (10, 8, 0, 0, 4)), (24, "iI", (16, 4)), (32, "II", (1, 8)))
"""A Model at byte 24 with one subgraph, which begins at byte 44."""

_OPERATORS = (*_SUBGRAPHS, (44, "iI", (44 - 80, 8)), (80, "6H", (12, 8, 0, 0, 0, 4)), (56, "II", (1, 8)))
"""One operator, which begins at byte 68; its vtable is to come at byte 92."""

EDGES: dict[str, tuple[bytes, bool]] = {
    "the smallest file": (struct.pack("<I4si", 8, b"TFL3", 6), True),
    "one byte less": (struct.pack("<I4si", 8, b"TFL3", 6)[:11], False),
    "a vtable that ends with the file": (_edge(38, (24, "i", (-10,)), (34, "HH", (4, 4))), True),
    "a vtable that ends behind it": (_edge(38, (24, "i", (-10,)), (34, "HH", (6, 4))), False),
    "a vtable of no bytes at the end": (_edge(30, (24, "i", (-4,))), True),
    "half a vtable length at the end": (_edge(29, (24, "i", (-4,))), False),
    "a vtable at the first byte": (_edge(28, (24, "i", (24,))), False),
    "a vtable at the first byte, its fields where the identifier says": (
        _edge(18_016, (0, "I", (8,)), (8, "i", (8,)), (13_140, "I", (4,))), True
    ),
    "a table that ends with the file": (_edge(32, (8, "HHH", (6, 8, 4)), (24, "iI", (16, 3))), True),
    "a table that ends behind it": (_edge(32, (8, "HHH", (6, 8, 5)), (24, "iI", (16, 3))), False),
    "an empty vector at the end": (_edge(36, *_MODEL), True),
    "8 bytes on a multiple of 4": (
        _edge(72, *_MODEL, (32, "II", (1, 12)), (40, "5H", (10, 16, 0, 4, 0)), (48, "i", (8,))), False
    ),
    "8 bytes on a multiple of 8": (
        _edge(72, *_MODEL, (32, "II", (1, 12)), (40, "5H", (10, 16, 0, 8, 0)), (48, "i", (8,))), True
    ),
    "one vtable for a table on 8 and one on 4": (
        _edge(96, *_MODEL, (32, "III", (2, 20, 28)), (44, "4H", (8, 12, 0, 8)), (56, "i", (12,)), (68, "i", (24,))), False
    ),
    "one vtable for two tables on 8": (
        _edge(96, *_MODEL, (32, "III", (2, 20, 32)), (44, "4H", (8, 12, 0, 8)), (56, "i", (12,)), (72, "i", (28,))), True
    ),
    "an offset of 0 in a vector": (_edge(44, *_MODEL, (32, "II", (1, 0))), True),
    "a union whose member number ends behind the file": (
        _edge(106, *_OPERATORS, (92, "7H", (14, 8, 0, 0, 0, 38, 0)), (68, "i", (-24,))), False
    ),
    "a union whose member number ends with the file": (
        _edge(107, *_OPERATORS, (92, "7H", (14, 8, 0, 0, 0, 38, 0)), (68, "i", (-24,))), True
    ),
    "a union without a member number": (
        _edge(108, *_OPERATORS, (92, "7H", (14, 8, 0, 0, 0, 0, 4)), (68, "iI", (-24, 3))), True
    ),
    "a union without a table": (
        _edge(108, *_OPERATORS, (92, "7H", (12, 8, 0, 0, 0, 4, 9)), (68, "iI", (-24, 1))), True
    ),
    "a union whose table is unaligned": (
        _edge(108, *_OPERATORS, (92, "7H", (14, 12, 0, 0, 0, 4, 8)), (68, "iBxxxI", (-24, 1, 5))), False
    ),
    "a union of an unknown member": (
        _edge(108, *_OPERATORS, (92, "7H", (14, 12, 0, 0, 0, 4, 8)), (68, "iBxxxI", (-24, 200, 5))), True
    ),
}  # fmt: skip
"""Files at the edge of being well formed, and on which side of it."""


def _many_entries_for_one_table(entries: int) -> bytes:
    """Model{buffers: a vector whose entries all point to the one buffer behind it}."""
    head = struct.pack("<I4s7H2H2xI", 28, b"TFL3", 14, 8, 0, 0, 0, 0, 4, 4, 4, 0)[:28]
    model = struct.pack("<iI", 28 - 8, 4)
    vector = struct.pack("<I", entries)
    end = 40 + 4 * entries
    offsets = np.arange(end - 40, 0, -4, dtype="<u4").tobytes()
    return head + model + vector + offsets + struct.pack("<i", end - 22)


def _overlapping_vectors() -> bytes:
    """Each tensor's shape begins one word later in one long run of numbers that are all lengths."""
    tensors = 4000
    words = 20_000
    file = bytearray(
        write_model(Model(3, (), (Subgraph((Tensor((1,), TensorType.INT8),) * tensors, (), (), ()),), ()))
    )
    start = len(file) + -len(file) % 4
    file += bytes(start - len(file)) + struct.pack("<I", words - tensors) * words
    # Find each tensor by its vector of offsets, and point its shape into the run.
    (root,) = struct.unpack_from("<I", file, 0)
    graphs = _follow(file, root, 2)
    graph = graphs + 4 + struct.unpack_from("<I", file, graphs + 4)[0]
    vector = _follow(file, graph, 0)
    for index in range(tensors):
        at = vector + 4 + 4 * index
        tensor = at + struct.unpack_from("<I", file, at)[0]
        place = _place(file, tensor, 0)
        struct.pack_into("<I", file, tensor + place, start + 4 * index - tensor - place)
    return bytes(file)


def _place(file: bytearray, table: int, slot: int) -> int:
    vtable = table - struct.unpack_from("<i", file, table)[0]
    return int(struct.unpack_from("<H", file, vtable + 4 + 2 * slot)[0])


def _follow(file: bytearray, table: int, slot: int) -> int:
    at = table + _place(file, table, slot)
    return int(at + struct.unpack_from("<I", file, at)[0])


def _thinned(attack: Callable[[], Iterator[bytes]]) -> Attack:
    @functools.wraps(attack)
    def run(stride: int) -> Iterator[bytes]:
        return itertools.islice(attack(), 0, None, stride)

    return run


ATTACKS: dict[str, Attack] = {
    **{
        attack.__name__: _thinned(attack)
        for attack in (
            truncated, bits_flipped, words_replaced, halves_replaced, spliced, shuffled, random_bytes
        )
    },
    "values_replaced": values_replaced,
    "bombs": bombs,
}  # fmt: skip


@pytest.fixture(scope="session")
def seeds() -> tuple[bytes, ...]:
    """The valid files that attacks start from."""
    return SEEDS


@pytest.fixture(params=list(ATTACKS), scope="session")
def attack(request: pytest.FixtureRequest) -> Attack:
    """One kind of attack: call it with a stride n for every nth of its files."""
    return ATTACKS[request.param]


@pytest.fixture(params=list(EDGES), scope="session")
def edge(request: pytest.FixtureRequest) -> tuple[bytes, bool]:
    """A file at the edge of being well formed, and whether it is."""
    return EDGES[request.param]


@pytest.fixture(scope="session")
def attacks() -> dict[str, Attack]:
    """All kinds of attack by name."""
    return ATTACKS
