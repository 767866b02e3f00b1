"""The unit, its neighbours and the installer, checked with systemd's own tools.

`systemd-analyze verify` ends with 0 even for values that it throws away, so the check is its silence.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[1] / "systemd"
UNIT = SYSTEMD / "station@.service"
PROGRAM = "/opt/heat-station/bin/station"


def tool(name: str) -> str:
    """The tool's path; without it the test fails in CI and skips elsewhere."""
    path = shutil.which(name)
    if path is None:
        message = f"{name} is missing (Debian package systemd)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def settings(text: str) -> dict[str, list[str]]:
    """`Section.Key` → its values, in the order of the file."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


def runnable_copy(folder: Path, text: str) -> Path:
    """The unit as an instance whose program exists on every machine; nothing else is changed."""
    copy = folder / "station@demo.service"
    copy.write_text(text.replace(PROGRAM, "/bin/true"), encoding="utf-8")
    return copy


def complaints(unit: Path) -> str:
    """What verify says about a unit."""
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


def staged(folder: Path) -> Path:
    """A root folder with what the installer lays down."""
    subprocess.run(
        [SYSTEMD / "install.sh"], env={**os.environ, "DESTDIR": str(folder)}, capture_output=True, check=True
    )
    return folder


def test_systemd_finds_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    assert complaints(runnable_copy(tmp_path, UNIT.read_text(encoding="utf-8"))) == ""


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("WatchdogSec=ten", "Failed to parse sec value"),
        ("RestartSecs=3", "'RestartSecs' in section"),
        ("DeviceAllow=tty rw", "Invalid device node path 'tty'"),
    ],
)
def test_the_check_notices_a_wrong_line(tmp_path: Path, wrong: str, complaint: str) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("[Service]\n", f"[Service]\n{wrong}\n")
    assert complaint in complaints(runnable_copy(tmp_path, text))


def test_the_sandbox_stays_closed(tmp_path: Path) -> None:
    """Exposure in tenths: 16 today; the rest is the network, the serial lines and their group."""
    done = subprocess.run(
        [
            tool("systemd-analyze"),
            "security",
            "--offline=true",
            "--threshold=20",
            str(runnable_copy(tmp_path, UNIT.read_text(encoding="utf-8"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_a_station_is_watched_and_restarted_for_ever() -> None:
    found = settings(UNIT.read_text(encoding="utf-8"))
    expected = {
        "Unit.StartLimitIntervalSec": "0",
        "Service.Type": "notify",
        "Service.NotifyAccess": "main",
        "Service.WatchdogSec": "10",
        "Service.Restart": "always",
        "Service.ExecStart": f"{PROGRAM} run /etc/heat-station/%i.yaml",
        "Service.StateDirectory": "heat-station/%i",
        "Service.StateDirectoryMode": "2770",
        "Service.RuntimeDirectoryPreserve": "restart",
        "Install.WantedBy": "multi-user.target",
    }
    assert {key: found.get(key) for key in expected} == {key: [value] for key, value in expected.items()}


def test_the_hardware_watchdog_is_within_what_the_board_can_count() -> None:
    dropin = (SYSTEMD / "system.conf.d" / "50-heat-station-watchdog.conf").read_text(encoding="utf-8")
    assert 10 < float(settings(dropin)["Manager.RuntimeWatchdogSec"][0]) <= 15


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make users and owners in a folder")
def test_user_and_folders_come_out_as_meant(tmp_path: Path) -> None:
    root = staged(tmp_path)
    for kind, options in (("sysusers", []), ("tmpfiles", ["--create"])):
        done = subprocess.run(
            [tool(f"systemd-{kind}"), *options, f"--root={root}", f"{root}/etc/{kind}.d/heat-station.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    groups = {
        line.split(":")[0]: line.split(":")[3]
        for line in (root / "etc/group").read_text(encoding="utf-8").splitlines()
    }
    assert "heat-station" in groups["dialout"]
    assert "heat-station" in groups["gpio"]
    assert (root / "etc/heat-station").stat().st_mode & 0o7777 == 0o750
    assert (root / "var/lib/heat-station").stat().st_mode & 0o7777 == 0o755


def test_udev_rules_name_every_socket_once_and_only_on_arrival() -> None:
    lines = (SYSTEMD / "70-heat-station.rules").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    names = [rule.split('SYMLINK+="')[1].split('"')[0] for rule in rules if "SYMLINK" in rule]
    paths = [rule.split('ENV{ID_PATH}=="')[1].split('"')[0] for rule in rules if "SYMLINK" in rule]
    assert names == [f"station-rs485-{number}" for number in range(1, len(names) + 1)]
    assert len(set(paths)) == len(paths)
    assert rules[0].startswith('ACTION=="remove"')
    # `SUBSYSTEMS!=` is true for almost every device: some parent always differs.
    assert not any("SUBSYSTEMS!=" in rule for rule in rules)


def test_installing_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    env = {**os.environ, "DESTDIR": str(tmp_path)}
    first, second = (
        subprocess.run([SYSTEMD / "install.sh"], env=env, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert "unchanged" not in first
    assert "installed" not in second
    assert (
        len(first.splitlines())
        == len(second.splitlines())
        == len([p for p in tmp_path.rglob("*") if p.is_file()])
    )


def test_installing_without_root_is_refused() -> None:
    nobody = 65534 if os.geteuid() == 0 else None
    done = subprocess.run(
        ["/bin/bash", "-s", "/"],
        input=(SYSTEMD / "install.sh").read_text(encoding="utf-8"),
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != "DESTDIR"},
        capture_output=True,
        text=True,
        check=False,
        user=nobody,
    )
    assert done.returncode == 1
    assert "must run as root" in done.stderr


def test_installing_from_nowhere_is_bad_input() -> None:
    done = subprocess.run(
        [SYSTEMD / "install.sh", "/nowhere/at-all"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "not found" in done.stderr
