"""Runs mypyc and the C compiler in the working folder; `build.py` gives the groups of modules as JSON."""

from __future__ import annotations

import json
import os
import sys

from mypyc.build import mypycify
from setuptools import setup


def main() -> None:
    """Each group becomes one extension; they are compiled side by side."""
    groups: list[list[str]] = json.loads(sys.argv[1])
    modules = [module for group in groups for module in group]
    extensions = mypycify(modules, separate=[(group, None) for group in groups], debug_level="0")
    setup(
        name="fast",
        packages=[],
        ext_modules=extensions,
        script_args=["build_ext", "--inplace", f"--parallel={os.cpu_count() or 1}"],
    )


if __name__ == "__main__":
    main()
