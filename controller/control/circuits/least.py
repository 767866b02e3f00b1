"""The least that heats: what drives a circuit's outputs while its own control is broken in the program, and
all circuits in safe mode.

It shares no block with what broke but the heat curve. The valve is held for half an hour (most failures are
over by then), after that it creeps towards the temperature of the curve, or of `constant_supply`; in mode
`fixed_opening` it stays held. Makeup follows a plain band; the circulation pump goes on, and another one
starts where its drive reports a fault; of exchangers in parallel all open that are not out for cleaning. What
the season does not want stands still. The safety table stays above all of it.

In safe mode it is in charge from the start of the program: the valve goes on from where it stands and is
moved at once, and a pump runs: the one that turns already, else the first sound one, first at its lowest
speed.

Half an hour, and that a held valve costs 2.1 K of room in 24 h when it gets 10 K colder outside: own
calculation for the 2 MW demonstration station. The valve's integral gain is a sixth of what the steepest part
of an equal-percentage valve with R 50 (2 K/%) would bear with one move a minute.
"""

from __future__ import annotations

import math

from controller.control.blocks.season.season import ALWAYS_HEATING, SeasonPlan
from controller.control.blocks.setpoint.heat_curve import HeatCurve
from controller.control.circuits.heating import HeatingCircuit
from controller.control.tick import Tick
from controller.points import Output, Term

HOLD_S = 1800.0
MOVE_EVERY_S = 60.0
GAIN = 0.15
"""% of opening per K and move."""
LARGEST_MOVE = 2.0
BELOW_KPA = 20.0
"""Makeup starts so far below its set-point and stops at it."""
AHEAD_K = 5.0
"""Above the supply while the season heats up: a plant that does not follow is waited for."""
GENTLE_S = 60.0
"""A pump that is started runs so long at its lowest speed (as after a power cut)."""


class LeastControl:
    """Takes the outputs of `circuit`; begin anew for every break. `alone`: nothing else has had them since
    the start of the program (safe mode)."""

    def __init__(self, circuit: HeatingCircuit, now: float, *, alone: bool = False) -> None:
        image, name, self._settings = circuit.image, circuit.name, circuit.settings
        find = image.points.get
        self._began = now
        self._hold_s = 0.0 if alone else HOLD_S
        self._moved_at = now
        self.curve = HeatCurve(circuit.settings.heat_curve)
        self.wanted = self.curve.demand
        self._outdoor = image["station.outdoor_temperature"]
        self._supply = image[f"{name}.supply_temperature"]
        self._pressure = find(f"{name}.return_pressure")
        self._valve = circuit.valve
        pumps = range(1, len(circuit.settings.circulation.pumps) + 1)
        self._pumps = [
            (
                image.outputs[f"{name}.pump_{n}_run"],
                image.outputs[f"{name}.pump_{n}_speed"],
                find(f"{name}.pump_{n}_fault"),
            )
            for n in pumps
        ]
        makeup = circuit.settings.makeup
        makeups = range(1, len(makeup.pumps) + 1) if makeup is not None else ()
        self._makeups = [
            (
                image.outputs[f"{name}.makeup_{n}_run"],
                image.outputs[f"{name}.makeup_{n}_speed"],
                find(f"{name}.makeup_{n}_fault"),
            )
            for n in makeups
        ]
        self._relief = image.outputs.get(f"{name}.relief_valve")
        self._fills = False
        self._started_at = math.inf
        self._risen = math.nan
        self._outputs = circuit.outputs
        self._demands = {output.name: output.value for output in circuit.outputs}
        self._alone = alone
        self._plan = ALWAYS_HEATING
        if alone:
            self._take_over(circuit)
        if circuit.staging is not None:
            # All exchangers, but those that somebody may have open.
            for valve in circuit.staging.valves:
                if not valve.out or valve.target:
                    self._demands[valve.output.name] = 1.0

    def _take_over(self, circuit: HeatingCircuit) -> None:
        """Go on from how the plant stands: what nobody has put out yet begins at rest."""
        demands, find = self._demands, circuit.image.points.get
        for name, value in demands.items():
            if not math.isfinite(value):
                demands[name] = 0.0
        position = find(f"{circuit.name}.valve_position")
        if position is not None and position.usable:
            demands[self._valve.name] = min(max(position.value, self._valve.low), self._valve.high)
        low, high = self._settings.circulation.speed
        for run, speed, _ in self._pumps:
            pump = run.name.removesuffix("_run")
            turns, turns_at = find(f"{pump}_running"), find(f"{pump}_frequency")
            if turns is not None and turns.usable:
                demands[run.name] = float(turns.on)
            at = turns_at.value if turns_at is not None and turns_at.usable else demands[speed.name]
            demands[speed.name] = min(max(at, low), high)

    def step(self, tick: Tick, plan: SeasonPlan = ALWAYS_HEATING) -> None:
        """Demands of all outputs for this scan, within what the season allows."""
        self._plan = plan
        self._circulate(tick.now, plan)
        self._hold_pressure(plan)
        self._heat(tick.now, plan)
        for output in self._outputs:  # all of them: a rebuilt circuit may have come half-way
            output.demand = self._demands[output.name]

    @property
    def regulates(self) -> bool:
        """The valve is no longer only held."""
        return self._moved_at > self._began

    def _heat(self, now: float, plan: SeasonPlan) -> None:
        valve = self._valve
        constant = self._settings.constant_supply
        self.wanted = self.curve.step(self._outdoor)
        if self._settings.wanted_mode == "constant_supply" and constant is not None:
            self.wanted = constant.supply
        if not plan.heat:
            self._demands[valve.name] = 0.0
            return
        if self._settings.wanted_mode == "fixed_opening":
            return
        if now - self._began < self._hold_s or now - self._moved_at < MOVE_EVERY_S:
            return
        self._moved_at = now
        if not self._supply.usable:
            return
        limits = self._settings.supply
        wanted = min(max(self.wanted, limits.min), limits.max, self._ceiling(plan))
        move = GAIN * (wanted - self._supply.value)
        # From where the output stage is: what safety has closed must not be wound up behind its back.
        opened = valve.value + min(max(move, -LARGEST_MOVE), LARGEST_MOVE)
        self._demands[valve.name] = min(max(opened, valve.low), valve.high)

    def _ceiling(self, plan: SeasonPlan) -> float:
        """While the season heats up slowly: up to where the supply may have risen by now, °C."""
        if math.isinf(plan.fastest_rise):
            self._risen = math.nan
            return math.inf
        supply = self._supply.value
        begin = supply if math.isnan(self._risen) else min(self._risen, supply + AHEAD_K)
        self._risen = begin + plan.fastest_rise * MOVE_EVERY_S / 3600
        return self._risen

    def _circulate(self, now: float, plan: SeasonPlan) -> None:
        """The pump that runs goes on; the next sound one takes over from one with a fault. Where none was
        told to run, one starts, for a minute at its lowest speed."""
        demands = self._demands
        if not plan.circulation:
            for run, _, _ in self._pumps:
                demands[run.name] = 0.0
            return
        sound = [pump for pump in self._pumps if pump[2] is None or not pump[2].on]
        group = self._settings.circulation
        if all(demands[run.name] < 0.5 for run, _, _ in self._pumps):
            run, speed, _ = (sound or self._pumps)[0]
            demands[run.name] = 1.0
            self._started_at = now
        for run, speed, fault in self._pumps:
            if demands[run.name] < 0.5:
                continue
            if plan.slow_pump or self._started_at == now:
                demands[speed.name], self._started_at = group.speed[0], now
            elif now - self._started_at >= GENTLE_S:
                demands[speed.name] = min(max(group.fixed_speed, group.speed[0]), group.speed[1])
                self._started_at = math.inf
            if fault is not None and fault.on:
                if sound:
                    demands[run.name] = 0.0
                    demands[sound[0][0].name], demands[sound[0][1].name] = 1.0, demands[speed.name]
                return

    def _hold_pressure(self, plan: SeasonPlan) -> None:
        makeup, pressure = self._settings.makeup, self._pressure
        if makeup is None:
            return
        if not plan.makeup or plan.filling:
            self._fills = False  # filling an empty loop wants a person and the circuit's own care
        elif pressure is None or not pressure.usable:
            self._fills = False
        elif pressure.value < makeup.setpoint - BELOW_KPA:
            self._fills = True
        elif pressure.value >= makeup.setpoint:
            self._fills = False
        left = self._fills
        for run, speed, fault in self._makeups:
            chosen = left and not (fault is not None and fault.on)
            left = left and not chosen
            self._demands[run.name], self._demands[speed.name] = float(chosen), makeup.band_speed
        if self._relief is not None:
            self._demands[self._relief.name] = 0.0  # over-pressure is a row of the safety table

    def explain(self, output: Output) -> Term:
        """What it does, and why the circuit's own control does not: broken, or safe mode."""
        plan = self._plan
        season = (("why", plan.state, "text"),)
        if output is self._valve:
            return self._explain_valve() if plan.heat else Term("season_no_heat", season)
        holds_pressure = output is self._relief or any(output in row[:2] for row in self._makeups)
        wanted = plan.makeup and not plan.filling if holds_pressure else plan.circulation
        goes_on = Term("safe_goes_on" if self._alone else "least_goes_on")
        return goes_on if wanted else Term("season_not_wanted", season, (goes_on,))

    def _explain_valve(self) -> Term:
        if not self.regulates:
            return Term("safe_holds" if self._alone else "least_holds")
        values = (
            ("setpoint", self.wanted, "temperature"),
            ("supply", self._supply.value, "temperature"),
        )
        return Term("safe_regulates" if self._alone else "least_regulates", values)
