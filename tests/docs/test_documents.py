"""The Python in README and docs/ runs, in order, and what its doctests print is what they say."""

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quantlib.oracle.litert import is_available

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]

NEEDS_LITERT = "<!-- needs ai-edge-litert -->"
NOT_RUN = "<!-- not run -->"

RATIO = re.compile(r"\s*\b\d+\.\d\dx\b")
"""A ratio of latencies, which differs from run to run."""


@dataclass(frozen=True)
class Block:
    """One fenced piece of Python."""

    line: int
    code: str
    remark: str


def blocks(text: str) -> Iterator[Block]:
    """Fenced blocks marked ``python``, each with the comment that stands right before it."""
    pattern = r"(?P<remark><!-- [^>\n]* -->)?\s*^```python\n(?P<code>.*?)^```$"
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start("code")) + 1
        yield Block(line, match["code"], match["remark"] or "")


class RatioChecker(doctest.OutputChecker):
    """Output that may differ in ratios of latencies."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(RATIO.sub(" #x", want), RATIO.sub(" #x", got), optionflags)


def run_document(text: str, name: str) -> int:
    """Run every block in one namespace; the number of blocks that ran."""
    names: dict[str, object] = {"__name__": "document"}
    count = 0
    for block in blocks(text):
        if block.remark == NOT_RUN or (block.remark == NEEDS_LITERT and not is_available()):
            continue
        count += 1
        if ">>>" in block.code:
            test = doctest.DocTestParser().get_doctest(block.code, names, name, name, block.line - 1)
            runner = doctest.DebugRunner(RatioChecker(), optionflags=doctest.ELLIPSIS)
            runner.run(test, clear_globs=False)
            names = test.globs
        else:
            padded = "\n" * (block.line - 1) + block.code  # errors name the document's own line
            exec(compile(padded, name, "exec"), names)  # noqa: S102 - our own documents
    return count


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_of_a_document_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run_document(document.read_text(encoding="utf-8"), document.name)


def test_the_readme_has_examples_that_run():
    assert len(list(blocks((ROOT / "README.md").read_text(encoding="utf-8")))) >= 3


def test_a_wrong_example_would_be_found():
    with pytest.raises(doctest.DocTestFailure):
        run_document("```python\n>>> 1 + 1\n3\n```\n", "planted.md")
    with pytest.raises(AssertionError):
        run_document("text\n\n```python\nassert 1 + 1 == 3\n```\n", "planted.md")


def test_only_ratios_of_latencies_may_differ():
    run_document("```python\n>>> print('int8  12.34x')\nint8   0.56x\n```\n", "planted.md")
    for other in ("int8   0.56", "int9   0.56x"):
        with pytest.raises(doctest.DocTestFailure):
            run_document(f"```python\n>>> print('int8  12.34x')\n{other}\n```\n", "planted.md")


def test_names_carry_over_from_block_to_block():
    text = "```python\nx = 2\n```\n\n```python\n>>> x\n2\n```\n\n```python\nassert x == 2\n```\n"
    assert run_document(text, "planted.md") == 3


def test_links_between_documents_lead_somewhere():
    for document in [*DOCUMENTS, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
