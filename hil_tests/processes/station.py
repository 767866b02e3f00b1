"""Simulator and controller as the processes that a user starts, on a folder of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hil_tests.service.world import DEMO

WITHIN_S = 60.0


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def station(*arguments: str, timeout: float = WITHIN_S, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one `station` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "controller.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **more},
        cwd=DEMO.parents[1],
        check=False,
    )


class Process:
    """A long-running `station` command with its log."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "controller.cli.main", *arguments],
                stdout=out,
                stderr=out,
                cwd=DEMO.parents[1],
            )

    def text(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, word: str, times: int = 1) -> None:
        """Until `word` stands in the log; AssertionError with the log's end when it never does."""
        begin = time.monotonic()
        while len(re.findall(word, self.text())) < times:
            assert self._process.poll() is None, f"it stopped:\n{self.text()[-3000:]}"
            assert time.monotonic() - begin < WITHIN_S, f"no {word!r}:\n{self.text()[-3000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """A clean stop; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(by)
        return self._process.wait(30)


class Field:
    """A running simulator, and controllers that are started on it."""

    def __init__(self, folder: Path, speed: float) -> None:
        self.folder = folder
        self.door = f"opc.tcp://127.0.0.1:{free_port()}/heat-station"
        self.clock = ["--speed", f"{speed:g}", "--epoch", f"{time.time():.0f}"] if speed != 1 else []
        self.state = folder / "state"
        self._runs = 0

    def run(self) -> Process:
        """Start `station run`; returns once its door is open."""
        process = self.begin()
        self.opened(process)
        return process

    def begin(self) -> Process:
        """Start `station run` and wait for nothing."""
        self._runs += 1
        arguments = ["run", str(DEMO), "--here", str(self.folder), "--door", self.door, *self.clock]
        return Process(arguments, self.folder / f"run{self._runs}.log")

    @staticmethod
    def opened(process: Process) -> None:
        """Wait until it runs and its door is open."""
        process.wait_for("ready")
        process.wait_for("door_open")

    def port(self, bus: str) -> int:
        """Port of a TCP bus of the simulator."""
        return int(json.loads((self.folder / "ports.json").read_text())[bus])


@contextlib.contextmanager
def field(folder: Path, speed: float = 1.0, *more: str) -> Iterator[Field]:
    """`station sim` of the demo station on `folder`."""
    here = Field(folder, speed)
    simulator = Process(["sim", str(DEMO), "--here", str(folder), *here.clock, *more], folder / "sim.log")
    try:
        simulator.wait_for("ready")
        yield here
    finally:
        simulator.stop()
