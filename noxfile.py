#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.10.14"]
# ///
"""For those who have nox or uv: the same checks over several Pythons. The Makefile needs less."""

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"

PYPROJECT = nox.project.load_toml("pyproject.toml")


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, formatting and types."""
    session.install("-e", ".[cli,testing]", *nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The fast tests; give pytest's own arguments after --."""
    session.install("-e", ".[cli,testing,litert]", *nox.project.dependency_groups(PYPROJECT, "test"))
    session.run("pytest", "-q", *session.posargs)


if __name__ == "__main__":
    nox.main()
