"""The first release with a certain version of an operator, and what a file claims."""

import pytest

from quantlib.model.graph import OperatorCode
from quantlib.ops._releases import RELEASES, claimed_release
from quantlib.ops._rule import rules


def test_every_version_that_a_rule_writes_has_a_release():
    for name, rule in rules().items():
        written = {rule.versions.int8} if rule.int8 else set()
        written |= {rule.versions.int16} if rule.int16 != "unsupported" else set()
        written |= {rule.versions.hybrid} if rule.hybrid else set()
        assert {version for version in written if version > 1} <= {
            at for known, at in RELEASES if known == name
        }


@pytest.mark.parametrize("claim", [b"", b"soon", b"1.x", b"\xff\xfe", b"9" * 4000])
def test_what_is_no_release_stays_as_it_is(claim):
    assert claimed_release(claim, [OperatorCode(3, "CONV_2D", 3)]) == claim


def test_releases_compare_as_numbers():
    assert claimed_release(b"2.10.0", [OperatorCode(3, "CONV_2D", 5)]).startswith(b"2.10.0\0")
    assert claimed_release(b"1.9.0", [OperatorCode(3, "CONV_2D", 3)]).startswith(b"1.14.0\0")
