"""The command line, called in this process."""

from __future__ import annotations

import sys

import pytest

from lookalike.cli.app import main


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command line in this process and return its exit code and what it printed as an error."""
    sys.argv = ["lookalike", *arguments]
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """Return the one line with which a command is refused."""
    found, error = call(capsys, *arguments)
    lines = [line for line in error.splitlines() if line.startswith("lookalike: ")]
    assert found == code, error
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]
