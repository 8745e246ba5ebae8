"""How often we agree with LiteRT: counted, operator by operator, on random models.

``python -m quantlib.testing.conformance --cases 200 --write docs/conformance.md`` draws that many
models for every operator and configuration, runs them here and in LiteRT, and writes the page.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from quantlib.errors import OracleError, QuantlibError, UnsupportedError
from quantlib.flatbuffer.write import write_model
from quantlib.oracle import compare as comparing
from quantlib.oracle.compare import count_differing
from quantlib.oracle.litert import LiteRT
from quantlib.runtime.execute import run
from quantlib.runtime.plan import make_plan
from quantlib.testing.choices import SeededChoices
from quantlib.testing.conformance_page import Row, measured, write
from quantlib.testing.model_conformance import measure_model, model_files
from quantlib.testing.single_operator import Case, Generator, generators

__all__ = ["compare", "main", "measure"]

UNCLAIMED_CASES = 100
"""Models at most where nothing is claimed: LiteRT dies of many of them."""


def compare(litert: LiteRT, case: Case, kernels: str, oracle: str | None = None) -> tuple[int, int]:
    """Elements of a case's outputs, and how many of them differ from LiteRT's.

    Raises
    ------
    OracleError
        LiteRT refuses the model: the generator made a bad one.
    """
    ours = run(case.model, *case.inputs, kernels=kernels)
    data = write_model(case.model)
    answer = litert.run(data, case.inputs, kernels=oracle or kernels, preserve_all_tensors=False)
    theirs = [answer.tensors[index] for index in case.model.subgraphs[0].outputs]
    pairs = list(zip(ours, theirs, strict=True))
    return sum(array.size for array in ours), sum(count_differing(*pair) for pair in pairs)


def measure(
    litert: LiteRT, generator: Generator, count: int, *, kernels: str = "reference", seed: int = 0
) -> Row:
    """One row: `count` random cases of a generator, compared.

    Parameters
    ----------
    litert : LiteRT
    generator : Generator
    count : int
    kernels : str
    seed : int
        Cases are drawn with seeds seed, seed + 1, ...
    """
    if kernels in generator.unclaimed:
        return _measure_unclaimed(litert, generator, min(count, UNCLAIMED_CASES), kernels, seed)
    oracle = generator.oracle if kernels == "reference" else None
    elements = wrong = refused = 0
    first: int | None = None
    number = seed - 1
    left = count
    while left and number < seed + 20 * count:
        number += 1
        case = generator.make(SeededChoices(number))
        if _both_refuse(litert, case, kernels, oracle):
            continue
        left -= 1
        try:
            counted, different = compare(litert, case, kernels, oracle)
        except QuantlibError:  # one of us refuses what the other runs
            counted, different = 0, 0
            refused += 1
        elements += counted
        wrong += different
        if (different or refused) and first is None:
            first = number
    operator, configuration = generator.operator, generator.configuration
    return Row(operator, configuration, kernels, count, elements, wrong, first, refused=refused)


def _both_refuse(litert: LiteRT, case: Case, kernels: str, oracle: str | None) -> bool:
    """Whether the model is one that neither we nor LiteRT run; another is drawn in its place."""
    try:
        make_plan(case.model, kernels=kernels)
    except UnsupportedError:
        data = write_model(case.model)
        try:
            litert.run(data, case.inputs, kernels=oracle or kernels, preserve_all_tensors=False)
        except OracleError:
            return True
    return False


def _measure_unclaimed(litert: LiteRT, generator: Generator, count: int, kernels: str, seed: int) -> Row:
    """One row without a claim of equality: differences are held against the bound, where there is one."""
    row = Row(generator.operator, generator.configuration, kernels, count, 0, 0, claimed=False)
    for number in range(seed, seed + count):
        case = generator.make(SeededChoices(number))
        try:
            found = comparing.compare(case.model, *case.inputs, kernels=kernels, litert=litert)
        except QuantlibError as error:
            reason = str(error).split(": ", 1)[-1].split("; wanted an answer")[0][:160]
            row = replace(row, refused=row.refused + 1, reason=row.reason or reason)
            continue
        shares = [one.bound_share for one in found.tensors if one.bound_share is not None]
        row = replace(
            row,
            elements=row.elements + found.elements,
            differing=row.differing + found.differing,
            bound=next((one.bound for one in found.tensors if one.bound), row.bound),
            share=max([*shares, row.share or 0.0]) if shares else row.share,
            beyond=row.beyond + sum(one.beyond_bound for one in found.tensors),
        )
    return row


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 if nothing claimed differs, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m quantlib.testing.conformance", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--cases", type=int, default=200, help="models for each configuration")
    parser.add_argument("--kernels", nargs="+", default=["reference"], help="kernel families")
    parser.add_argument("--only", default="", help="operators whose name starts so")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, nargs="*", default=[], help=".tflite files or directories")
    parser.add_argument("--write", type=Path, help="file to write the page to")
    parser.add_argument(
        "--missing", action="store_true", help="skip rows that the page already has, all equal"
    )
    parser.add_argument("--unclaimed", action="store_true", help="only rows without a claim of equality")
    chosen = parser.parse_args(arguments)
    done = measured(chosen.write, chosen.cases) if chosen.missing and chosen.write is not None else set()
    rows = []
    with LiteRT() as litert:
        release = litert.version()
        for generator in generators().values():
            for kernels in chosen.kernels if generator.operator.startswith(chosen.only) else ():
                if (generator.operator, generator.configuration, kernels) in done:
                    continue
                if chosen.unclaimed and kernels not in generator.unclaimed:
                    continue
                row = measure(litert, generator, chosen.cases, kernels=kernels, seed=chosen.seed)
                rows.append(row)
                refused = f", {row.refused} refused" if row.refused else ""
                note = f"{refused}  first seed {row.first_seed}" if row.first_seed is not None else ""
                count = f"{row.elements:10} {row.differing:8}{note}" if row.claimed else row.verdict
                sys.stdout.write(f"{generator!s:48} {kernels:10} {count}\n")
                sys.stdout.flush()
    models = [
        measure_model(file, kernels=kernels, seed=chosen.seed)
        for kernels in chosen.kernels
        for file in model_files(chosen.models)
    ]
    if chosen.write is not None:
        write(chosen.write, rows, models, release)
    broken = any(row.beyond or (row.claimed and (row.differing or row.refused)) for row in rows)
    return int(broken or any(row.broken for row in models))


if __name__ == "__main__":
    raise SystemExit(main())
