"""A model made fast: the same bits from BLAS and float32, with a proof for every step.

`compile_model` turns a model into a `Program`. Codes travel as whole numbers in float32; sums go through
matrix products whose partial sums were shown to stay exact; what turns sums into codes was held against
the specification at every step it makes. Whatever has no faster form runs its plain kernel.
"""

from quantlib.compiler.certificate import Certificate
from quantlib.compiler.program import Program, compile_model

__all__ = ["Certificate", "Program", "compile_model"]
