"""Sparse constants: the walk against a matrix encoded by hand, and each contradiction."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, Location
from quantlib.model.graph import Buffer, Model, Record, Subgraph, Tensor, TensorType
from quantlib.model.sparsity import stored_elements
from quantlib.model.validate import validate


def record(table: str, **entries: object) -> Record:
    return Record(table, tuple(entries.items()))


def dense(size: int) -> Record:
    return record("DimensionMetadata", format=0, dense_size=size, array_segments=None, array_indices=None)


def csr(segments: tuple[int, ...], indices: tuple[int, ...], table: str = "Int32Vector") -> Record:
    def vector(values: tuple[int, ...]) -> Record:
        return record(table, values=bytes(values) if table == "Uint8Vector" else values)

    return record(
        "DimensionMetadata",
        format=1,
        dense_size=0,
        array_segments=vector(segments),
        array_indices=vector(indices),
    )


def sparse(
    shape: tuple[int, ...], order: Any, metadata: Any, block_map: Any = None, buffer: int = 0
) -> Tensor:
    sparsity = record("SparsityParameters", traversal_order=order, block_map=block_map, dim_metadata=metadata)
    return Tensor(shape, TensorType.INT8, buffer, sparsity=sparsity)


@pytest.mark.parametrize("table", ["Int32Vector", "Uint16Vector", "Uint8Vector"])
def test_a_matrix_in_rows_stores_its_nonzero_elements(table: str) -> None:
    # [[5, 0, 0, 7], [0, 0, 0, 0], [0, 6, 0, 0]]
    tensor = sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 3), (0, 3, 1), table)))
    assert stored_elements(tensor, Location()) == 3


def test_blocks_are_stored_whole() -> None:
    # 4 x 4 in blocks of 2 x 2; two of the four blocks are there.
    metadata = (dense(2), csr((0, 1, 2), (0, 1)), dense(2), dense(2))
    assert stored_elements(sparse((4, 4), (0, 1, 2, 3), metadata, (0, 1)), Location()) == 8


def test_the_buffer_must_hold_what_is_stored() -> None:
    tensor = sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 3), (0, 3, 1))), buffer=1)
    graph = Subgraph((tensor,), (), (0,), ())
    validate(Model(3, (), (graph,), (Buffer(), Buffer(memoryview(b"\5\7\6")))))
    with pytest.raises(InvalidModelError, match=r"2 bytes .* wanted 3 bytes"):
        validate(Model(3, (), (graph,), (Buffer(), Buffer(memoryview(b"\5\7")))))


def test_sparse_elements_take_the_bytes_of_their_type() -> None:
    tensor = sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 3), (0, 3, 1))), buffer=1)
    for tensor_type, size in ((TensorType.FLOAT32, 12), (TensorType.INT16, 6), (TensorType.INT4, 2)):
        graph = Subgraph((dataclasses.replace(tensor, type=tensor_type),), (), (0,), ())
        validate(Model(3, (), (graph,), (Buffer(), Buffer(memoryview(bytes(size))))))
        with pytest.raises(InvalidModelError, match=f"wanted {size} bytes"):
            validate(Model(3, (), (graph,), (Buffer(), Buffer(memoryview(bytes(size - 1))))))


ROWS = csr((0, 2, 2, 3), (0, 3, 1))


@pytest.mark.parametrize(
    ("tensor", "field"),
    [
        (sparse((3, 4), None, None), "sparsity"),
        (sparse((3, 4), (0,), (dense(3),)), "sparsity"),
        (sparse((3, 4), (0, 1), (dense(3),)), "sparsity"),
        (sparse((3, 4), (0, 1, 2), (dense(3), dense(4), dense(1))), "sparsity"),
        (sparse((3, 4), (0, 0), (dense(3), ROWS)), "sparsity.traversal_order"),
        (sparse((3, 4), (0, 2), (dense(3), ROWS)), "sparsity.traversal_order"),
        (sparse((3, 4), (0, 1), (dense(2), ROWS)), "sparsity.dim_metadata[0].dense_size"),
        (sparse((3, 4), (1, 0), (dense(3), ROWS)), "sparsity.dim_metadata[0].dense_size"),
        (sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 3), (0, 3, 1)))), "sparsity.dim_metadata[1].array_segments"),
        (sparse((3, 4), (0, 1), (dense(3), csr((0, 3, 2, 3), (0, 3, 1)))), "sparsity.dim_metadata[1].array_segments"),
        (sparse((3, 4), (0, 1), (dense(3), csr((1, 2, 2, 3), (0, 3, 1)))), "sparsity.dim_metadata[1].array_segments"),
        (sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 4), (0, 3, 1)))), "sparsity.dim_metadata[1].array_segments"),
        (sparse((3, 4), (0, 1), (dense(3), csr((), ()))), "sparsity.dim_metadata[1].array_segments"),
        (sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 3), (0, 4, 1)))), "sparsity.dim_metadata[1].array_indices"),
        (sparse((3, 4), (0, 1), (dense(3), csr((0, 2, 2, 3), (0, -1, 1)))), "sparsity.dim_metadata[1].array_indices"),
        (sparse((3, 4), (0, 1), (dense(3), record("DimensionMetadata", format=2))), "sparsity.dim_metadata[1].format"),
        (sparse((4,), (0, 1), (dense(2), dense(0)), (0,)), "sparsity.dim_metadata.dense_size"),
        (sparse((4,), (0, 1), (dense(1), dense(3)), (0,)), "sparsity.dim_metadata.dense_size"),
        (sparse((4,), (0, 1), (dense(2), dense(2)), (1,)), "sparsity.block_map"),
        (sparse((4,), (0, 1), (dense(2), dense(2)), (-1,)), "sparsity.block_map"),
    ],
)  # fmt: skip
def test_a_description_that_contradicts_itself_is_refused(tensor: Tensor, field: str) -> None:
    with pytest.raises(InvalidModelError) as caught:
        stored_elements(tensor, Location(tensor=0))
    assert (caught.value.field, caught.value.tensor) == (field, 0)


def test_a_huge_description_is_walked_quickly() -> None:
    count = 300_000
    tensor = sparse((count, 4), (0, 1), (dense(count), csr(tuple(range(count + 1)), (1,) * count)))
    assert stored_elements(tensor, Location()) == count
    assert np.iinfo(np.int32).max > count
