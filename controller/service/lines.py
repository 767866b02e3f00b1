"""The wires of a file: its own addresses, or with `--here DIR` pseudo-terminals and loopback ports.

`DIR/<bus>` is the pseudo-terminal of a serial bus; `DIR/ports.json` holds the port of every TCP bus.
The simulator makes both; controller and simulator read this file for the names.
"""

from __future__ import annotations

import json
from pathlib import Path

from controller.settings.station import RtuBusSettings, StationFile, TcpBusSettings
from drivers.plan import Parity
from drivers.wire import RtuLine, TcpLine

PORTS = "ports.json"
_PARITY: dict[str, Parity] = {"none": "N", "even": "E", "odd": "O"}


class NotHere(ValueError):
    """The folder of `--here` does not hold what the file needs."""


def lines_of(file: StationFile, here: Path | None, *, paced: bool = True) -> dict[str, TcpLine | RtuLine]:
    """The line of every bus; `paced` as in `RtuLine`.

    Raises NotHere when the simulator has not laid its wires in `here`.
    """
    ports = read_ports(here) if here is not None else {}
    lines: dict[str, TcpLine | RtuLine] = {}
    for name, bus in file.buses.items():
        if isinstance(bus, TcpBusSettings):
            if here is None:
                lines[name] = TcpLine(bus.host, bus.port)
            elif name in ports:
                lines[name] = TcpLine("127.0.0.1", ports[name])
            else:
                raise NotHere(
                    f"{here / PORTS} has no port for bus {name}: start `station sim` with --here first"
                )
        elif isinstance(bus, RtuBusSettings):
            if here is None:
                parity = _PARITY[bus.parity]
                lines[name] = RtuLine(bus.port, bus.baud, parity, 2 if bus.stop_bits == 2 else 1)
            else:
                lines[name] = RtuLine(str(here / name), bus.baud, paced=paced)
    return lines


def read_ports(here: Path) -> dict[str, int]:
    """Bus → port of the simulator in `here`."""
    try:
        found = json.loads((here / PORTS).read_text(encoding="utf-8"))
        return {str(name): int(port) for name, port in found.items()}
    except FileNotFoundError:
        raise NotHere(f"{here / PORTS} is missing: start `station sim` with --here first") from None
    except (OSError, ValueError, AttributeError, TypeError) as problem:
        raise NotHere(f"{here / PORTS} cannot be read: {problem}") from None
