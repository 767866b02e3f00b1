"""What a scan costs, and how fast station and plant run together without sockets.

    python benchmarks/scan.py [HOURS]

Prints the scan alone (µs, share of its one-second period) and scan + plant as a multiple of the plain
float loop of `benchmarks/float_loop.py`, measured in the same run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from float_loop import run as float_loop

from controller.clock import SteppedClock
from controller.cycle import scan
from controller.settings.check import check_file
from controller.store.blackbox import BlackBox, BoxLimits
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"


def main() -> None:
    """Measure and print."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    checked = check_file(DEMO)
    assert checked.file is not None
    rig = Rig(checked.file, checked.profiles, Weather.load("shenyang_2013_01"))
    rig.run(minutes=10)
    steps = round(hours * 3600)
    catalogue = rig.station.catalogue
    folder = tempfile.TemporaryDirectory()
    box = BlackBox(Path(folder.name), "bench", catalogue, SteppedClock(rig.plant.time), BoxLimits())
    scans, boxed, begin = [], [], time.perf_counter()
    for _ in range(steps):
        now = rig.plant.time
        before = time.perf_counter()
        done = scan(rig.station, now, now, rig.readings)
        snapshot = rig.station.snapshot(now)
        scans.append(time.perf_counter() - before)
        before = time.perf_counter()
        box.offer(snapshot, done.events)
        boxed.append(time.perf_counter() - before)
        rig.act(done)
    both = (time.perf_counter() - begin) / steps
    scans.sort()
    boxed.sort()
    folder.cleanup()
    floor = float_loop(days=10, dt=1.0)
    median, late = scans[len(scans) // 2], scans[int(len(scans) * 0.99)]
    print(f"points                      {len(rig.station.catalogue)}")
    print(f"scan with snapshot          {median * 1e6:.0f} µs median, {late * 1e6:.0f} µs 99 %")
    taken = boxed[len(boxed) // 2] * 1e6
    print(f"black box                   {taken:.1f} µs median, ring of {box.ring.size} bytes")
    print(f"share of the period         {median * 100:.3f} %")
    print(f"scan + plant                {both * 1e6:.0f} µs a step, {1 / both:.0f} steps/s")
    print(f"float loop                  {floor * 1e6:.2f} µs a step")
    print(f"scan + plant / float loop   {both / floor:.0f} ×")


if __name__ == "__main__":
    main()
