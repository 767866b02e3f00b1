"""The compiled plant and controller (`make fast`) do what the plain ones do, to the bit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPILED = ROOT / "benchmarks" / "compiled"
TRACE = COMPILED / "trace.py"
STATIONS = sorted((ROOT / "config").glob("*.yaml"))


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def fast_python() -> Path:
    """The launcher of a build of these very sources; nobody builds it unasked: it takes minutes."""
    python = ROOT / "build" / "fast" / "python"
    if not python.exists():
        pytest.skip("NOT COMPARED: no compiled plant and controller (make fast)")
    elif "older" in subprocess.run([python, "-c", ""], capture_output=True, text=True, check=False).stderr:
        pytest.skip("NOT COMPARED: the compiled plant and controller are older than the sources (make fast)")
    return python


@pytest.mark.walltime
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("station", STATIONS, ids=lambda path: path.stem)
def test_compiled_and_plain_runs_are_the_same_to_the_bit(fast_python, station):
    plain, fast = run(sys.executable, TRACE, station).split(), run(fast_python, TRACE, station).split()
    assert (plain[0], fast[0]) == ("plain", "compiled")
    assert fast[1] == plain[1]


def copied(tmp_path: Path) -> Path:
    """The build's own files and one small module, in a tree of their own."""
    shutil.copytree(COMPILED, tmp_path / "benchmarks" / "compiled")
    for package in ("controller", "drivers", "sim"):
        (tmp_path / package).mkdir()
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    (tmp_path / "sim" / "plant.py").write_text("STEP = 1.0\n")
    return tmp_path


def build(tree: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, tree / "benchmarks" / "compiled" / "build.py"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_missing_compiler_is_said_plainly(tmp_path):
    done = build(copied(tmp_path), CC="no-such-compiler")
    assert done.returncode == 1
    assert "needed to compile: a C compiler (no-such-compiler" in done.stderr


def test_a_build_that_is_older_than_the_sources_is_refused(tmp_path):
    tree = copied(tmp_path)
    done = subprocess.run(
        [sys.executable, tree / "benchmarks" / "compiled" / "run.py", "-c", ""],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make fast" in done.stderr


def test_settings_models_are_cut_out_and_imported_back(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(COMPILED)
    import sources

    monkeypatch.setattr(sources, "TARGET", tmp_path)
    (tmp_path / "block.py").write_text(
        "LEAST = 1\n\n\nclass ASettings(Settings):\n    least: int = LEAST\n\n\nclass Block:\n    pass\n"
    )
    (tmp_path / "only_settings.py").write_text("class ASettings(Settings):\n    pass\n")
    assert sources.split(tmp_path / "block.py")
    assert not sources.split(tmp_path / "only_settings.py")
    block, models = (tmp_path / "block.py").read_text(), (tmp_path / "block__settings.py").read_text()
    assert "import ASettings as ASettings" in block
    assert "class ASettings(Settings)" not in block
    assert block.splitlines().index("class Block:") == 7
    assert models == "LEAST = 1\n\n\nclass ASettings(Settings):\n    least: int = LEAST\n"


def test_sums_start_as_floats_and_stay_the_same_sums(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(COMPILED)
    import sources

    lines = (
        "a = sum(x / 2 for x in (1, 2))",
        "b = sum([0.5, sum([1.0, 2.0])])",
        "c = sum((x / 4 for x in (1, 2)))",
        "d = (sum(1 << x for x in (1, 2)),)",
        "e = sum([1.5], 2.0)",
    )
    path = tmp_path / "sums.py"
    path.write_text("\n".join(lines) + "\n")
    sources.start_sums(path)
    rewritten = path.read_text()
    assert rewritten.splitlines()[0] == "a = sum((x / 2 for x in (1, 2)), 0.0)"
    assert rewritten.splitlines()[3:] == list(lines[3:])
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    exec("\n".join(lines), before)
    exec(rewritten, after)
    assert [after[name] for name in "abcde"] == [before[name] for name in "abcde"]
