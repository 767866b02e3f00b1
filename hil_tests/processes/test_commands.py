"""The command line as a user meets it."""

import contextlib
import json
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest

from hil_tests.processes.station import Process, field, station
from hil_tests.service.world import DEMO

pytestmark = [pytest.mark.walltime, pytest.mark.timeout(120)]


def test_check_of_the_demo_prints_one_line():
    done = station("check", str(DEMO), "--language", "en")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "good" in done.stdout
    assert done.stderr == ""


def test_check_prints_every_error_with_its_place_and_exits_2(tmp_path):
    broken = tmp_path / "broken.yaml"
    text = (
        DEMO.read_text()
        .replace("stroke_time: 120 s", "stroke_tme: 120 s")
        .replace("ramp: 30 K/h", "ramp: 30")
    )
    broken.write_text(text)
    done = station("check", str(broken), "--language", "en")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{broken}:")
    assert "circuits.low.supply.ramp: 30 has no unit" in lines[0]
    assert "circuits.low.valve.stroke_tme: unknown key (did you mean stroke_time?)" in lines[1]
    for command in ("run", "sim", "season"):
        refused = station(command, str(broken))
        assert refused.returncode == 2, command
        assert "stroke_tme" in refused.stderr, command


@pytest.mark.parametrize(
    "command",
    ["run", "sim", "demo", "season", "check", "watch", "why", "tune", "access user", "show failsafe"],
)
def test_every_command_has_help_with_an_example(command):
    done = station(*command.split(), "--help", COLUMNS="200")
    assert done.returncode == 0
    assert "station " + command in done.stdout.replace("\n", " ")


def test_run_without_the_simulated_wires_says_what_to_do(tmp_path):
    done = station("run", str(DEMO), "--here", str(tmp_path))
    assert done.returncode == 1
    assert "station sim" in done.stderr


def test_sim_refuses_a_host_beyond_loopback_and_a_plain_file(tmp_path):
    far = tmp_path / "far.yaml"
    far.write_text(DEMO.read_text().replace("host: 127.0.0.1", "host: 192.168.1.10"))
    done = station("sim", str(far))
    assert done.returncode == 1
    assert "--here" in done.stderr
    plain = tmp_path / "plain"
    plain.write_text("precious")
    other = tmp_path / "other.yaml"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (
        DEMO.read_text()
        .replace("/tmp/heat-station-demo/drives", str(plain))
        .replace("port: 5020", f"port: {port}")
    )
    other.write_text(text)
    done = station("sim", str(other))
    assert done.returncode == 1
    assert "--here" in done.stderr
    assert plain.read_text() == "precious"


def test_season_writes_its_indicators(tmp_path):
    out, picture = tmp_path / "season.json", tmp_path / "season.png"
    done = station(
        "season", str(DEMO), "--days", "0.25", "--step", "5", "--json", str(out), "--plot", str(picture)
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["circuits"]["low"]["supply_error_mean_k"] < 1.0
    assert found["energy_balance_error"] < 1e-3
    assert found["alarms"] == 0
    assert picture.stat().st_size > 10_000


def test_a_demo_whose_terminal_is_closed_leaves_nothing_behind(tmp_path):
    scenario = DEMO.parent / "scenarios" / "bad-day.yaml"
    played = ("--weather", "harbin:3", "--scenario", str(scenario), "--cold")
    demo = Process(["demo", "--language", "en", *played], tmp_path / "demo.log")
    try:
        demo.wait_for("low")
    finally:
        assert demo.stop(signal.SIGHUP) == 0, demo.text()
    assert "opc.tcp://127.0.0.1:" in demo.text()
    (folder,) = re.findall("simulated field: ([^ ]+)", demo.text())
    assert not Path(folder).exists()
    assert not [words for words in command_lines() if folder in words]


def command_lines() -> list[str]:
    """Of all processes that there are."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace"))
    assert found
    return found


def test_mbpoll_reads_what_the_simulator_serves(tmp_path, needs_tool):
    needs_tool("mbpoll")
    import subprocess

    with field(tmp_path) as here:
        command = [
            shutil.which("mbpoll"),
            "-m",
            "tcp",
            "-p",
            str(here.port("cabinet")),
            "-a",
            "6",
            "-0",
            "-r",
            "0",
        ]
        done = subprocess.run(
            [*command, "-c", "1", "-1", "127.0.0.1"], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert "[0]:" in done.stdout
