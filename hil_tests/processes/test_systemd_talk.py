"""What the service tells systemd: ready once, then the watchdog after every scan."""

import os
import socket
import subprocess
import sys
import time

import pytest

from hil_tests.processes.station import field, free_port
from hil_tests.service.world import DEMO

pytestmark = [pytest.mark.walltime, pytest.mark.timeout(90)]


def test_ready_then_watchdog_then_stopping(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, field(tmp_path) as here:
        supervisor.bind(address)
        supervisor.settimeout(20)
        door = f"opc.tcp://127.0.0.1:{free_port()}/heat-station"
        arguments = ["run", str(DEMO), "--here", str(here.folder), "--door", door]
        process = subprocess.Popen(
            [sys.executable, "-m", "controller.cli.main", *arguments],
            env={**os.environ, "NOTIFY_SOCKET": address},
            stderr=subprocess.DEVNULL,
        )
        try:
            heard = [supervisor.recv(200).decode() for _ in range(6)]
            process.terminate()
            begin = time.monotonic()
            while "STOPPING=1" not in heard and time.monotonic() - begin < 20:
                heard.append(supervisor.recv(200).decode())
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert heard.count("READY=1") == 1
    assert heard.count("WATCHDOG=1") >= 4
    assert "STOPPING=1" in heard
