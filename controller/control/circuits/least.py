"""The least that heats: what drives a circuit's outputs while its own control is broken in the program.

It shares no block with what broke but the heat curve. The valve is held for half an hour (most failures are
over by then), after that it creeps towards the temperature of the curve, or of `constant_supply`; in mode
`fixed_opening` it stays held. Makeup follows a plain band; the circulation pump goes on, and another one
starts where its drive reports a fault; of exchangers in parallel all open that are not out for cleaning. The
safety table stays above all of it.

Half an hour, and that a held valve costs 2.1 K of room in 24 h when it gets 10 K colder outside: own
calculation for the 2 MW demonstration station. The valve's integral gain is a sixth of what the steepest part
of an equal-percentage valve with R 50 (2 K/%) would bear with one move a minute.
"""

from __future__ import annotations

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


class LeastControl:
    """Takes the outputs of `circuit`; begin anew for every break."""

    def __init__(self, circuit: HeatingCircuit, now: float) -> None:
        image, name, self._settings = circuit.image, circuit.name, circuit.settings
        find = image.points.get
        self._began = now
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
        self._outputs = circuit.outputs
        self._demands = {output.name: output.value for output in circuit.outputs}
        if circuit.staging is not None:
            # All exchangers, but those that somebody may have open.
            for valve in circuit.staging.valves:
                if not valve.out or valve.target:
                    self._demands[valve.output.name] = 1.0

    def step(self, tick: Tick) -> None:
        """Demands of all outputs for this scan."""
        self._circulate()
        self._hold_pressure()
        self._heat(tick.now)
        for output in self._outputs:  # all of them: a rebuilt circuit may have come half-way
            output.demand = self._demands[output.name]

    @property
    def regulates(self) -> bool:
        """The valve is no longer only held."""
        return self._moved_at > self._began

    def _heat(self, now: float) -> None:
        if self._settings.wanted_mode == "fixed_opening":
            return
        valve = self._valve
        constant = self._settings.constant_supply
        self.wanted = self.curve.step(self._outdoor)
        if self._settings.wanted_mode == "constant_supply" and constant is not None:
            self.wanted = constant.supply
        if now - self._began < HOLD_S or now - self._moved_at < MOVE_EVERY_S:
            return
        self._moved_at = now
        if not self._supply.usable:
            return
        limits = self._settings.supply
        wanted = min(max(self.wanted, limits.min), limits.max)
        move = GAIN * (wanted - self._supply.value)
        # From where the output stage is: what safety has closed must not be wound up behind its back.
        opened = valve.value + min(max(move, -LARGEST_MOVE), LARGEST_MOVE)
        self._demands[valve.name] = min(max(opened, valve.low), valve.high)

    def _circulate(self) -> None:
        """The pump that runs goes on; the next sound one takes over from one with a fault."""
        demands = self._demands
        for run, speed, fault in self._pumps:
            if demands[run.name] < 0.5 or fault is None or not fault.on:
                continue
            sound = [pump for pump in self._pumps if pump[2] is None or not pump[2].on]
            if sound:
                demands[run.name] = 0.0
                demands[sound[0][0].name], demands[sound[0][1].name] = 1.0, demands[speed.name]
            return

    def _hold_pressure(self) -> None:
        makeup, pressure = self._settings.makeup, self._pressure
        if makeup is None:
            return
        if pressure is None or not pressure.usable:
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
        """What it does, and that the circuit's own control is broken."""
        if output is not self._valve:
            return Term("least_goes_on")
        if not self.regulates:
            return Term("least_holds")
        values = (
            ("setpoint", self.wanted, "temperature"),
            ("supply", self._supply.value, "temperature"),
        )
        return Term("least_regulates", values)
