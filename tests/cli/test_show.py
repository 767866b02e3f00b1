"""`station show`: what it prints can be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from controller.cli.main import app

CONFIG = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    said = CliRunner().invoke(app, ["show", "schema"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def _tree(path: Path) -> Any:
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", CONFIG, ids=[path.name for path in CONFIG])
def test_an_editor_that_knows_the_schema_takes_the_examples(schema: Draft202012Validator, path: Path) -> None:
    assert [f"{list(e.absolute_path)}: {e.message}" for e in schema.iter_errors(_tree(path))] == []


def test_an_editor_that_knows_the_schema_sees_a_wrong_key(schema: Draft202012Validator) -> None:
    tree = _tree(CONFIG[0])
    tree["circuits"][next(iter(tree["circuits"]))]["hight"] = "3 m"
    assert not schema.is_valid(tree)
