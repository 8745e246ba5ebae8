"""One file an operator: what makes it possible to import no other."""

import subprocess
import sys

from quantlib.ops import _registry


def test_an_operator_is_registered_in_the_file_of_its_name():
    for operator, entries in _registry.entries().items():
        file = _registry._FILES.get(operator, operator.lower())
        assert entries
        assert {entry.bind.__module__ for entry in entries} == {f"quantlib.ops.{file}"}
        assert entries == _registry.entries_of(operator)


def test_a_name_that_is_no_operators_has_no_kernels():
    for name in ("", "os", "_node", "conv_2d", "CUSTOM", "../abs", "NOT_AN_OPERATOR"):
        assert _registry.entries_of(name) == ()


def test_a_look_up_imports_its_own_file_only():
    code = """
import sys
from quantlib.ops import _registry
assert _registry.entries_of("ABS")
files = _registry._files()
print(sorted(name for name in files if f"quantlib.ops.{name}" in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['abs']"
