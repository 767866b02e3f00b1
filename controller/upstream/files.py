"""Small files of the door, replaced whole."""

from __future__ import annotations

import contextlib
import grp
import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int, group: str = "") -> None:
    """Write `path` so that it is the old or the new one at any moment, a power cut included.

    It keeps the directory's owner: `sudo station access` must not leave a file that only root reads.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            owner = path.parent.stat()
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            if group:
                with contextlib.suppress(KeyError, PermissionError):
                    os.fchown(file.fileno(), -1, grp.getgrnam(group).gr_gid)
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
