import os
from dataclasses import replace
from pathlib import Path

import pytest

from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Buffer, Metadata, OperatorCode
from quantlib.ops._rule import rules
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger
from quantlib.quantizer.releases import CLAIM, RELEASES, claimed_release

CORPUS = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared")) / "converter"


def claim_of(model):
    (entry,) = (entry for entry in model.metadata or () if entry.name == CLAIM)
    return bytes(model.buffers[entry.buffer].data)


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


def test_the_claim_is_renewed_and_other_metadata_are_not(dense):
    model = dense.model()
    buffers = (*model.buffers, Buffer(memoryview(b"1.5.0".ljust(16, b"\0"))), Buffer(memoryview(b"notes")))
    at = len(model.buffers)
    metadata = (Metadata(CLAIM, at), Metadata("about", at + 1))
    new = quantize_model(
        replace(model, buffers=buffers, metadata=metadata), FullInteger(), dense.ranges
    ).model
    assert claim_of(new) == b"1.14.0".ljust(16, b"\0")
    assert bytes(new.buffers[new.metadata[1].buffer].data) == b"notes"


@pytest.mark.zoo
@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no conversions at {CORPUS}; set QUANTLIB_SHARED")
def test_claims_are_the_converters():
    pairs = [
        (CORPUS / net / given, CORPUS / net / f"{variant}.tflite", recipe)
        for net in ("mnist", "mbv1", "dscnn")
        for given, variant, recipe in (
            ("calib.tflite", "int8", FullInteger()),
            ("float.tflite", "dyn", DynamicRange()),
            ("float.tflite", "fp16", Float16()),
        )
    ]
    for path in sorted(CORPUS.glob("random_graphs/*_int8.tflite")):
        pairs.append((path.with_name(path.name.replace("int8", "calib")), path, FullInteger()))
    compared = 0
    for given, expected, recipe in pairs:
        theirs = read_model(expected)
        if not claim_of(theirs).strip(b"\0"):
            continue
        ours = quantize_model(read_model(given), recipe).model
        if {(code.name, code.version) for code in ours.operator_codes} == {
            (code.name, code.version) for code in theirs.operator_codes
        }:
            compared += 1
            assert claim_of(ours) == claim_of(theirs)
    assert compared > 180
