"""The command line run in this process, as the shell would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

Ran = tuple[int, str, str]
"""Exit code, stdout, stderr."""


def run_lake(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ran:
    """Run `lake` with these words."""
    monkeypatch.setattr("sys.argv", ["lake", *words])
    capsys.readouterr()
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
