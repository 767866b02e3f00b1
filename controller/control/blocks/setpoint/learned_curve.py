"""Learned curve: what this station's own rooms say about its heat curve, proposed and, if asked, applied.

Each day gives one sample (`house_day`), each sample improves three numbers of the house (`house_model`),
and from them follows the supply temperature that would hold the wanted room. Its difference to the file's
curve is told as a shift in the middle of the outdoor temperatures seen, and a tilt:

    proposal(To) = shift + tilt · (middle − To) / 10 K       level beyond what was seen, −most … most

A proposal is made after 3 days, and only once the difference is three times its own standard deviation (it
ends below half of that): noise alone moves nothing. Switch `mode`: off (no learning), propose (told, not
used), apply (the share goes there by at most 1 K a day). Turning it back takes the share out within 1 h.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.setpoint.heat_curve import HeatCurve
from controller.control.blocks.setpoint.house_day import DAY_S, HouseDay
from controller.control.blocks.setpoint.house_model import HouseModel
from controller.fields import Amount, Settings, switch
from controller.points import Point, Term

MODES = ("off", "propose", "apply")
LEAST_DAYS = 3
SIGNIFICANT, INSIGNIFICANT = 3.0, 1.5
LEAST_RANGE_K = 4.0
"""Outdoor temperatures that differ by less say nothing about a tilt."""
NARROWS_K = 0.1
"""The range of outdoor temperatures seen shrinks by so much a day, so that last year's frost is forgotten."""
SHIFT_PER_DAY, TILT_PER_DAY = 1.0, 0.5
CHANGE_S = 3600.0
PLAUSIBLE_ROOM = (12.0, 28.0)


class LearnedCurveSettings(Settings):
    """Learning this station's own heat curve from its rooms (自学习供热曲线)."""

    mode: Annotated[float, switch(*MODES)] = Field(
        1.0, description="off, propose (tells what it would change) or apply"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 6)] = Field(
        3.0, description="Bound of the correction, either way"
    )


class LearnedCurve:
    """A share of the set-point in K. `shift`, `tilt`: the proposal; `confidence` 0 … 1."""

    def __init__(self, settings: LearnedCurveSettings, curve: HeatCurve, room: float) -> None:
        self.settings = settings
        self.curve = curve
        self.room = room
        self.model = HouseModel(curve.at, room)
        self.day = HouseDay()
        self.share = Fade(CHANGE_S)
        self.low = self.high = math.nan
        self.shift = self.tilt = self.confidence = 0.0
        self.proposes = False
        self.applied_shift = self.applied_tilt = 0.0
        self._outdoor = math.nan

    @property
    def mode(self) -> str:
        """Position of the switch."""
        return MODES[int(self.settings.mode)]

    def step(
        self, rooms: float, supply: Point, outdoor: Point, room_wanted: float, heating: bool, dt_s: float
    ) -> float:
        """The share, K. `rooms`: their median, °C, or NaN; `heating`: water circulates and the set-point
        is not held by anything but the curve's own limits."""
        self.room = room_wanted
        if outdoor.usable and math.isfinite(outdoor.value):
            self._outdoor = outdoor.value
        if self.mode != "off":
            self._watch(rooms, supply, outdoor, heating, dt_s)
        if self.mode != "apply":
            self.applied_shift = self.applied_tilt = 0.0
            return self.share.step(None, dt_s)
        self._approach(max(dt_s, 0.0) / DAY_S)
        share = self._at(self.applied_shift, self.applied_tilt, self._outdoor)
        return self.share.step(share, dt_s, (self.low, self.high))

    def _watch(self, rooms: float, supply: Point, outdoor: Point, heating: bool, dt_s: float) -> None:
        low, high = PLAUSIBLE_ROOM
        known = heating and supply.usable and outdoor.usable and low <= rooms <= high
        heat = self.model.heat(supply.value, rooms) if known else math.nan
        outside = outdoor.value if known else math.nan
        sample = self.day.step(heat, rooms if known else math.nan, outside, dt_s)
        if sample is None:
            return
        self.model.learn(sample.heat, sample.room - sample.outdoor, sample.change)
        if math.isnan(self.low):
            self.low = self.high = sample.outdoor
        self.low = min(self.low + NARROWS_K, sample.outdoor)
        self.high = max(self.high - NARROWS_K, sample.outdoor)
        self._propose()

    def _difference(self, outdoor: float) -> tuple[float, float]:
        """Learned less the file's curve, K, and its standard deviation."""
        supply, deviation = self.model.supply(outdoor, self.room)
        return supply - self.curve.at(outdoor), deviation

    def _propose(self) -> None:
        middle = (self.low + self.high) / 2
        found = [self._difference(outdoor) for outdoor in (self.low, middle, self.high)]
        wide = self.high - self.low >= LEAST_RANGE_K
        most = self.settings.most
        self.shift = min(max(found[1][0], -most), most)
        self.tilt = (found[0][0] - found[2][0]) / (self.high - self.low) * 10 if wide else 0.0
        self.tilt = min(max(self.tilt, -most), most)
        self.confidence = min(max(1 - found[1][1], 0.0), 1.0)
        certainty = max(abs(difference) / max(deviation, 0.01) for difference, deviation in found)
        enough = self.model.days >= LEAST_DAYS
        self.proposes = enough and certainty > (INSIGNIFICANT if self.proposes else SIGNIFICANT)

    def _approach(self, days: float) -> None:
        shift, tilt = (self.shift, self.tilt) if self.proposes else (0.0, 0.0)
        self.applied_shift += _within(shift - self.applied_shift, SHIFT_PER_DAY * days)
        self.applied_tilt += _within(tilt - self.applied_tilt, TILT_PER_DAY * days)

    def _at(self, shift: float, tilt: float, outdoor: float) -> float:
        if math.isnan(self.low) or math.isnan(outdoor):
            return _within(shift, self.settings.most)
        middle = (self.low + self.high) / 2
        inside = min(max(outdoor, self.low), self.high)
        return _within(shift + tilt * (middle - inside) / 10, self.settings.most)

    def proposal(self, outdoor: float) -> float:
        """What it would add at this outdoor temperature, K; 0 while it proposes nothing."""
        return self._at(self.shift, self.tilt, outdoor) if self.proposes else 0.0

    def explain(self) -> Term | None:
        """What it has learned and what it does with it; None when off and faded."""
        share = ("share", self.share.value, "temperature_difference")
        if self.mode == "off":
            return Term("learned_fades", (share,)) if abs(self.share.value) >= 0.05 else None
        days = ("days", float(self.model.days), "count")
        if not self.proposes:
            return Term("learned_nothing", (share, days))
        values = (
            share,
            days,
            ("shift", self.shift, "temperature_difference"),
            ("tilt", self.tilt, "temperature_difference"),
            ("confidence", 100 * self.confidence, "percent"),
            ("balance", self.model.balance_point(self.room), "temperature"),
        )
        return Term("learned_applies" if self.mode == "apply" else "learned_proposes", values)

    def state(self) -> dict[str, Any]:
        """The house, the day so far, the range seen, what is applied."""
        return {
            "model": self.model.state(),
            "day": self.day.state(),
            "low": finite(self.low),
            "high": finite(self.high),
            "proposes": self.proposes,
            "shift": self.applied_shift,
            "tilt": self.applied_tilt,
            "share": self.share.value,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; what is odd starts anew."""
        most = self.settings.most
        model, day = state.get("model"), state.get("day")
        if isinstance(model, dict):
            self.model.restore(model)
        if isinstance(day, dict):
            self.day.restore(day)
        self.applied_shift = remembered(state, "shift", 0.0, -most, most)
        self.applied_tilt = remembered(state, "tilt", 0.0, -most, most)
        self.share.restore(remembered(state, "share", 0.0, -most, most))
        low, high = (remembered(state, key, math.nan, -60, 40) for key in ("low", "high"))
        if low <= high:
            self.low, self.high = low, high
            self.proposes = state.get("proposes") is True
            self._propose()


def _within(value: float, most: float) -> float:
    return min(max(value, -most), most)
