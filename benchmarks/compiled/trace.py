"""An hour of a station as one digest: every value of plant and station, of every scan, to the bit.

    python benchmarks/compiled/trace.py FILE [MINUTES]

Prints `compiled` or `plain` and the digest. On the way a sensor breaks, a pump trips, the power fails.
A compiled run keeps 3.0 where the plain one keeps 3: the same number, so both count as 3.0.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import sim.plant
from controller.settings.check import check_file
from sim.rig import Rig
from sim.weather import Weather

SCAN_S = 2.0


def same(value: Any) -> Any:
    """The value with every number as a float in hexadecimal."""
    if isinstance(value, int | float):
        return float(value).hex()
    if isinstance(value, dict):
        return {key: same(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [same(part) for part in value]
    return value


def break_and_mend(rig: Rig, share: float) -> None:
    """Faults at fixed `share`s of the run (0 … 1), so that safety and substitutes have work, too."""
    name = next(iter(rig.station.file.circuits))
    sensor = f"{name}.supply_temperature"
    if sensor not in rig.plant.sensors:
        sensor += "_1"
    if share == 0.2:
        rig.fault(sensor, "open")
    elif share == 0.3:
        rig.clear(sensor)
        rig.fault(f"{name}.pump_1", "trip")
    elif share == 0.5:
        rig.clear(f"{name}.pump_1")
        rig.fault("station", "power_failure")
    elif share == 0.6:
        rig.clear("station")


def digest(path: Path, minutes: float) -> str:
    """SHA-256 of the run. ValueError for a file with mistakes."""
    checked = check_file(path)
    if checked.file is None:
        raise ValueError(f"{path}: station check it")
    weather = Weather.load("harbin")
    rig = Rig(checked.file, checked.profiles, weather, dt=SCAN_S, start_time=weather.first(1, 10))
    steps = round(minutes * 60.0 / SCAN_S)
    found = hashlib.sha256()
    for step in range(steps):
        break_and_mend(rig, step / steps)
        done = rig.step()
        points = [(p.name, p.value, p.quality, p.reason, p.time) for p in rig.station.image.points.values()]
        seen = (rig.plant.sensors, rig.plant.truth, points, done.writes, [repr(e) for e in done.events])
        found.update(json.dumps(same(seen)).encode())
    found.update(json.dumps(same(rig.station.state())).encode())
    return found.hexdigest()


def main() -> None:
    """Print which it is, and the digest."""
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    print("plain" if sim.plant.__file__.endswith(".py") else "compiled", digest(Path(sys.argv[1]), minutes))


if __name__ == "__main__":
    main()
