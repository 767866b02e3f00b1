"""`station shelve` and `station unshelve` as they are typed; what they do stands in hil_tests/service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from controller.cli.main import app
from controller.upstream.users import lay_token

NOBODY = "opc.tcp://127.0.0.1:9/heat-station"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def call(*arguments: str) -> Result:
        where = ["--state", str(tmp_path), "--door", NOBODY]
        return CliRunner().invoke(app, [*arguments, *where], catch_exceptions=False)

    return call


@pytest.mark.parametrize("arguments", [[], ["frost@low"], ["--for", "2h"]])
def test_alarm_and_time_must_be_given(run: Callable[..., Result], arguments: list[str]) -> None:
    result = run("shelve", *arguments, "--language", "en")
    assert result.exit_code == 2
    assert result.stderr.startswith("Which alarm, and for how long?")


@pytest.mark.parametrize(
    "arguments", [["shelve", "--list"], ["shelve", "x", "--for", "2h", "--reason", "y"], ["unshelve", "x"]]
)
def test_without_a_token_and_without_a_door(
    run: Callable[..., Result], tmp_path: Path, arguments: list[str]
) -> None:
    result = run(*arguments, "--language", "en")
    assert result.exit_code == 1
    assert "the service is not running" in " ".join(result.stderr.split())
    lay_token(tmp_path)
    result = run(*arguments, "--language", "zh")
    assert result.exit_code == 1
    assert len(result.stderr.strip()) > 5
