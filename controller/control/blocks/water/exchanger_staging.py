"""Exchangers in parallel behind one control valve: how many serve, and which (换热器台数控制).

    one more     load > open_above·capacity·n for open_after; the control valve 90 % open for a minute
    one less     load < close_below·capacity·(n − 1) for close_after, so long after the last change, and the
                 control valve less than 70 % open; not at a load at which so few were too few today
    all          no heat wanted; load or a contact unknown for a minute; heat missing

Few at low load: the water is quick on the plates and fouls them less, and the control valve works further
open. All at high load: the primary return is cool. The outdoor temperature leads the load (`exchanger_load`),
so the next one opens before its heat is needed. Thresholds are own judgement. Exchangers are often bought so
that one less still carries most of the design heat: that is what `capacity` is for.

One motion at a time, and the new one has proven to be open before an old one closes; at least one is always
told to be open. The one with the fewest hours opens, the one with the most closes, and a rested one takes
over when the hours differ by `hours_difference`. A valve that fails (`isolation_valve`) is told to open and
is not counted on, so another one takes its place. An exchanger that is out for cleaning stays closed whatever
happens: somebody may have it open. Resting ones whose both sides are shut off are warmed now and then in hard
frost.

Heat missing: for two minutes the water gains less than 40 % of what the opening of the control valve should
bring, while some rest or one has just moved. Then an isolation valve without a contact has probably not done
what it was told: all open for an hour, and the one that opened last before that is not counted on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.water.exchanger_settings import ExchangersSettings
from controller.control.blocks.water.isolation_valve import FAILURES, IsolationValve
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term

START_S = 15.0
"""So long the first scans wait for contacts, where nothing is remembered."""
BLIND_S = 60.0
SHORT_S = 60.0
SHORT_OPENING, SPARE_OPENING = 0.9, 0.7
"""Share of the control valve's largest opening above which those that serve are too few, and below which one
may close: without half of the plates it opens by a tenth to a quarter (measured on the simulated station)."""
LESS_LOAD = 0.85
SHORT_KEPT_S = 86400.0
"""A number that was too small at some load is not tried again at much the same load for a day: the primary
network may be warmer by then."""
MISSING_S = 120.0
DISTRUST_S = 3600.0
MOVED_LATELY_S = 1800.0
HYSTERESIS = 0.9
WHYS = ("", "no_heat", "blind", "missing")
"""Why all shall be open."""


@dataclass(frozen=True, slots=True)
class StagingDuty:
    """What the circuit asks of its exchangers.

    `load`: share of the design heat, NaN unknown; `opening` of the control valve as a share of its largest,
    NaN while it does not regulate; `missing`: the water gains far less than it should at this opening;
    `outdoor` in °C, NaN unknown."""

    heat: bool
    load: float
    opening: float = math.nan
    missing: bool = False
    outdoor: float = math.nan


class ExchangerStaging:
    """`prefix` `low.exchanger` makes outputs `low.exchanger_1_open` … and points `low.exchangers_wanted`,
    `low.exchangers_open`, `low.exchanger_heat_missing`."""

    def __init__(self, settings: ExchangersSettings, image: Image, prefix: str) -> None:
        self.settings = settings
        count = len(settings.valves)
        self.valves = [
            IsolationValve(image, f"{prefix}_{number}", settings.stroke_time)
            for number in range(1, count + 1)
        ]
        self.capacity = settings.capacity / 100.0 if settings.capacity is not None else 1.0 / count
        self.wanted = count
        self.why = ""
        self.load = math.nan
        self.warming: IsolationValve | None = None
        self.incoming: IsolationValve | None = None
        """It opens to take over from one with more hours."""
        self.wanted_point = image.add(Point(f"{prefix}s_wanted", "count", role="calculated"))
        self.open_point = image.add(Point(f"{prefix}s_open", "count", role="calculated"))
        self.missing_point = image.add(Point(f"{prefix}_heat_missing", "flag", role="calculated"))
        self._begun = False
        self._now = 0.0
        self._first_scan = math.nan
        self._needs_s = self._short_s = self._spare_s = self._blind_s = self._missing_s = 0.0
        self._too_few: dict[int, tuple[float, float]] = {}
        """Number: load at which it was too small, and when that was."""
        self._changed_at = self._moved_at = -math.inf
        self._distrusts_until = -math.inf
        self._warm_since = math.inf

    @property
    def serving(self) -> list[IsolationValve]:
        """Those that heat, as far as anybody can say."""
        return [valve for valve in self.valves if valve.serves]

    @property
    def share(self) -> float:
        """Share of all exchangers that primary water flows through, 0 … 1; one in motion counts in part."""
        total = 0.0
        for valve in self.valves:
            total += valve.passing
        return total / len(self.valves)

    def step(self, tick: Tick, duty: StagingDuty) -> None:
        """Demand of every isolation valve for this scan."""
        self._now = tick.now
        for valve, setting in zip(self.valves, self.settings.valves, strict=True):
            valve.out = setting.out >= 0.5
        if not self._start(tick.now):
            return
        for valve in self.valves:
            valve.watch(tick)
            valve.output.demand = float(valve.target)
        if any(valve.moving for valve in self.valves):
            self._moved_at = tick.now
        self.load = duty.load
        self._decide(tick, duty)
        if not any(valve.moving for valve in self.valves):
            self._move(tick, duty)
        self._publish(tick.now)

    def _start(self, now: float) -> bool:
        """False while contacts have not been read yet and nothing is remembered: then nothing moves."""
        if self._begun:
            return True
        if math.isnan(self._first_scan):
            self._first_scan = now
        fresh = any(not math.isfinite(valve.output.value) for valve in self.valves)
        silent = any(valve.unreadable for valve in self.valves)
        if fresh and silent and now - self._first_scan < START_S:
            for valve in self.valves:
                valve.output.failsafe = None
            return False
        for valve in self.valves:
            valve.begin(now)
            valve.output.demand = float(valve.target)
        if not any(valve.target for valve in self.valves):
            self.wanted = len(self.valves)
            for valve in self.valves:
                valve.forgive(-math.inf)  # nobody waits for a motion: one opens at once
        elif fresh:
            self.wanted = len([valve for valve in self.valves if valve.target])
        self._changed_at = now
        self._begun = True
        return True

    # ---- how many

    def _decide(self, tick: Tick, duty: StagingDuty) -> None:
        """The number that is wanted from now on."""
        most, before = len(self.valves), self.wanted
        self.why = self._why_all(tick, duty)
        if self.why:
            self._needs_s = self._short_s = self._spare_s = 0.0
            self.wanted = most
        else:
            self.wanted = min(max(self._by_load(tick, duty), self.settings.least), most)
        if self.wanted != before:
            self._changed_at = tick.now
            self._needs_s = self._short_s = self._spare_s = 0.0

    def _why_all(self, tick: Tick, duty: StagingDuty) -> str:
        """Reason of WHYS why all shall be open; empty for none."""
        blind = not math.isfinite(duty.load) or any(valve.unreadable for valve in self.valves)
        self._blind_s = self._blind_s + tick.dt if blind else 0.0
        if self._misses(tick, duty):
            return "missing"
        if not duty.heat:
            return "no_heat"
        return "blind" if self._blind_s >= BLIND_S else ""

    def _misses(self, tick: Tick, duty: StagingDuty) -> bool:
        """Heat is missing, or was within the last hour."""
        now = tick.now
        suspects = len(self.serving) < len(self.valves) or now - self._moved_at < MOVED_LATELY_S
        misses = duty.heat and duty.missing and suspects
        self._missing_s = self._missing_s + tick.dt if misses else 0.0
        if self._missing_s >= MISSING_S and now >= self._distrusts_until:
            self._distrusts_until = now + DISTRUST_S
            began = now - self._missing_s
            open_then = [valve for valve in self.valves if valve.target and valve.opened_at < began]
            last = max(open_then, key=lambda valve: valve.opened_at, default=None)
            if last is not None and began - last.opened_at < MOVED_LATELY_S:
                last.fail(now, "no_heat")
        return now < self._distrusts_until

    def _by_load(self, tick: Tick, duty: StagingDuty) -> int:
        """One more, one less, or as many as before."""
        settings, n, now = self.settings, self.wanted, tick.now
        if math.isnan(duty.load):
            return n
        needs = duty.load > settings.open_above / 100.0 * self.capacity * n
        # Set at run time the two may come too near; then a number would be left as soon as it is reached.
        below = min(settings.close_below, HYSTERESIS * settings.open_above)
        spare = duty.load < below / 100.0 * self.capacity * (n - 1) and not self._tried(n - 1, duty.load)
        settled = now - self._moved_at >= settings.settle
        self._needs_s = self._needs_s + tick.dt if needs else 0.0
        short = duty.opening >= SHORT_OPENING and settled
        self._short_s = self._short_s + tick.dt if short else 0.0
        self._spare_s = self._spare_s + tick.dt if spare and not duty.opening >= SPARE_OPENING else 0.0
        if self._short_s >= SHORT_S:
            self._too_few[n] = duty.load, now
        if self._needs_s >= settings.open_after or self._short_s >= SHORT_S:
            return n + 1
        if self._spare_s >= settings.close_after and now - self._changed_at >= settings.close_after:
            return n - 1
        return n

    def _tried(self, number: int, load: float) -> bool:
        """So many were too few today, at much the same load."""
        tried_load, when = self._too_few.get(number, (math.inf, -math.inf))
        return self._now - when < SHORT_KEPT_S and load > LESS_LOAD * tried_load

    # ---- which

    def _move(self, tick: Tick, duty: StagingDuty) -> None:
        """At most one valve gets another demand: opening first, then closing."""
        valves = self.valves
        serving = [valve for valve in self.serving if not valve.out]
        wanted = min(self.wanted, len([valve for valve in valves if not valve.out]))
        resting = [valve for valve in valves if not valve.target and not valve.out and valve.ours]
        if self.incoming is not None and (not self.incoming.target or self.incoming.there):
            self.incoming = None
        failed = [valve for valve in resting if valve.failed]
        if failed:
            self._open(failed[0], tick.now)
        elif len(serving) < wanted and resting:
            self._open(_fewest_hours(resting), tick.now)
        elif self._take_out(serving, duty) or self._warm(tick, duty, resting):
            return
        elif len(serving) > wanted:
            self._close_one(tick.now, serving)
        elif serving and resting and self._calm(tick.now, duty):
            self._take_turns(tick.now, serving, resting)

    def _take_out(self, serving: Sequence[IsolationValve], duty: StagingDuty) -> bool:
        """One that is out closes as soon as another one serves."""
        for valve in self.valves:
            if valve.out and valve.target and valve.ours and (serving or not duty.heat):
                valve.output.demand = 0.0
                return True
        return False

    def _warm(self, tick: Tick, duty: StagingDuty, resting: Sequence[IsolationValve]) -> bool:
        """One that has rested for hours in hard frost opens for some minutes; true while it does."""
        settings, now = self.settings, tick.now
        if self.warming is not None:
            if not self.warming.serves:
                self.warming = None
            elif now - self._warm_since < settings.warm_for:
                return True
            return False
        if settings.isolates != "both" or not duty.outdoor < settings.warm_below:
            return False
        cold = [valve for valve in resting if valve.rested_s >= settings.warm_every]
        if not cold:
            return False
        self.warming = max(cold, key=lambda valve: valve.rested_s)
        self._open(self.warming, now)
        self._warm_since = now + settings.stroke_time
        return True

    def _close_one(self, now: float, serving: Sequence[IsolationValve]) -> None:
        """The warmed one rests again; else the one with the most hours, once the new one has settled in."""
        if self.warming is not None and self.warming.serves and len(serving) > 1:
            self.warming.output.demand = 0.0
            self.warming = None
            return
        sound = [valve for valve in serving if not valve.failed and valve.ours]
        if sound and len(serving) > 1 and now - self._moved_at >= self.settings.settle:
            max(sound, key=lambda valve: valve.hours).output.demand = 0.0

    def _take_turns(
        self, now: float, serving: Sequence[IsolationValve], resting: Sequence[IsolationValve]
    ) -> None:
        """A rested one opens where the hours differ too much; the other closes when it serves."""
        sound = [valve for valve in serving if not valve.failed and valve.ours]
        if not sound:
            return
        fresh = _fewest_hours(resting)
        more = max(valve.hours for valve in sound) - fresh.hours
        if more * 3600.0 > self.settings.hours_difference:
            self.incoming = fresh
            self._open(fresh, now)

    def _calm(self, now: float, duty: StagingDuty) -> bool:
        """Nothing else is going on, so that they may take turns."""
        quiet = now - max(self._moved_at, self._changed_at) >= self.settings.close_after
        return quiet and duty.heat and not duty.opening >= SHORT_OPENING and not self.why

    def _open(self, valve: IsolationValve, now: float) -> None:
        valve.output.demand = 1.0
        self._moved_at = now

    # ---- for others

    def _publish(self, now: float) -> None:
        for valve in self.valves:
            valve.show(now)
        self.wanted_point.put(self.wanted, now)
        self.open_point.put(len(self.serving), now)
        self.missing_point.put(float(now < self._distrusts_until), now)

    def forgive(self, name: str) -> bool:
        """A person lets one (`low.exchanger_1`; the circuit: all) be tried again; False: no such name."""
        meant = [valve for valve in self.valves if valve.name == name or valve.name.startswith(f"{name}.")]
        for valve in meant:
            valve.forgive(self._now)
        if meant:
            self._distrusts_until = -math.inf
        return bool(meant)

    def explain(self, output: Output) -> Term:
        """Why this isolation valve is open or closed, and how many are wanted."""
        valve = next(one for one in self.valves if output is one.output)
        subject: tuple[tuple[str, float | str, str], ...] = (("point", valve.name, "text"),)
        number = self.explain_number()
        if valve.out:
            return Term("exchanger_kept" if valve.target else "exchanger_out", subject, (number,))
        if valve.failed:
            why = Term(f"exchanger_{FAILURES[valve.failed]}", subject)
            return Term("exchanger_failed", subject, (why, number))
        if valve is self.warming:
            return Term("exchanger_warms", subject, (number,))
        if valve is self.incoming:
            return Term("exchanger_takes_over", subject, (number,))
        return Term("exchanger_serves" if output.demand >= 0.5 else "exchanger_rests", subject, (number,))

    def explain_number(self) -> Term:
        """Why so many are wanted."""
        if self.why == "no_heat":
            return Term("exchangers_no_heat")
        if self.why == "blind":
            return Term("exchangers_blind")
        if self.why == "missing":
            return Term("exchangers_missing")
        values = (
            ("wanted", self.wanted, "count"),
            ("serving", len(self.serving), "count"),
            ("load", 100.0 * self.load, "percent"),
            ("each", 100.0 * self.capacity, "percent"),
        )
        return Term("exchangers_by_load", values)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values. Where the valves stand, the outputs keep."""
        return {"wanted": self.wanted, "valves": [valve.memory() for valve in self.valves]}

    def restore(self, state: object) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        most = len(self.valves)
        self.wanted = int(remembered(state, "wanted", most, 1, most))
        valves = state.get("valves")
        for valve, kept in zip(self.valves, valves if isinstance(valves, list) else (), strict=False):
            valve.remember(kept)


def _fewest_hours(valves: Sequence[IsolationValve]) -> IsolationValve:
    return min(valves, key=lambda valve: valve.hours)
