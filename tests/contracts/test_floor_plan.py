"""Who may import whom: every import statement of the package is held against this table."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "quantlib"

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "arithmetic": {"errors"},
    "affine": {"errors", "arithmetic"},
    "model": {"errors", "affine.parameters"},
    "flatbuffer": {"errors", "affine", "model"},
    "ops": {"errors", "arithmetic", "affine", "model"},
    "kernel_set": {"arithmetic"},
    "kernel_sets": {"errors", "arithmetic", "kernel_set"},
    "runtime": {"errors", "model", "ops", "kernel_sets"},
    "compiler": {"errors", "arithmetic", "affine", "model", "ops", "kernel_sets", "runtime"},
    "calibration": {"errors", "affine", "model", "kernel_sets", "runtime"},
    "quantizer": {"errors", "affine", "model", "ops._rule", "calibration.ranges"},
    "training": {"errors", "arithmetic", "affine", "model", "ops", "runtime"},
    "evaluation": {"errors", "affine", "model", "flatbuffer", "kernel_sets", "runtime", "compiler"},
    "oracle": {"errors", "affine", "model", "flatbuffer", "kernel_sets", "runtime", "compiler"},
}
"""A room, and the rooms (or single files of a room) that it may import."""

DOORS = {
    "runtime.interpreter": {"flatbuffer", "compiler.engine"},
    "runtime.claims": {"arithmetic.bounds"},
    "oracle.compare": {"arithmetic.bounds"},
    "oracle.exact": {"ops._node"},
    "oracle.explain": {"arithmetic", "ops"},
    "oracle.rounding_steps": {"arithmetic.fixed_point"},
    "calibration.ranges": {"flatbuffer.save"},
    "evaluation.cost": {"ops._registry", "ops._resolve"},
    "quantizer.converter": {"flatbuffer", "calibration"},
    "quantizer.redraw": {"ops._releases"},
}
"""Single files that may import more than the rest of their room."""

EVERYTHING = {"cli", "__main__"}
"""The command, and ``python -m quantlib``, which is the command."""

EVERYTHING_BUT_CLI = {"", "testing"}
"""The public names, and what serves users' tests."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "numpy": ("",),
    "flatbuffers": ("flatbuffer", "testing"),
    "tflite": ("flatbuffer", "testing"),
    "ai_edge_litert": ("oracle.worker",),
    "tflite_runtime": ("oracle.worker",),
    "hypothesis": ("testing",),
    "pytest": ("testing",),
    "rich": ("cli", "evaluation.report"),
    "typer": ("cli",),
    "sklearn": ("cli.digits.train",),
}
"""A library outside Python's own, and the rooms or files that may import it."""


@dataclass(frozen=True)
class Import:
    """One arrow: a file of the package, and the module it imports."""

    source: str  # without "quantlib.", "" for quantlib/__init__.py
    target: str  # in full
    line: int

    def __str__(self) -> str:
        return f"quantlib.{self.source}:{self.line} imports {self.target}".replace(".:", ":")


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of the package and its file."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imports(source: str, path: Path, known: frozenset[str]) -> Iterator[Import]:
    """Every import statement of a file, wherever it stands."""
    for statement in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield Import(source, alias.name, statement.lineno)
        elif isinstance(statement, ast.ImportFrom):
            package = statement.module or ""
            if statement.level:
                here = ["quantlib", *(source.split(".") if source else [])]
                if path.name != "__init__.py":
                    here.pop()
                above = here[: len(here) - statement.level + 1]
                package = ".".join([*above, *filter(None, [package])])
            for alias in statement.names:
                inner = f"{package}.{alias.name}"
                is_module = inner.removeprefix("quantlib.") in known and inner.startswith("quantlib.")
                yield Import(source, inner if is_module else package, statement.lineno)


def lies_in(module: str, place: str) -> bool:
    """Whether a module is that room or file, or inside it."""
    return not place or module == place or module.startswith(f"{place}.")


def is_allowed(arrow: Import) -> bool:
    """Whether the plan has this arrow."""
    library = arrow.target.split(".")[0]
    if library != "quantlib":
        if library in sys.stdlib_module_names:
            return True
        if arrow.source == "errors":
            return False
        return any(lies_in(arrow.source, place) for place in LIBRARIES.get(library, ()))
    target = arrow.target.removeprefix("quantlib").removeprefix(".")
    room, target_room = arrow.source.split(".")[0], target.split(".")[0]
    if room in EVERYTHING:
        return True
    if target_room == "cli":
        return False
    if room in EVERYTHING_BUT_CLI:
        return True
    if room == target_room:
        return not is_operator_file(target)
    allowed = MAY_IMPORT[room] | DOORS.get(arrow.source, set())
    return any(lies_in(target, place) for place in allowed)


def is_operator_file(module: str) -> bool:
    """Whether it says what one operator computes; what several share has a private name."""
    return module.startswith("ops.") and not module.startswith("ops._")


def forbidden(root: Path) -> list[str]:
    """Every arrow that is not in the plan."""
    found = dict(modules(root))
    arrows = [arrow for name, path in found.items() for arrow in imports(name, path, frozenset(found))]
    assert arrows, f"no imports found under {root}"
    return [str(arrow) for arrow in arrows if not is_allowed(arrow)]


def test_every_import_follows_the_floor_plan():
    assert forbidden(ROOT) == []


def test_every_room_stands_in_the_floor_plan():
    rooms = {name.split(".")[0] for name, _ in modules(ROOT)}
    assert rooms <= set(MAY_IMPORT) | EVERYTHING | EVERYTHING_BUT_CLI | {"_version"}


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("errors.py", "import numpy"),
        ("arithmetic/rounding.py", "from quantlib.ops import _node"),
        ("arithmetic/rounding.py", "def lazy():\n    import quantlib.runtime.execute"),
        ("arithmetic/rounding.py", "from ..model import graph"),
        ("affine/quantize.py", "import quantlib"),
        ("model/graph.py", "from quantlib.affine import quantize"),
        ("runtime/execute.py", "from quantlib.flatbuffer.read import read_model"),
        ("runtime/execute.py", "from quantlib.oracle import litert"),
        ("ops/softmax.py", "from quantlib.ops.conv_2d import accumulate"),
        ("ops/softmax.py", "from quantlib.ops import conv_2d"),
        ("ops/_window.py", "from . import conv_2d"),
        ("quantizer/rewrite.py", "from quantlib.ops._node import Node"),
        ("testing/case.py", "from quantlib.cli import main"),
        ("oracle/litert.py", "import ai_edge_litert.interpreter"),
        ("oracle/worker.py", "import rich"),
        ("ops/_node.py", "from tflite import BuiltinOperator"),
        ("runtime/execute.py", "import hypothesis"),
        ("runtime/execute.py", "import scipy.special"),
    ],
)
def test_a_planted_upward_import_is_found(tmp_path: Path, file: str, statement: str):
    for existing in ("ops/conv_2d.py", "ops/_node.py", "model/graph.py", "affine/quantize.py", file):
        path = tmp_path / existing
        path.parent.mkdir(exist_ok=True)
        path.write_text("import math\n", encoding="utf-8")
    assert forbidden(tmp_path) == []
    (tmp_path / file).write_text(statement + "\n", encoding="utf-8")
    assert len(forbidden(tmp_path)) == 1


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("model/graph.py", "from quantlib.affine.parameters import QuantizationParameters"),
        ("runtime/interpreter.py", "from quantlib.flatbuffer.read import read_model"),
        ("oracle/worker.py", "from ai_edge_litert import interpreter"),
        ("cli/demo.py", "from quantlib.testing import choices"),
        ("ops/_registry.py", "from quantlib.ops._node import Node"),
    ],
)
def test_an_import_of_the_plan_is_let_through(tmp_path: Path, file: str, statement: str):
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(statement + "\n", encoding="utf-8")
    assert forbidden(tmp_path) == []
