"""Is what was written really out there? What the bus has read back, per output.

The bus tells it again by itself (`drivers.confirm`); here it is told to people and to the circuits: of an
output that is not `confirmed` a pump counts as one that does not obey, a valve as one that does not follow.
A command that the device does not show back is judged by what the machine does, see `feedback`.
While the cabinet or the actuator has it in local, or on mains, nothing is told, nor for `AFTER_LOCAL_S` after
it: somebody else commands there, which is meant, and the bus needs a minute to see that it is over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.alarms import AlarmBook
from controller.channels import Key, Reading, Wiring, read_back
from controller.points import Image, Output
from controller.safety.feedback import feedback_of

AFTER_LOCAL_S = 180.0
NOT_CONFIRMED, OVERWRITTEN = "not_confirmed", "overwritten"
"""Faults of a reading: told in vain; somebody else writes, too."""


class _Row:
    __slots__ = (
        "elsewhere",
        "fault",
        "feedback",
        "found",
        "inverted",
        "key",
        "output",
        "quiet_until",
        "written",
    )

    def __init__(self, output: Output, key: Key, image: Image, inverted: bool) -> None:
        self.output, self.key, self.inverted = output, key, inverted
        find, machine = image.points.get, _machine(output.name)
        others = find(f"{machine}_local"), find(f"{machine}_bypass")
        self.elsewhere = [point for point in others if point is not None]
        """Who else may command it."""
        self.feedback = feedback_of(output, machine, image)
        self.fault = ""
        self.found = self.written = math.nan
        """What it shows, and what it was told then."""
        self.quiet_until = -math.inf

    def judge_by_feedback(self, dt: float) -> None:
        """Of a command that is not read back."""
        if self.feedback is None:
            self.fault = ""
            return
        against = self.feedback.step(dt)
        if against is not None:
            self.fault = NOT_CONFIRMED if against else ""
            self.found, self.written = self.feedback.shows.value, self.output.value

    def forget(self) -> None:
        """Somebody else commands it, which is meant."""
        self.fault = ""
        if self.feedback is not None:
            self.feedback.forget()


class Confirmation:
    """Sets `confirmed` of the outputs."""

    def __init__(self, wiring: Wiring, image: Image) -> None:
        self._rows = [
            _Row(
                image.outputs[channel.output],
                read_back(channel.target),
                image,
                channel.invert,
            )
            for channel in wiring.outputs
        ]
        self._tells = False
        self._last = math.nan

    def step(self, readings: Mapping[Key, Reading], now: float) -> None:
        """Take what was read back of each output; of what is not, and no machine says otherwise, it counts as
        confirmed."""
        dt = now - self._last if math.isfinite(self._last) else 0.0
        self._last = now
        for row in self._rows:
            reading = readings.get(row.key)
            if any(point.on for point in row.elsewhere):
                row.quiet_until = now + AFTER_LOCAL_S
            if now < row.quiet_until:
                row.forget()
            elif reading is not None:
                row.fault = str(reading.fault)
            else:
                row.judge_by_feedback(dt)
            row.output.confirmed = row.fault not in (NOT_CONFIRMED, OVERWRITTEN)
            if reading is not None:
                row.found = 1.0 - reading.value if row.inverted else reading.value
                row.written = row.output.value

    def report(self, alarms: AlarmBook) -> None:
        """Alarms: what the device shows, and what it was told. A machine whose run and speed are lost
        together is told once, about the first of them."""
        tells = not all(row.output.confirmed for row in self._rows)
        if not tells and not self._tells:
            return
        self._tells = tells
        told: set[tuple[str, str]] = set()
        for row in self._rows:
            output = row.output
            values = (("found", row.found, output.quantity), ("written", row.written, output.quantity))
            first = (_machine(output.name), row.fault) not in told
            told.add((_machine(output.name), row.fault))
            lost, other = first and row.fault == NOT_CONFIRMED, first and row.fault == OVERWRITTEN
            alarms.report("write_not_confirmed", output.name, lost, "high", values if lost else ())
            alarms.report("other_master", output.name, other, "high", values if other else ())


def _machine(output: str) -> str:
    """`low.pump_1_run` → `low.pump_1`, whose `_local` says who commands it."""
    return output.rpartition("_")[0]
