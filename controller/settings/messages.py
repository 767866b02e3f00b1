"""Findings as the lines that a technician reads: FILE:LINE:COL: path.to.key: what is wrong (what is allowed)."""

from __future__ import annotations

from pathlib import Path

from controller.settings.check import Checked
from controller.settings.load import Finding
from controller.texts import fill


def line(file: Path | str, finding: Finding, language: str) -> str:
    """One finding as one line."""
    sentence = fill(f"check.{finding.code}", language, finding.values).replace("\n", " ")
    mark = "warning: " if finding.warning else ""
    where = f"{finding.path}: " if finding.path else ""
    return f"{file}:{finding.line}:{finding.column}: {where}{mark}{sentence}"


def summary(file: Path | str, checked: Checked, language: str) -> str:
    """The one line of a good file."""
    assert checked.file is not None
    counts = {
        "file": str(file),
        "circuits": str(len(checked.file.circuits)),
        "devices": str(len(checked.file.devices)),
        "points": str(len(checked.file.points)),
        "warnings": str(len(checked.warnings)),
    }
    return fill("check.summary", language, counts)
