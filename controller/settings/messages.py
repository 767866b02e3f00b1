"""Findings as a technician reads them: FILE:LINE:COL: path.to.key: what is wrong (what is allowed)."""

from __future__ import annotations

from pathlib import Path

from controller.settings.check import Checked
from controller.settings.load import Finding
from controller.texts import fill

_LONGEST = 60


def line(file: Path | str, finding: Finding, language: str) -> str:
    """One finding as one line, whatever the file holds."""
    values = {name: _short(text) if name != "allowed" else text for name, text in finding.values.items()}
    sentence = fill(f"check.{finding.code}", language, values)
    mark = "warning: " if finding.warning else ""
    where = f"{_short(finding.path, 2 * _LONGEST)}: " if finding.path else ""
    return f"{file}:{finding.line}:{finding.column}: " + _printable(f"{where}{mark}{sentence}")


def _short(text: str, longest: int = _LONGEST) -> str:
    """What a person typed, cut where it would fill the screen; something to see where it is empty."""
    if not text:
        return "“”"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _printable(text: str) -> str:
    """Line breaks and control signs (of quoted keys and values) would break the one line a finding has."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


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
