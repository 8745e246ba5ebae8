import shutil
import subprocess

import numpy as np
import pytest

from quantlib.errors import InvalidInputError
from quantlib.testing.golden import c_header, hex_memory, save_c_header, save_hex_memory, save_npz

ARRAYS = {
    "codes": np.int8([[-128, 0, 127]]),
    "sums": np.int32([-(2**31), 2**31 - 1]),
    "wide": np.int64([-(2**63), 2**63 - 1, 5]),
    "masks": np.uint64([2**64 - 1]),
    "words": np.uint32([2**32 - 1]),
    "reals": np.float32([0.1, -1e-45, 3e38]),
    "doubles": np.float64([0.1]),
    "flags": np.array([True, False]),
}


def test_npz_round_trips(tmp_path):
    save_npz(tmp_path / "golden.npz", ARRAYS)
    with np.load(tmp_path / "golden.npz") as kept:
        assert all(kept[name].tobytes() == array.tobytes() for name, array in ARRAYS.items())


def test_hex_memory_reads_back_as_the_same_bits(tmp_path):
    for name, array in ARRAYS.items():
        save_hex_memory(tmp_path / name, array)
        words = [int(line, 16) for line in (tmp_path / name).read_text().split()]
        bits = array.reshape(-1).view(f"u{array.dtype.itemsize}")
        assert words == bits.tolist()


def test_hex_memory_writes_values_not_the_caller_s_byte_order():
    assert hex_memory(np.array([1], ">i2")).split() == ["0001"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_a_c_compiler_reads_the_header_as_the_same_bits(tmp_path):
    save_c_header(tmp_path / "golden.h", ARRAYS)
    prints = "".join(
        f'for (unsigned i = 0; i < sizeof {name}; i++) printf("%02x", ((const unsigned char *){name})[i]);\n'
        f'printf(" %d\\n", {name}_size);\n'
        for name in ARRAYS
    )
    program = f'#include "golden.h"\n#include <stdio.h>\nint main(void) {{\n{prints}return 0; }}\n'
    (tmp_path / "main.c").write_text(program)
    subprocess.run(["cc", "-Wall", "-Werror", "-o", "main", "main.c"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    expected = "".join(f"{array.tobytes().hex()} {array.size}\n" for array in ARRAYS.values())
    assert printed == expected


@pytest.mark.parametrize(
    "arrays",
    [
        {"not a name": np.int8([1])},
        {"text": np.array(["a"])},
        {"empty": np.int8([])},
        {"infinite": np.float32([np.inf])},
        {"half": np.float16([1])},
    ],
)
def test_what_c_cannot_hold_is_refused(arrays):
    with pytest.raises(InvalidInputError):
        c_header(arrays)
