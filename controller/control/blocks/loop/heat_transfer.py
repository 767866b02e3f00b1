"""From a lift of the secondary water to a share of primary flow, and back, under the present conditions.

    lift         w = Ts − Tr, what the water gains in the exchanger or the mixing point, K
    drive        D = Tp − Tr, primary supply above secondary return, K
    flow ratio   z = C1/C2, heat capacity flows of primary and secondary side
    relative lift w/D = φ(z)

Exchanger, counter-flow, ε-NTU (VDI Heat Atlas C1; Modelica Buildings `DHC/ETS`):
    φ = z·ε,  ε = (1 − e^(−N(1−z)))/(1 − z·e^(−N(1−z))),  N = UA/C1,
    UA/UA0 = 2/((z/z0)^−0.8 + 1), both films alike, the secondary flow as designed.
Mixing: φ = z, up to 1.

Of exchangers in parallel, share a of all in service, primary side shut off at the others, the lift is that of
a mixed with what passes by in the others: w/D = a·φ(z/a). With both sides shut off φ has a^0.2 times the NTU:
fewer plates with more flow over them.

The valve's share of flow s becomes z = k·s·√(Δp/Δp0)/(V2/V20): Δp the primary differential pressure, V2
the secondary flow or the speed of its pumps, each over the first one seen. k, the flow ratio of the open
valve, starts from the design and is learned from quiet operation, so that sizes, fouling and the meter's
absence need no setting. What stays wrong is the loop's integral to carry.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.parts.steady import Steady
from controller.control.tick import Tick
from controller.fields import Amount, Settings
from controller.points import Point, Term, reading

OVERSIZE = 1.6
"""Open valve over design flow: Kvs steps by 1.6 (IEC 60534-2-1, R5 series), one step up is usual."""
LEARN_S = 3 * 3600.0
BLIND_LEARN_S = 30 * 86400.0
"""Where the position is an estimate that the heat is to correct, k must not follow that estimate."""
FIRST_LEARN_S = 900.0
QUIET_S = 120.0
QUIET_K, QUIET_SHARE = 0.5, 0.05
LEAST_DRIVE_K = 5.0
JUMP_K = 4.0
"""From one scan to the next no return goes so far: a sensor that begins or ends to lie, no disturbance."""
LEAST_LIFT_K = 3.0
MOST_STAGES = 4
"""Exchangers in parallel."""


class ExchangerDesign(Settings):
    """Temperatures of the design day; they give the exchanger's size in relation to its flows."""

    primary_supply: Annotated[float, Amount("temperature", 50, 160)] = Field(
        110.0, description="Primary supply"
    )
    primary_return: Annotated[float, Amount("temperature", 20, 120)] = Field(
        60.0, description="Primary return"
    )
    secondary_supply: Annotated[float, Amount("temperature", 25, 110)] = Field(
        60.0, description="Secondary supply"
    )
    secondary_return: Annotated[float, Amount("temperature", 15, 100)] = Field(
        45.0, description="Secondary return"
    )


class LiftCurve:
    """Relative lift over the flow ratio, as a table: increasing, from (0, 0)."""

    def __init__(self, ratios: list[float], lifts: list[float], design_ratio: float) -> None:
        self.ratios, self.lifts = ratios, lifts
        self.design_ratio = design_ratio

    def lift(self, ratio: float) -> float:
        """Relative lift 0 … <1 at a flow ratio; beyond the table its last value."""
        return _read(self.ratios, self.lifts, ratio)

    def ratio(self, lift: float) -> float:
        """Flow ratio that gives this relative lift; at most the table's last one."""
        return _read(self.lifts, self.ratios, lift)


def exchanger_lift(design: ExchangerDesign, in_service: float = 1.0) -> LiftCurve:
    """The exchanger's curve from its design temperatures. `in_service`: share of parallel ones that all water
    of both sides flows through.

    Raises ValueError for temperatures that no counter-flow exchanger reaches.
    """
    drive = design.primary_supply - design.secondary_return
    fall = design.primary_supply - design.primary_return
    rise = design.secondary_supply - design.secondary_return
    if not (0 < fall < drive and 0 < rise < drive):
        raise ValueError(f"no exchanger does this: {design}")
    z0, effectiveness = rise / fall, fall / drive
    ntu0 = _ntu(effectiveness, z0) * in_service**0.2
    ratios, lifts = [0.0], [0.0]
    for step in range(1, 61):
        z = z0 * 6.0 * (step / 60) ** 2
        ntu = ntu0 * z0 / z * 2 / ((z / z0) ** -0.8 + 1)
        ratios.append(z)
        lifts.append(z * _effectiveness(ntu, z))
    return LiftCurve(ratios, lifts, z0)


def mixing_lift(supply_share: float) -> LiftCurve:
    """Primary water in the mix: a straight line. `supply_share`: relative lift of the design day."""
    return LiftCurve([0.0, 1.0], [0.0, 1.0], supply_share)


def _effectiveness(ntu: float, z: float) -> float:
    if abs(1 - z) < 1e-6:
        return ntu / (1 + ntu)
    e = math.exp(-ntu * (1 - z))
    return (1 - e) / (1 - z * e)


def _ntu(effectiveness: float, z: float) -> float:
    if abs(1 - z) < 1e-6:
        return effectiveness / (1 - effectiveness)
    return math.log((1 - effectiveness * z) / (1 - effectiveness)) / (1 - z)


def _read(xs: list[float], ys: list[float], x: float) -> float:
    index = bisect_right(xs, x)
    if index == 0:
        return ys[0]
    if index == len(xs):
        return ys[-1]
    x0, y0 = xs[index - 1], ys[index - 1]
    return y0 + (ys[index] - y0) * (x - x0) / (xs[index] - x0)


class HeatTransfer:
    """Present conditions and what has been learned; `share` and `lift` turn one into the other.

    Points that a station does not have are None; then their last value, or the design's, stands in.
    """

    def __init__(
        self,
        curve: LiftCurve,
        filter_s: float,
        design_drive: float,
        primary: Point | None,
        back: Point | None,
        pressures: tuple[Point, Point] | None,
    ) -> None:
        self.curve = curve
        self.primary, self.back, self.pressures = primary, back, pressures
        self.design_drive = design_drive
        self.learn_s = LEARN_S
        self.full_ratio = self._first_ratio = OVERSIZE * curve.design_ratio
        self.first_pressure = math.nan
        self.first_flow = math.nan
        self._supply = Steady(filter_s)
        self._return = Steady(filter_s)
        self._difference = Steady(filter_s)
        self._flow = Steady(filter_s)
        self._scale = 1.0
        self._quiet_lift, self._quiet_share = Steady(QUIET_S), Steady(QUIET_S)
        self._learned_s = 0.0
        self.quiet = False
        self.drive = design_drive
        self.in_service = 1.0
        """Share of parallel exchangers that heat while secondary water flows through all of them."""
        self.stage = 0
        self._stages: dict[int, tuple[float, float]] = {}
        self.known = 0
        """Which conditions are measured, as bits; another number is another reference."""
        self._last_back = math.nan
        self._jumps = 0

    @property
    def back_temperature(self) -> float:
        """Secondary return, filtered, °C; NaN before the first reading."""
        return self._return.value

    def step(self, tick: Tick, flow: float) -> None:
        """Take the conditions of this scan. `flow`: secondary flow or pump speed in any unit, NaN unknown."""
        dt = tick.dt
        supply = self._supply.step(reading(self.primary), dt)
        back = self._back(reading(self.back), dt)
        difference = math.nan
        if self.pressures is not None and self.pressures[0].usable and self.pressures[1].usable:
            difference = self.pressures[0].value - self.pressures[1].value
        difference = self._difference.step(difference if difference > 0 else math.nan, dt)
        flow = self._flow.step(flow if flow > 0 else math.nan, dt)
        if math.isnan(self.first_pressure):
            self.first_pressure = difference
        if math.isnan(self.first_flow):
            self.first_flow = flow
        scale = 1.0
        if difference > 0:
            scale = math.sqrt(min(max(difference / self.first_pressure, 0.1), 10.0))
        if flow > 0:
            scale *= min(max(self.first_flow / flow, 0.5), 2.0)
        self._scale = scale
        drive = supply - back
        self.drive = max(drive, LEAST_DRIVE_K) if math.isfinite(drive) else self.design_drive
        self.known = (supply == supply) + 2 * (back == back) + 4 * (difference > 0) + 8 * (flow > 0)
        self.known += 16 * self._jumps

    def _back(self, back: float, dt: float) -> float:
        if abs(back - self._last_back) > JUMP_K:
            self._return.value = back
            self._jumps += 1
        self._last_back = back
        return self._return.step(back, dt)

    def share(self, lift: float) -> float:
        """Share of the open valve's flow, %, that lifts the water by so many K; may exceed 100."""
        return 100 * self._ratio(lift) / (self.full_ratio * self._scale)

    def lift(self, share: float) -> float:
        """Lift in K at a share of the open valve's flow in %."""
        a = self.in_service
        return self.drive * a * self.curve.lift(share / 100 * self.full_ratio * self._scale / a)

    def _ratio(self, lift: float) -> float:
        a = self.in_service
        return a * self.curve.ratio(lift / self.drive / a)

    def serve(self, stage: int) -> None:
        """Another number of parallel exchangers serves: k is learned for each, because the plates' resistance
        lies in series with the valve."""
        if stage == self.stage:
            return
        self._stages[self.stage] = self.full_ratio, self._learned_s
        self.full_ratio, self._learned_s = self._stages.get(stage, (self.full_ratio, self._learned_s))
        self.stage = stage

    def learn(self, tick: Tick, lift: float, share: float) -> bool:
        """Learn k from what is measured (K) at the valve's real share (%), while both are quiet.

        True when k has changed.
        """
        quiet_lift, quiet_share = self._quiet_lift.value, self._quiet_share.value
        self._quiet_lift.step(lift, tick.dt)
        self._quiet_share.step(share, tick.dt)
        self.quiet = (
            abs(lift - quiet_lift) < QUIET_K
            and abs(share - quiet_share) < QUIET_SHARE * share
            and lift > LEAST_LIFT_K
            and self.known & 3 == 3
        )
        if not self.quiet:
            return False
        seen = 100 * self._ratio(lift) / (share * self._scale)
        seen = min(max(seen, self._first_ratio / 4), self._first_ratio * 4)
        self._learned_s = min(self._learned_s + tick.dt, self.learn_s)
        self.full_ratio += (seen - self.full_ratio) * tick.dt / max(self._learned_s, FIRST_LEARN_S)
        return True

    def explain(self) -> Term:
        """What the water has to gain, and what it is gained from."""
        return Term(
            "heat_transfer",
            (
                ("drive", self.drive, "temperature_difference"),
                ("back", self.back_temperature, "temperature"),
                ("pressure", self._difference.value, "pressure"),
            ),
        )

    def state(self) -> dict[str, float | None]:
        """What was learned."""
        names = ("full_ratio", "first_pressure", "first_flow", "_learned_s")
        state = {name: _finite(getattr(self, name)) for name in names}
        if self.stage:
            state["stage"] = float(self.stage)
        for stage, (ratio, learned) in self._stages.items():
            state |= {f"full_ratio_{stage}": _finite(ratio), f"learned_{stage}": learned}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Take it over; what is missing or odd stays fresh."""
        for name in ("full_ratio", "first_pressure", "first_flow", "_learned_s"):
            value = state.get(name)
            if isinstance(value, int | float) and math.isfinite(value) and value > 0:
                setattr(self, name, float(value))
        least, most = self._first_ratio / 4, self._first_ratio * 4
        self.full_ratio = min(max(self.full_ratio, least), most)
        self.stage = int(remembered(state, "stage", 0.0, 0.0, MOST_STAGES))
        for stage in range(1, MOST_STAGES + 1):
            if stage != self.stage and f"full_ratio_{stage}" in state:
                ratio = remembered(state, f"full_ratio_{stage}", self.full_ratio, least, most)
                learned = remembered(state, f"learned_{stage}", 0.0, 0.0, self.learn_s)
                self._stages[stage] = ratio, learned


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
