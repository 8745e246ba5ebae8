"""How fast compiled models run, beside LiteRT in the same process, and what else `compile_model` costs.

    python benchmarks/compiled.py [MODELS ...] [--only compare] [--profile] [--json FILE]

Every model gets child processes of its own. In them quantlib and LiteRT (reference, optimized and
XNNPACK kernels, one thread each) take turns, and each keeps its best call; nothing is timed before its
outputs have been equal bit for bit. Without MODELS those of the table below are taken from
``$QUANTLIB_SHARED/zoo`` (default ``../shared/zoo``), or, where there are none, the model shipped with
quantlib. Without ai-edge-litert our columns stand alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring.bench import ROOT, Bench
from measuring.children import FAMILIES
from measuring.goals import goals
from measuring.tables import SECTIONS

MODELS = (
    "mobilenet_v2_1.0_224_quant",
    "tf2_mobilenet_v2_1.0_224_ptq",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "kws_ref_model",
    "ad01_int8",
    "mobilenet_v1_0.25_128_quant",
)


def main() -> None:
    """Print the tables."""
    options = command_line().parse_args()
    with tempfile.TemporaryDirectory() as bytecode:
        bench = Bench(
            models_of(options.models),
            options.seconds,
            options.passes,
            options.repeat,
            options.batch,
            options.threads,
            options.coretype,
            options.clock,
            options.fresh,
            options.onnx_python,
            bytecode,
        )
        if options.profile:
            print("\n".join(line for name in bench.models for line in profile(bench, name, options.kernels)))
            return
        title = head(bench)
        found: dict[str, Any] = {}
        text = [title]
        for section in options.only or SECTIONS:
            found[section], lines = SECTIONS[section](bench)
            text += ["", *lines]
        text += ["", *goals(bench, found)]
    print("\n".join(text).strip())
    if options.json:
        options.json.write_text(json.dumps({"head": title, **found}, indent=1))


def command_line() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="files, or names of the default models")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="a table; may be given again")
    parser.add_argument("--seconds", type=float, default=8.0, help="per model and table")
    parser.add_argument(
        "--passes", type=int, default=3, help="over all models, between which the time is divided"
    )
    parser.add_argument("--repeat", type=int, help="so many turns in every pass instead")
    parser.add_argument("--batch", type=int, help="samples of the batch and thread rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--coretype", default="Haswell", help="OPENBLAS_CORETYPE, or `native`")
    parser.add_argument(
        "--clock",
        choices=("cpu", "wall"),
        default="cpu",
        help="processor time of the calling thread, which is wall time where nothing else runs",
    )
    parser.add_argument("--fresh", type=int, default=5, help="processes per row of preparation")
    parser.add_argument("--onnx-python", default=sys.executable, help="a Python that has onnx")
    parser.add_argument("--profile", action="store_true", help="only the time of every step of a program")
    parser.add_argument("--kernels", default="reference", choices=FAMILIES, help="with --profile")
    parser.add_argument("--json", type=Path, help="everything that was measured, to a file")
    return parser


def models_of(given: list[str]) -> dict[str, Path]:
    """Files by name: those given, the zoo's, or the shipped one."""
    zoo = Path(os.environ.get("QUANTLIB_SHARED", ROOT.parent / "shared")) / "zoo"
    known = {name: zoo / f"{name}.tflite" for name in MODELS if (zoo / f"{name}.tflite").exists()}
    if given:
        paths = [known.get(name, Path(name)) for name in given]
        return {path.stem: path for path in paths}
    if known:
        return known
    shipped = ROOT / "quantlib" / "cli" / "digits" / "digits_int8.tflite"
    return {shipped.stem: shipped}


def head(bench: Bench) -> str:
    """Where, when and with what."""
    from importlib.metadata import PackageNotFoundError, version

    core = bench.ask("imports")
    try:
        litert = f"LiteRT {version('ai-edge-litert')}"
    except PackageNotFoundError:
        litert = "no LiteRT"
    clock = "processor time of one thread" if bench.clock == "cpu" else "wall time"
    kernels = core.get("core") or f"unknown, asked for {bench.coretype}"
    return (
        f"{dt.datetime.now(tz=dt.UTC).date()}, {platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {core.get('numpy')} with OpenBLAS's {kernels} kernels, {litert}; {clock}, the best of "
        f"{bench.passes} passes"
    )


def profile(bench: Bench, name: str, kernels: str) -> list[str]:
    """Where the time of one run goes: by step, then by operator and call."""
    asked: dict[str, Any] = {"kernels": kernels, "batch": bench.batch or 1, "rounds": bench.rounds}
    answer = bench.ask("profile", model=str(bench.models[name]), **asked)
    if "error" in answer:
        return [f"{name}: {answer['error']}"]
    whole = sum(seconds for step in answer["steps"] for _, seconds in step["calls"])
    lines = [
        f"{name}, {kernels}: {1e6 * answer['whole']:.1f} us a run; its calls, each at its best, {1e6 * whole:.1f} us"
    ]
    totals: dict[str, float] = {}
    for step in answer["steps"]:
        calls = " ".join(f"{call.rpartition('.')[2]} {1e6 * seconds:.1f}" for call, seconds in step["calls"])
        shape = "x".join(map(str, step["shape"]))
        place = f"{step['step']:3d} {step['operator']:18s}{step['part']:16s}{shape:>16s}"
        seconds = sum(one for _, one in step["calls"])
        lines.append(f"{place}{1e6 * seconds:9.1f} us {100 * seconds / whole:5.1f} %  {calls}")
        for call, one in step["calls"]:
            totals[f"{step['operator']} {call}"] = totals.get(f"{step['operator']} {call}", 0.0) + one
    lines.append("")
    for key, one in sorted(totals.items(), key=lambda item: -item[1])[:20]:
        lines.append(f"{1e6 * one:9.1f} us {100 * one / whole:5.1f} %  {key}")
    return [*lines, ""]


if __name__ == "__main__":
    main()
