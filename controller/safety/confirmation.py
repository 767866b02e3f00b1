"""Is what was written really out there? What the bus has read back, per output.

The bus tells it again by itself (`drivers.confirm`); here it is told to people and to the circuits: of an
output that is not `confirmed` a pump counts as one that does not obey, a valve as one that does not follow.
While the cabinet or the actuator is in local nothing is told, nor for `AFTER_LOCAL_S` after it: somebody else
commands there, which is meant, and the bus needs a minute to see that it is over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.alarms import AlarmBook
from controller.channels import Key, Reading, Wiring, read_back
from controller.points import Image, Output, Point

AFTER_LOCAL_S = 180.0
NOT_CONFIRMED, OVERWRITTEN = "not_confirmed", "overwritten"
"""Faults of a reading: told in vain; somebody else writes, too."""


class _Row:
    __slots__ = ("fault", "found", "inverted", "key", "local", "output", "quiet_until")

    def __init__(self, output: Output, key: Key, local: Point | None, inverted: bool) -> None:
        self.output, self.key, self.local, self.inverted = output, key, local, inverted
        self.fault = ""
        self.found = math.nan
        self.quiet_until = -math.inf


class Confirmation:
    """Sets `confirmed` of the outputs."""

    def __init__(self, wiring: Wiring, image: Image) -> None:
        self._rows = [
            _Row(
                image.outputs[channel.output],
                read_back(channel.target),
                image.points.get(f"{_machine(channel.output)}_local"),
                channel.invert,
            )
            for channel in wiring.outputs
        ]
        self._tells = False

    def step(self, readings: Mapping[Key, Reading], now: float) -> None:
        """Take what was read back of each output; what is not read back counts as confirmed."""
        for row in self._rows:
            reading = readings.get(row.key)
            if row.local is not None and row.local.on:
                row.quiet_until = now + AFTER_LOCAL_S
            row.fault = str(reading.fault) if reading is not None and now >= row.quiet_until else ""
            row.output.confirmed = row.fault not in (NOT_CONFIRMED, OVERWRITTEN)
            if reading is not None:
                row.found = 1.0 - reading.value if row.inverted else reading.value

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
            values = (("found", row.found, output.quantity), ("written", output.value, output.quantity))
            first = (_machine(output.name), row.fault) not in told
            told.add((_machine(output.name), row.fault))
            lost, other = first and row.fault == NOT_CONFIRMED, first and row.fault == OVERWRITTEN
            alarms.report("write_not_confirmed", output.name, lost, "high", values if lost else ())
            alarms.report("other_master", output.name, other, "high", values if other else ())


def _machine(output: str) -> str:
    """`low.pump_1_run` → `low.pump_1`, whose `_local` says who commands it."""
    return output.rpartition("_")[0]
