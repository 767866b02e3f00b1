"""The primary valve, led by the secondary supply temperature.

PI in shares of the full primary flow, turned into an opening by the valve's installed characteristic,
so that the loop gain hardly changes over the stroke; scaled by the driving temperature difference
(primary supply − secondary return), to which the plant's gain is proportional. Without the sensor:
hold for 30 min (CJJ/T 34-2022 13.1.5), then carry on with an estimate (`supply_estimate`).
Default tuning: from step tests on the nominal 2 MW station (0.11 … 0.18 K/%, 12 s, dead time 8 s and the
filter's 5 s) SIMC gives a gain of 1.6 (mild) to 6.6 (design day) with 12 s; the default is the mild one with
a slower integral, for exchangers and valves that are larger than they need to be.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from controller.control.blocks.characteristic import Characteristic
from controller.control.blocks.pid_loop import PiLoop
from controller.control.blocks.supply_estimate import Pair, SupplyEstimate
from controller.control.tick import Tick
from controller.fields import Amount, Reference, Settings
from controller.points import Output, Point, Slot, Term

HOLD_S = 1800.0
START_S = 15.0
"""So long the first scans wait for the position of a valve that has a feedback."""
SAME_POSITION = 2.0
"""Position and command closer than this are the same: dead band and stiction of the actuator, %."""
MODES = ("regulates", "holds", "estimates", "day_average", "stands")
NOMINAL_DRIVE_K = 65.0
"""Primary supply − secondary return of the nominal station, 110 − 45 °C."""


class ValveSettings(Settings):
    """Primary control valve (一次侧电动调节阀)."""

    command: Reference = Field(description="Output that moves it")
    feedback: Reference | None = Field(None, description="Input with its position")
    stroke_time: Annotated[float, Amount("time", 10, 600)] = Field(
        120.0, description="Time for the full stroke"
    )
    characteristic: Literal["equal_percentage", "linear"] = "equal_percentage"
    rangeability: Annotated[float, Amount("number", 10, 200)] = Field(
        50.0, description="Largest to smallest controllable flow"
    )
    authority: Annotated[float, Amount("number", 0.05, 1)] = Field(
        0.5, description="Share of the pressure drop over the open valve"
    )
    min: Annotated[float, Amount("percent", 0, 30)] = Field(
        0.0, description="Smallest opening while circulation runs"
    )
    max: Annotated[float, Amount("percent", 30, 100)] = Field(100.0, description="Largest opening")
    dead_band: Annotated[float, Amount("percent", 0, 5)] = Field(
        0.5, description="Smaller changes are not sent"
    )
    keep_warm: Annotated[float, Amount("percent", 0, 3)] = Field(
        0.0, description="Left open without circulation"
    )
    on_signal_loss: Literal["hold", "close", "open"] = Field(
        "hold", description="What the valve does when its signal is lost"
    )


class LoopSettings(Settings):
    """Supply temperature loop."""

    gain: Annotated[float, Amount("gain", 0.05, 20, adjustable=True)] = Field(
        1.5, description="Flow share per kelvin of error"
    )
    integral_time: Annotated[float, Amount("time", 5, 2000)] = Field(50.0, description="Integral time")
    filter: Annotated[float, Amount("time", 0, 60)] = Field(
        5.0, description="Filter of the measured temperature"
    )


class SupplyControl:
    """Opening of the valve for a supply temperature set-point."""

    def __init__(self, valve: ValveSettings, loop: LoopSettings, command: Output) -> None:
        self.valve, self.settings, self.command = valve, loop, command
        self.curve = Characteristic(valve.characteristic, valve.rangeability, valve.authority)
        self.loop = PiLoop(
            loop.gain, loop.integral_time, self.curve.flow(valve.min), self.curve.flow(valve.max)
        )
        self.estimate = SupplyEstimate()
        self.mode = "stands"
        self.filtered = math.nan
        self.setpoint = math.nan
        self._held_since: float | None = None
        self._first_scan: float | None = None
        self._started = False

    def step(
        self,
        tick: Tick,
        setpoint: float,
        supply: Point,
        pair: Pair,
        back: Point | None,
        primary: Point | None,
        power: Point | None,
        outdoor: Point,
        position: Point | None,
    ) -> None:
        """Demand of the valve. All temperatures °C, power kW, position %.

        `pair`: the two sensors behind `supply`, where it has two.
        """
        self.setpoint = setpoint
        if not self._start(tick, position):
            self.command.demand = math.nan
            return
        mode = self.mode
        measured = self._measured(tick, supply, pair, back, power)
        if mode != self.mode:
            self.loop.rest()
        if measured is None:
            self._without_sensor(outdoor)
        else:
            self.loop.gain = self.settings.gain
            self.loop.step(setpoint, measured, tick.dt, self._factor(primary, back))
        self.command.demand = min(max(self.curve.opening(self.loop.output), self.valve.min), self.valve.max)

    def applied(self, tick: Tick, outdoor: Point, position: Point | None) -> None:
        """Take over what the valve really got, and learn from ordinary operation.

        A limit may be over before the valve has got there: then its position is the place to go on from.
        """
        applied = self.command.value
        if not math.isfinite(applied):
            return
        limited = self.command.slot is Slot.LIMIT and position is not None and position.usable
        if limited and position is not None and abs(position.value - applied) > SAME_POSITION:
            applied = position.value
        if (
            self.command.slot is not Slot.DEMAND
            or abs(applied - self.command.demand) > 2 * self.valve.dead_band
        ):
            self.loop.applied(self.curve.flow(applied))
        if self.mode == "regulates" and self.command.slot is Slot.DEMAND:
            self.estimate.learn_day(tick, self.loop.output, outdoor)

    def _start(self, tick: Tick, position: Point | None) -> bool:
        """Begin where the valve stands: the real position wins over anything remembered.

        False while a feedback has not been read yet: then the valve is left alone for a moment.
        """
        if self._started:
            return True
        if self._first_scan is None:
            self._first_scan = tick.now
        if position is not None and position.usable:
            opening = min(max(position.value, self.command.low), self.command.high)
            if not abs(self.command.value - opening) <= SAME_POSITION:
                self.command.put(opening, tick.now)
            self.loop.track(self.curve.flow(self.command.value))
        elif position is not None and tick.now - self._first_scan < START_S:
            return False
        elif math.isnan(self.loop.output):
            self.loop.track(self.loop.low)
        self._started = True
        return True

    def _measured(
        self, tick: Tick, supply: Point, pair: Pair, back: Point | None, power: Point | None
    ) -> float | None:
        if supply.usable:
            self._held_since, self.mode = None, "regulates"
            self.estimate.learn(tick, supply, pair, back, power)
            return self._filter(self.estimate.believe(supply, pair, back, power), tick.dt)
        self.filtered = math.nan
        if self._held_since is None:
            self._held_since = tick.now
        if tick.now - self._held_since < HOLD_S:
            self.mode = "holds"
            return None
        estimated = self.estimate.supply(back, power)
        self.mode = "estimates" if estimated is not None else "day_average"
        return estimated

    def _without_sensor(self, outdoor: Point) -> None:
        if self.mode == "day_average":
            share = self.estimate.flow_share(outdoor)
            if share is not None:
                self.loop.track(share)

    def _filter(self, value: float, dt: float) -> float:
        if math.isnan(self.filtered) or self.settings.filter <= 0:
            self.filtered = value
        else:
            self.filtered += (value - self.filtered) * dt / (self.settings.filter + dt)
        return self.filtered

    def _factor(self, primary: Point | None, back: Point | None) -> float:
        """Gain schedule: 1 at the nominal driving difference, within 0.5 … 2.

        Rounded to tenths, so that the loop's tuning is not touched in every scan.
        """
        if primary is None or back is None or not (primary.usable and back.usable):
            return 1.0
        drive = max(primary.value - back.value, 10.0)
        return round(min(max(NOMINAL_DRIVE_K / drive, 0.5), 2.0), 1)

    def explain(self) -> Term:
        """What the loop sees and asks for."""
        values: tuple[tuple[str, float | str, str], ...] = (
            ("demand", self.command.demand, "percent"),
            ("setpoint", self.setpoint, "temperature"),
            ("measured", self.filtered, "temperature"),
        )
        if self.mode != "regulates":
            return Term(f"valve_{self.mode}", values)
        shares = Term(
            "loop_shares",
            (
                ("error", self.loop.error, "temperature_difference"),
                ("proportional", self.loop.proportional, "percent"),
                ("integral", self.loop.integral, "percent"),
                ("flow", self.loop.output, "percent"),
            ),
        )
        return Term("valve_regulates", values, (shares,))
