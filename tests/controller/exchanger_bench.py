"""Isolation valves with motors and end contacts, and the block that stages their exchangers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from controller.control.blocks.water.exchanger_settings import ExchangersSettings
from controller.control.blocks.water.exchanger_staging import ExchangerStaging, StagingDuty
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality

STROKE_S = 60.0
QUICK = {"stroke_time": "60 s", "open_after": "60 s", "close_after": "5 min", "settle": "30 s"}


class ExchangerBench:
    """`count` exchangers; `contacts`: their valves tell both ends. `at`: true positions, 0 … 1."""

    def __init__(
        self,
        count: int = 2,
        *,
        contacts: bool = True,
        start: tuple[float, ...] = (),
        **changes: object,
    ) -> None:
        self.count, self.contacts = count, contacts
        self.now = 1000.0
        self.at = list(start) or [1.0] * count
        self.stuck: set[int] = set()
        self.mute = False
        self.load, self.outdoor = 0.1, 0.0
        self.heat = True
        self.opening, self.missing = 0.5, False
        valves = [{"open": f"relays.channel_{n}"} for n in range(1, count + 1)]
        self.settings = ExchangersSettings.model_validate({"valves": valves, **QUICK, **changes})
        self.image = Image()
        self.changes: list[tuple[float, int, bool]] = []
        """Every change of a command: when, which, whether it opens."""
        self.build()

    def build(self) -> None:
        """A new image and block, as after a start."""
        self.image = Image()
        if self.contacts:
            for number in range(1, self.count + 1):
                for end in ("opened", "closed"):
                    self.image.add(Point(f"low.exchanger_{number}_{end}", "flag"))
        self.block = ExchangerStaging(self.settings, self.image, "low.exchanger")
        self._before = dict.fromkeys(range(1, self.count + 1), math.nan)

    def restart(self, *, remember: bool = True) -> None:
        """The controller comes back on the same valves."""
        state = self.block.state()
        values = {n: self.output(n).value for n in range(1, self.count + 1)}
        self.build()
        if remember:
            self.block.restore(state)
            for number, value in values.items():
                self.output(number).put(value, -math.inf)
                self._before[number] = value

    def output(self, number: int) -> Output:
        """The isolation valve's command."""
        return self.image.outputs[f"low.exchanger_{number}_open"]

    def told(self) -> set[int]:
        """Numbers of the exchangers whose valve is told to open."""
        return {n for n in range(1, self.count + 1) if self.output(n).value >= 0.5}

    def point(self, role: str) -> Point:
        """A point of the group."""
        return self.image[f"low.{role}"]

    def duty(self) -> StagingDuty:
        """What the circuit says now."""
        return StagingDuty(self.heat, self.load, self.opening, self.missing, self.outdoor)

    def run(self, seconds: float, each: Callable[[], None] | None = None) -> None:
        """Let time pass, a scan a second."""
        for _ in range(round(seconds)):
            self.scan()
            if each is not None:
                each()

    def scan(self, contacts: Mapping[str, float] | None = None) -> None:
        """One scan; `contacts`: what they say instead of the truth."""
        self.now += 1.0
        self._show(contacts or {})
        self.block.step(Tick(self.now, 1.0, None), self.duty())
        for number in range(1, self.count + 1):
            self._carry_out(number)

    def _carry_out(self, number: int) -> None:
        output = self.output(number)
        wanted = output.demand if math.isfinite(output.demand) else output.value
        if output.override is not None:
            wanted = output.override.value
        if not math.isfinite(wanted) and output.failsafe is not None:
            wanted = output.failsafe
        if math.isfinite(wanted):
            output.put(wanted, self.now)
        before = self._before[number]
        if math.isfinite(wanted) and math.isfinite(before) and wanted != before:
            self.changes.append((self.now, number, wanted >= 0.5))
        self._before[number] = wanted
        if number not in self.stuck and math.isfinite(output.value):
            way = 1.0 / STROKE_S
            place = self.at[number - 1] + (way if output.value >= 0.5 else -way)
            self.at[number - 1] = min(max(place, 0.0), 1.0)

    def _show(self, said: Mapping[str, float]) -> None:
        if not self.contacts:
            return
        for index, place in enumerate(self.at):
            for end, true in (("opened", place > 0.999), ("closed", place < 0.001)):
                point = self.image[f"low.exchanger_{index + 1}_{end}"]
                value = said.get(f"{index + 1}_{end}", float(true))
                if self.mute or math.isnan(value):
                    point.mark(math.nan, Quality.BAD, "no_reply", self.now)
                else:
                    point.put(value, self.now)
