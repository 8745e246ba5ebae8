"""The few facts beside a kernel family that move bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT_PROFILE", "Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A runtime's release and the processor it runs on, as far as results depend on them.

    Parameters
    ----------
    runtime : {"litert", "tflite", "tflm"}
    release : tuple of int
        For example (2, 3, 0).
    gemm : {"x86_avx", "single", "x86_no_avx"}
        Which matrix kernels the optimized family runs: x86 with AVX rounds half up twice; ARM rounds
        once; x86 without AVX rounds once for int8 and as the reference for uint8.
    fma : bool
        Whether XNNPACK's float kernels fuse multiply and add.
    vectors : {"avx512f", "other"}
        The widest vectors that XNNPACK finds. They decide the order of its float sums and the formulas
        of its exponentials and of its float16 functions; only those of AVX-512, without the float16
        arithmetic of newer processors, were measured and are reproduced.
    float_packet : {4, 8}
        Floats in a vector that Eigen was compiled for: 4 in LiteRT's builds for x86-64, 8 in TensorFlow's.
    l1_bytes : int
        Of the processor's first data cache. Eigen divides deep products by it: 680 terms, or 400 with
        vectors of eight, fit 32 KB.
    num_threads : int
        The optimized MEAN splits channels among threads, and each slice has its own leftovers.

    Examples
    --------
    >>> Profile(release=(1, 2, 0)).release < (1, 3)
    True
    """

    runtime: Literal["litert", "tflite", "tflm"] = "litert"
    release: tuple[int, ...] = (2, 3, 0)
    gemm: Literal["x86_avx", "single", "x86_no_avx"] = "x86_avx"
    fma: bool = True
    vectors: Literal["avx512f", "other"] = "avx512f"
    float_packet: Literal[4, 8] = 4
    l1_bytes: int = 32768
    num_threads: int = 1


DEFAULT_PROFILE = Profile()
"""What was measured: ai-edge-litert 2.3.0, x86-64 with AVX-512 and FMA, one thread."""
