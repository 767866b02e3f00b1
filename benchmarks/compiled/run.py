"""Runs Python with the compiled packages of build/fast in front; started by `build/fast/python`."""

from __future__ import annotations

import os
import sys

from sources import ROOT, STAMP, TARGET, stamp


def main() -> None:
    """Become the interpreter that was asked for, or exit 1 when the build is older than the sources."""
    if not STAMP.exists() or STAMP.read_text() != stamp():
        sys.exit("build/fast is older than the sources: make fast")
    # Safe path: neither the folder of the script nor the working folder comes before the compiled packages.
    path = os.pathsep.join([str(TARGET), str(ROOT / "benchmarks")])
    os.environ |= {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
