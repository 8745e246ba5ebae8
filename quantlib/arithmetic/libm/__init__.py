"""The float32 functions of the C library, as glibc 2.36 on x86-64 computes them, from NumPy alone.

LiteRT's kernels call the C library of the machine they run on, so its last bits are part of their
results and of every table that is built from them. NumPy's own float32 functions give other last
bits (39 % of exp, 32 % of tanh), which also vary with the processor. These functions use only
additions, multiplications, divisions and conversions, which IEEE 754 fixes: they give the same bits
everywhere.

Measured against glibc 2.36 on x86-64 with FMA: all 2**32 inputs of every function of one argument, and
31 million pairs for powf, without a difference (NaN for NaN).

All take anything that float32 arrays are made from and give float32 arrays of the same shape; no
floating-point warning escapes.

Source: the algorithms and constants of Arm's optimized-routines (expf, logf, powf, sinf, cosf) and of
Sun's fdlibm (expm1f, tanhf, erff, erfcf), both as glibc 2.36 ships them in sysdeps/ieee754/flt-32.
"""

from quantlib.arithmetic.libm.error_function import erfcf, erff
from quantlib.arithmetic.libm.exponential import expf, expm1f
from quantlib.arithmetic.libm.hyperbolic import tanhf
from quantlib.arithmetic.libm.logarithm import logf
from quantlib.arithmetic.libm.power import powf
from quantlib.arithmetic.libm.trigonometric import cosf, sinf

__all__ = ["cosf", "erfcf", "erff", "expf", "expm1f", "logf", "powf", "sinf", "tanhf"]
