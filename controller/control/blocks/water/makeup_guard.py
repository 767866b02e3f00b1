"""Guard of the makeup: how much, how often, how long; what the loop loses; how bad that is.

Stages of the leak in shares of the loop's volume an hour (FACTS §8): more than 0.5 % warning, 1 % alarm, 2 %
urgent, each after 10 min; it ends 20 % below. The guard only tells: makeup never stops for a leak while the
pressure holds and the tank fills. A pressure that falls by more than 20 kPa in a minute is a burst, unless
relief is open or the pumps have just started or stopped, which moves the pressure too.

Excess is the quick sign: in the last hour more than three times the usual water of an hour has been made up,
beyond what cooling water has shrunk by. Where nothing tells the volume, the pumps' run time stands for it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.water.leak_balance import SHRINKS_PER_K, LeakBalance
from controller.control.blocks.water.makeup_meter import NOMINAL_HZ, MakeupMeter
from controller.control.tick import Tick
from controller.fields import Amount, Settings, Whole
from controller.points import Image, Point, Quality, Term

STATES = ("ok", "warning", "alarm", "urgent")
STAGES = (0.5, 1.0, 2.0)
"""% of the volume an hour."""
STAGE_S = 600.0
ENDS_AT = 0.8
BURST_KPA, BURST_S, BURST_SAMPLE_S = 20.0, 60.0, 2.0
MASKED_S = 120.0
PUBLISH_S = 10.0
DAY_S, DAYS = 86400.0, 7
EXCESS, LEAST_USUAL_S = 3.0, 120.0
"""A loop that hardly loses anything needs a fill now and then all the same: two minutes an hour are usual."""


class MakeupGuardSettings(Settings):
    """Guard of the makeup (补水监视)."""

    loop_volume: Annotated[float, Amount("volume", 0.5, 5000)] | None = Field(
        None, description="Water in the circuit, buildings included: leaks are judged by it"
    )
    nominal_flow: Annotated[float, Amount("flow", 0.1, 500)] | None = Field(
        None, description="Flow of one makeup pump, to estimate by where there is no meter"
    )
    permitted: Annotated[float, Amount("flow", 0.01, 100)] | None = Field(
        None, description="More leakage than this warns, whatever the volume"
    )
    longest_fill: Annotated[float, Amount("time", 60, 86400)] = Field(
        1800.0, description="A makeup pump that runs longer warns"
    )
    most_starts: Whole = Field(12, ge=2, le=60, description="More starts an hour warn")


class MakeupGuard:
    """Writes `<circuit>.makeup_leak`, `_today`, `_hour`, `_starts`, `_state` and its flags."""

    def __init__(self, settings: MakeupGuardSettings, image: Image, circuit: str) -> None:
        self.settings = settings
        find = image.points.get
        self.supply = find(f"{circuit}.supply_temperature")
        self.back = find(f"{circuit}.return_temperature")
        self.circulation = find(f"{circuit}.circulation")
        self.meter = MakeupMeter(
            find(f"{circuit}.makeup_flow"), find(f"{circuit}.makeup_volume"), settings.nominal_flow
        )
        self.balance = LeakBalance(settings.loop_volume)

        def flag(name: str) -> Point:
            return image.add(Point(f"{circuit}.{name}", "flag", role="calculated"))

        def number(name: str, quantity: str) -> Point:
            return image.add(Point(f"{circuit}.{name}", quantity, role="calculated"))

        self.leak_point = number("makeup_leak", "flow")
        self.today_point = number("makeup_today", "volume")
        self.hour_point = number("makeup_hour", "volume")
        self.starts_point = number("makeup_starts", "count")
        self.state_point = image.add(
            Point(f"{circuit}.makeup_state", "choice", choices=STATES, role="calculated")
        )
        self.burst_point = flag("pressure_drops")
        self.overrun_point = flag("makeup_overrun")
        self.excess_point = flag("makeup_excess")
        self.stage = 0
        self.today = 0.0
        self.run_s = 0.0
        self.days: list[float] = []
        """Run time of the pumps in the last whole days, s; the newest last."""
        self.volumes: list[float] = []
        """What they brought in these days, m³; fewer where it was not known before."""
        self._day_run_s = self._day_s = self._day_volume = 0.0
        self._second = math.nan
        self._fill_s = 0.0
        self._last_fill = 0.0
        self._fill_from = 0.0
        self._ran = False
        self._minutes: deque[tuple[float, float, int, float]] = deque(maxlen=60)
        """m³, s of running, starts, °C of the water."""
        self._minute = [0.0, 0.0, 0.0, 0.0]
        self._minutes_sum = (0.0, 0.0, 0)
        self._warmest = math.nan
        """Of the last hour, °C."""
        self._burst = False
        self._published_at = -math.inf
        self._pressures: deque[tuple[float, float]] = deque()
        self._source = ""
        self._masked_until = -math.inf
        self._flows = math.nan
        self._differs_since = [math.inf] * len(STAGES)
        """Since when each stage is to begin or to end."""

    def step(
        self,
        tick: Tick,
        pressure: Point,
        *,
        runs: bool,
        speed_hz: float,
        relief: bool,
        filling: bool,
        holds_hz: float = math.nan,
    ) -> None:
        """One scan. `runs`: a makeup pump turns; `relief`: it is open; `filling`: of an empty circuit;
        `holds_hz`: the speed that just holds the set-point, where it is known."""
        added = self.meter.step(tick, runs, speed_hz, holds_hz)
        self._count(tick, added, runs)
        masked = self._mask(tick, relief or filling)
        if pressure.reason != self._source:
            # Another transmitter speaks: the step between the two is no fall, and no change of the water.
            self._source = pressure.reason
            self._pressures.clear()
            self.balance.clear()
        seen = pressure.usable and math.isfinite(pressure.value)
        self._note_fill(tick, pressure, runs, seen)
        temperature = self.temperature()
        if masked or not seen or not self.meter.known or math.isnan(temperature):
            self.balance.clear()
        else:
            self.balance.step(tick.now, self.meter.total, pressure.value, temperature)
        if seen and not masked:
            self._look_for_burst(tick.now, pressure.value)
        else:
            self._pressures.clear()
            self._burst = False
        overrun = not filling and self._fill_s > self.settings.longest_fill
        self.burst_point.put(float(self._burst), tick.now)
        self.overrun_point.put(float(overrun), tick.now)
        if not tick.now - self._published_at < PUBLISH_S:
            self._published_at = tick.now
            self._judge(tick, filling, overrun)
            self._publish(tick.now)

    @property
    def usual_share(self) -> float:
        """Share of the time that makeup ran in the last days; NaN before the first whole day."""
        return sum(self.days) / (DAY_S * len(self.days)) if self.days else math.nan

    @property
    def starts(self) -> int:
        """Of the pumps, in the last hour."""
        return self._last_hour()[2]

    # ---- counting

    def _count(self, tick: Tick, added: float, runs: bool) -> None:
        second = tick.second_of_day
        if second is not None and second < self._second:
            self.today = 0.0
        self._second = math.nan if second is None else second
        self.today += added
        self._day_volume += added
        ran = tick.dt if runs else 0.0
        self.run_s += ran
        self._day_run_s += ran
        self._day_s += tick.dt
        if self._day_s >= DAY_S:
            self.days = [*self.days, min(self._day_run_s, DAY_S)][-DAYS:]
            if self.meter.known:
                self.volumes = [*self.volumes, self._day_volume][-DAYS:]
            self._day_s = self._day_run_s = self._day_volume = 0.0
            if second is None:
                self.today = 0.0
        minute = self._minute
        minute[0] += added
        minute[1] += ran
        minute[2] += 1.0 if runs and not self._ran else 0.0
        minute[3] += tick.dt
        if minute[3] >= 60.0:
            self._minutes.append((minute[0], minute[1], int(minute[2]), self.temperature()))
            self._minute = [0.0, 0.0, 0.0, 0.0]
            rows = self._minutes
            self._warmest = max((r[3] for r in rows if r[3] == r[3]), default=math.nan)
            self._minutes_sum = (sum(r[0] for r in rows), sum(r[1] for r in rows), sum(r[2] for r in rows))

    def _note_fill(self, tick: Tick, pressure: Point, runs: bool, seen: bool) -> None:
        if runs and not self._ran:
            self._fill_s, self._fill_from = 0.0, self.meter.total
            if seen and self.meter.measured:
                self.balance.fill_begins(tick.now, self.meter.total, pressure.value)
        elif self._ran and not runs:
            self._last_fill = self.meter.total - self._fill_from
            if seen and self.meter.measured:
                self.balance.fill_ends(tick.now, self.meter.total, pressure.value)
        self._fill_s = self._fill_s + tick.dt if runs else 0.0
        self._ran = runs

    def _last_hour(self) -> tuple[float, float, int]:
        """m³, s of running, starts."""
        volume, ran, starts = self._minutes_sum
        minute = self._minute
        return volume + minute[0], ran + minute[1], starts + int(minute[2])

    def temperature(self) -> float:
        """Mean of the water, °C; NaN while a sensor of it is lost, 0 where there is none to correct by."""
        points = [point for point in (self.supply, self.back) if point is not None]
        if not all(point.usable and math.isfinite(point.value) for point in points):
            return math.nan
        return sum(point.value for point in points) / max(len(points), 1)

    # ---- burst

    def _mask(self, tick: Tick, other: bool) -> bool:
        """Something else moves the pressure now, or did a moment ago."""
        flows = (
            self.circulation.value if self.circulation is not None and self.circulation.usable else math.nan
        )
        if other or (flows != self._flows and not (math.isnan(flows) and math.isnan(self._flows))):
            self._masked_until = tick.now + MASKED_S
        self._flows = flows
        return tick.now < self._masked_until

    def _look_for_burst(self, now: float, pressure: float) -> None:
        rows = self._pressures
        if rows and now - rows[-1][0] < BURST_SAMPLE_S:
            return
        rows.append((now, pressure))
        while rows[0][0] < now - BURST_S:
            rows.popleft()
        # Means of the first and the last third, so that one spike is no burst: 2/3 of the time apart.
        third = len(rows) // 3
        values = [value for _, value in rows]
        fallen = (sum(values[:third]) - sum(values[-third:])) / third if third >= 3 else 0.0
        self._burst = fallen > BURST_KPA * (now - rows[0][0]) / BURST_S * 2 / 3

    # ---- judging

    def _judge(self, tick: Tick, filling: bool, overrun: bool) -> None:
        wanted = 0 if filling else max(self._leak_stage(), int(overrun), int(self._too_often()))
        for level, since in enumerate(self._differs_since, 1):
            # Each stage by itself: a leak that grows is told as what it has been for so long, not only at the
            # end.
            if (wanted >= level) == (self.stage >= level):
                self._differs_since[level - 1] = math.inf
            elif since == math.inf:
                self._differs_since[level - 1] = tick.now
        settled = [tick.now - since >= STAGE_S or filling for since in self._differs_since]
        rises = [level for level in range(self.stage + 1, wanted + 1) if settled[level - 1]]
        falls = [level for level in range(wanted + 1, self.stage + 1) if settled[level - 1]]
        self.stage = max(rises) if rises else min(falls) - 1 if falls else self.stage

    def _leak_stage(self) -> int:
        leak, volume, permitted = self.balance.leak, self.settings.loop_volume, self.settings.permitted
        if not math.isfinite(leak):
            return 0
        stage = 0
        for number, share in enumerate(STAGES, 1):
            edge = share * (ENDS_AT if self.stage >= number else 1.0)
            if volume is not None and 100.0 * leak / volume > edge:
                stage = number
        if permitted is not None and leak > permitted * (ENDS_AT if self.stage else 1.0):
            stage = max(stage, 1)
        return stage

    def _too_often(self) -> bool:
        return self._last_hour()[2] > self.settings.most_starts

    def _excess(self) -> bool:
        volume, ran, _ = self._last_hour()
        usual, share = self._usual_volume(), self.usual_share
        if self.meter.known and not math.isnan(usual):
            return volume - self._shrunk() > EXCESS * usual
        return not math.isnan(share) and ran > EXCESS * max(share * 3600.0, LEAST_USUAL_S)

    def _usual_volume(self) -> float:
        """m³ an hour in the last days, or what makeup brings in `LEAST_USUAL_S`; NaN before any is known."""
        brought, ran = sum(self.volumes), sum(self.days[-len(self.volumes) :]) if self.volumes else 0.0
        if ran <= 0.0:
            return math.nan
        return max(brought / len(self.volumes) / DAY_S * 3600.0, brought / ran * LEAST_USUAL_S)

    def _shrunk(self) -> float:
        """m³ that the water has lost by cooling from its warmest in the last hour."""
        now, volume = self.temperature(), self.settings.loop_volume
        if volume is None or math.isnan(now) or math.isnan(self._warmest):
            return 0.0
        return SHRINKS_PER_K * volume * max(self._warmest - now, 0.0)

    def _publish(self, now: float) -> None:
        volume, _, starts = self._last_hour()
        for point, value, known in (
            (self.leak_point, self.balance.leak, math.isfinite(self.balance.leak)),
            (self.today_point, self.today, self.meter.known),
            (self.hour_point, volume, self.meter.known),
        ):
            if known:
                point.put(value, now)
            else:
                point.mark(math.nan, Quality.BAD, "not_known_yet", now)
        self.starts_point.put(starts, now)
        self.state_point.put(self.stage, now)
        self.excess_point.put(float(self._excess()), now)

    # ---- for others

    def explain(self) -> Term:
        """What the loop loses, and how much was filled in."""
        volume, ran, starts = self._last_hour()
        values = (
            ("leak", self.balance.leak, "flow"),
            ("hour", volume, "volume"),
            ("today", self.today, "volume"),
            ("fill", self._last_fill, "volume"),
            ("ran", ran, "time"),
            ("starts", starts, "count"),
        )
        return Term("makeup_balance", values)

    def memory(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        elasticity, usual, holds = self.balance.elasticity, self.meter.usual_flow, self.meter.holds_hz
        return {
            "days": list(self.days),
            "volumes": list(self.volumes),
            "day": [self._day_run_s, self._day_s, self._day_volume],
            "today": self.today,
            "elasticity": elasticity if math.isfinite(elasticity) else None,
            "usual_flow": usual if math.isfinite(usual) else None,
            "holds_hz": holds if math.isfinite(holds) else None,
        }

    def remember(self, state: object) -> None:
        """Take over what `memory` gave; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        days, day = _numbers(state.get("days")), _numbers(state.get("day"))
        self.days = [min(seconds, DAY_S) for seconds in days[-DAYS:]]
        self.volumes = _numbers(state.get("volumes"))[-len(days) :] if days else []
        if len(day) == 3:
            self._day_run_s, self._day_s, self._day_volume = day
        for value in _numbers([state.get("today")]):
            self.today = value
        for value in _numbers([state.get("elasticity")]):
            self.balance.elasticity = value
        for value in _numbers([state.get("usual_flow")]):
            self.meter.usual_flow = value
        for value in _numbers([state.get("holds_hz")]):
            self.meter.holds_hz = value if 0.0 < value < NOMINAL_HZ else math.nan


def _numbers(values: object) -> list[float]:
    """Those of a list that are finite and not negative."""
    rows = values if isinstance(values, list) else []
    return [float(row) for row in rows if isinstance(row, int | float) and math.isfinite(row) and row >= 0]
