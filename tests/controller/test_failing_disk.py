"""The n-th I/O fails, for every n, below SQLite and Python: nothing is faked, the calls themselves fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that fails; without a compiler the test fails in CI and skips elsewhere."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        message = "a C compiler is missing (Debian package gcc)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    made = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    command = [compiler, "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, HERE / "failing_disk.c", "-ldl"]
    subprocess.run(command, check=True)
    return made


@pytest.mark.parametrize(("what", "places"), [("state", 60), ("history", 40), ("files", 10)])
def test_every_single_io_may_fail(library: Path, tmp_path: Path, what: str, places: int) -> None:
    """State: acknowledged is kept; history: nothing is lost; files: the old or the new one."""
    done = subprocess.run(
        [sys.executable, HERE / "failing_disk_run.py", library, tmp_path, what],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines()}
    assert set(counts) == {"EIO", "ENOSPC"}
    assert min(counts.values()) >= places, "the library has not met the disk"
