"""What a drive does, against what it was told, where its command registers cannot be read back.

A drive that runs on for `AGAINST_S` against its stop, longer than drives take to slow down, was not stopped.
(One that does not start has failed, see `drive`.) One that turns at another speed than it was told, and comes
no nearer to it for as long, does not follow: it is set to its own potentiometer, somebody else writes the
frequency, or limits of its own are narrower than `speed` in the file. Seconds against fade as they came; what
was found of a speed stands while the drive stands still, for two hours: then it may show again what it does.
The minute, the 2 Hz and the slowest ramp (300 s from standstill to 50 Hz, so that 10 s bring 1 Hz and more)
are own judgement.
"""

from __future__ import annotations

import math

from controller.points import Image, Output, Point

AGAINST_S = 60.0
OFF_HZ = 2.0
LOOK_S, NEARER_HZ = 10.0, 1.0
STANDS_S = 7200.0


class RunFeedback:
    """Of `<machine>_run`. `shows`: the point that tells."""

    def __init__(self, run: Output, running: Point) -> None:
        self.shows = running
        self._run = run
        self._against = _Against()

    def step(self, dt: float) -> bool | None:
        """True: it does not do as it was told. False: it does. None: as it was, or nothing can be said."""
        if not self.shows.usable:
            return None
        return self._against.step(dt, self.shows.on and self._run.value < 0.5)

    def forget(self) -> None:
        """Begin anew."""
        self._against.seconds = 0.0


class SpeedFeedback:
    """Of `<machine>_speed`. `shows`: the point that tells."""

    def __init__(self, speed: Output, run: Output, running: Point, frequency: Point) -> None:
        self.shows = frequency
        self._speed, self._run, self._running = speed, run, running
        self._against, self._ramp = _Against(), _Ramp()
        self._still_s = 0.0

    def step(self, dt: float) -> bool | None:
        """As that of `RunFeedback`."""
        if not self._running.usable or not self.shows.usable:
            return None
        if self._running.on and self._run.value >= 0.5:
            self._still_s = 0.0
            return self._against.step(dt, self._ramp.stays_off(self.shows.value, self._speed.value, dt))
        self._ramp.begin(self.shows.value)
        self._still_s += dt
        if self._still_s < STANDS_S:
            return None
        self._against.seconds = 0.0
        return False

    def forget(self) -> None:
        """Begin anew."""
        self._against.seconds = self._still_s = 0.0
        self._ramp.begin(math.nan)


def feedback_of(output: Output, machine: str, image: Image) -> RunFeedback | SpeedFeedback | None:
    """What shows whether a drive does as `output` says; None for an output of something else."""
    find, run = image.points.get, image.outputs.get(f"{machine}_run")
    running, frequency = find(f"{machine}_running"), find(f"{machine}_frequency")
    if run is None or running is None:
        return None
    if output is run:
        return RunFeedback(run, running)
    if frequency is not None and output.name == f"{machine}_speed":
        return SpeedFeedback(output, run, running, frequency)
    return None


class _Against:
    """Counts how long something is against what was told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def step(self, dt: float, against: bool) -> bool | None:
        self.seconds = min(max(self.seconds + (dt if against else -dt), 0.0), AGAINST_S)
        if self.seconds == 0.0:
            return False
        return True if self.seconds >= AGAINST_S else None


class _Ramp:
    """Does a drive come to the speed it was told?"""

    def __init__(self) -> None:
        self._from = math.nan
        self._since_s = 0.0
        self._stays_off = False

    def begin(self, frequency: float) -> None:
        """It is where it should be, or has begun to turn."""
        self._from, self._since_s, self._stays_off = frequency, 0.0, False

    def stays_off(self, frequency: float, told: float, dt: float) -> bool:
        """True while it turns at another speed and came no nearer in the last seconds."""
        off = told - frequency
        if abs(off) <= OFF_HZ or math.isnan(self._from):
            self.begin(frequency)
            return False
        self._since_s += dt
        if self._since_s >= LOOK_S:
            nearer = (frequency - self._from) * math.copysign(1.0, off)
            self._from, self._since_s = frequency, 0.0
            self._stays_off = nearer < NEARER_HZ
        return self._stays_off
