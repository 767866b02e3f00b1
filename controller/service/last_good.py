"""The last station file that worked: a copy of it, with the device profiles that lie beside it.

`last_good/` in the state folder holds the file under its own name, the profiles, and a manifest with the
checksum of each, written last. The folder is replaced by renaming; wherever that is cut, one of
`last_good`, `last_good.new` and `last_good.old` is whole.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from controller.settings.check import Checked, check_file
from drivers.library import find_profile

FOLDER = "last_good"
MANIFEST = "manifest.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A station file as its bytes, and the profiles of its own (`.yaml`) by the name that it gives them."""

    path: Path
    text: bytes
    profiles: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Changes with every byte of the file and its profiles."""
        total = hashlib.sha256(self.text)
        for name, text in sorted(self.profiles.items()):
            total.update(f"\n{name}\n".encode() + hashlib.sha256(text).digest())
        return total.hexdigest()


def read_source(path: Path, checked: Checked) -> Source:
    """The bytes of a file; none where it cannot be read, and no profiles where it is broken."""
    profiles: dict[str, bytes] = {}
    for device in checked.file.devices.values() if checked.file is not None else ():
        if device.profile.endswith((".yaml", ".yml")):
            profiles[device.profile] = _bytes(path.parent / device.profile)
    return Source(path.absolute(), _bytes(path), profiles)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@dataclass(frozen=True, slots=True)
class Good:
    """A last good file, checked: `digest` as of its `Source`."""

    checked: Checked
    digest: str


class LastGood:
    """The copy in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._folders = [directory / f"{FOLDER}{end}" for end in ("", ".new", ".old")]

    def digest(self, path: Path) -> str:
        """Of the newest whole copy of what was once `path`; empty when there is none. Quicker than `load`."""
        for folder in self._folders:
            manifest = _manifest(folder)
            if manifest is not None and manifest.path == str(path.absolute()):
                return manifest.digest
        return ""

    def load(self, path: Path) -> Good | None:
        """The newest whole copy of what was once `path`, when it still passes the check.

        The copy of another file is none: it may be another station's.
        """
        for folder in self._folders:
            manifest = _manifest(folder)
            if manifest is None or manifest.path != str(path.absolute()):
                continue
            stored = {name: folder / place for name, place in manifest.profiles.items()}

            def find(name: str, stored: dict[str, Path] = stored) -> Path:
                return stored.get(name) or find_profile(name)

            checked = check_file(folder / manifest.file, find)
            if checked.file is not None:
                return Good(checked, manifest.digest)
            log.error("%s does not pass the check any more: %s", folder, checked.errors[0].code)
        return None

    def save(self, source: Source) -> bool:
        """Keep this one; False when it is there already. Raises OSError."""
        current, new, old = self._folders
        kept = _manifest(current)
        if kept is not None and kept.digest == source.digest and kept.path == str(source.path):
            return False
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        names = {name: f"profile-{number}.yaml" for number, name in enumerate(sorted(source.profiles), 1)}
        contents = {names[name]: text for name, text in source.profiles.items()}
        # A station file may itself be called as one of ours.
        file = (
            source.path.name if source.path.name not in (*contents, MANIFEST) else f"file-{source.path.name}"
        )
        contents[file] = source.text
        for name, text in contents.items():
            _write(new / name, text)
        manifest = _Manifest(
            path=str(source.path),
            file=file,
            digest=source.digest,
            profiles=names,
            sha256={name: hashlib.sha256(text).hexdigest() for name, text in contents.items()},
        )
        _write(new / MANIFEST, manifest.model_dump_json(indent=1).encode())
        _sync(new)
        if current.exists():
            shutil.rmtree(old, ignore_errors=True)
            current.rename(old)
        new.rename(current)
        _sync(current.parent)
        shutil.rmtree(old, ignore_errors=True)
        return True


class _Manifest(BaseModel):
    """What lies in the folder. `profiles`: name in the station file → file here."""

    path: str
    file: str
    digest: str
    profiles: dict[str, str]
    sha256: dict[str, str]


def _manifest(folder: Path) -> _Manifest | None:
    """None when the folder is not there or not whole."""
    try:
        found = _Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        named = {found.file, *found.profiles.values()}
        if not named <= set(found.sha256) or any(Path(name).name != name for name in found.sha256):
            raise ValueError("names")
        for name, checksum in found.sha256.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != checksum:
                raise ValueError(f"{name} is damaged")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        log.error("%s: %s", folder, problem)
        return None
    return found


def _write(path: Path, text: bytes) -> None:
    with path.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
