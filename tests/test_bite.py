"""The deliberate defects of `benchmarks/bite.py` still have their place in the code."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_every_defect_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import bite

    defects = bite.load()
    assert len({defect.name for defect in defects}) == len(defects) >= 30
    assert all(old != new for defect in defects for old, new in defect.changes)


def test_a_defect_without_a_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import bite

    monkeypatch.setattr(bite, "DEFECTS", tmp_path / "defects.yaml")
    bite.DEFECTS.write_text("- {name: x, file: setup.cfg, old: not there at all, new: y, cells: z}\n")
    with pytest.raises(ValueError, match=r"x: its place is 0 times in setup\.cfg"):
        bite.load()
