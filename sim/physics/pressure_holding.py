"""Pressure holding of a loop: makeup pumps from the tank, relief back to it, safety valve, leaks.

Leaks go with the root of the pressure (orifice). Makeup pumps lift from the tank's level against the loop;
through a failed check valve water runs back into the tank.
Sources: openings by their flow coefficient, as IEC 60534-2-1 defines it for water; lift of the safety valve
by EN ISO 4126-1; pumps by pump.py; sizes of leak and burst by FACTS §8 and own judgement.
"""

from __future__ import annotations

from math import inf, sqrt

from .contact import Contact
from .hydraulics import parallel_pumps_flow
from .parameters import ZoneParameters
from .pressure import ElasticLoop, orifice_flow
from .pump import Pump, PumpCurve

LEAK_REFERENCE = 300e3
_COLD = 999.7  # kg/m3 of makeup water at 10 °C
_WARM = 990.0  # kg/m3 of loop water at 45 °C, for what leaves through openings
_GRAVITY = 9806.65  # Pa per m of cold water
_DRY_LEVEL = 0.05
_MAKEUP_LINE_DROP = 30e3  # at the makeup pump's nominal flow
_FAULTS = ("leak", "burst", "leak_inside")
_LEAK = 0.4  # m3/h: 1 % of 40 m3 an hour
_BURST = 40.0  # m3/h at 300 kPa: a hole of some 30 mm
_LEAK_INSIDE = 6.0  # m3/h at 300 kPa: a gasket blown out in the station


class PressureHolding:
    """State and commands; flows in kg/s, `loop` is the water they act on."""

    def __init__(self, p: ZoneParameters, loop: ElasticLoop, nominal_hz: float, closed: bool = True) -> None:
        """`closed`: the loop's pressure is its own; else somebody else holds it, with safety valves too.

        `leak_flow` (kg/s) is all that runs out, `spilled` what of it runs out in the station."""
        self.parameters = p
        self.loop = loop
        nominal = p.makeup_flow_m3_per_h / 3600.0
        curve = PumpCurve(nominal, p.makeup_head_kpa * 1e3, 1.3, efficiency=0.5)
        self.resistance = _MAKEUP_LINE_DROP / (nominal * nominal)
        self.pumps = [
            Pump(curve, p.makeup_ramp_s, p.makeup_min_hz / nominal_hz) for _ in range(p.makeup_pumps)
        ]
        self.run = [0.0] * p.makeup_pumps
        self.speed = [0.0] * p.makeup_pumps
        self.relief_valve = 0.0
        self.relief = Contact()
        self.closed = closed
        self.safety_pressure = p.safety_valve_kpa * 1e3 if closed else inf
        self.leak = p.leak_m3_per_h / 3600.0
        self.burst = 0.0
        self.leak_inside = 0.0
        self.makeup_flow = 0.0
        self.makeup_pressure = 0.0
        self.relief_flow = 0.0
        self.leak_flow = 0.0
        self.spilled = 0.0
        self.power = 0.0
        self.water_in = 0.0
        self.metered = 0.0
        self.water_lost = 0.0

    def actuate(self, dt: float, powered: bool) -> None:
        """Ramp the pumps."""
        for pump, run, speed in zip(self.pumps, self.run, self.speed, strict=True):
            pump.step(dt, run > 0.5, speed, powered)

    def step(self, dt: float, powered: bool, tank_level: float, tank_available: float) -> float:
        """Flows of this step at the present pressure; returns what the loop gains in kg/s.

        `tank_available` is what the tank can serve for `dt` seconds, kg/s."""
        p, pressure = self.parameters, self.loop.pressure
        most = self.loop.water_mass / dt
        stiffness = 0.0
        if self.closed:
            # The openings cannot take more in one step than stands under pressure.
            yielding = self.loop.compliance() * _WARM
            most = min(most, max(0.0, pressure) * yielding / dt)
            stiffness = dt / yielding
        slope = self._make_up(pressure, tank_level, tank_available, most)
        relief = out = spilling = 0.0
        if pressure > 0.0:
            if powered and self.relief.show(self.relief_valve > 0.5):
                relief = orifice_flow(p.relief_kv_m3_per_h, pressure, _WARM)
            jet = _WARM * sqrt(pressure / LEAK_REFERENCE)
            spilling = self.leak_inside * jet
            out = (self.leak + self.burst) * jet + spilling
            # Fully open at 10 % over its pressure, as EN ISO 4126 asks of a safety valve.
            lift = min(1.0, (pressure / self.safety_pressure - 1.0) * 10.0)
            if lift > 0.0:
                out += orifice_flow(p.safety_valve_kv_m3_per_h * lift, pressure, _WARM)
                slope += 10.0 * out / self.safety_pressure
            slope += 0.5 * (relief + out) / pressure
        # A stiff loop answers within the step: linearised backward Euler, all flows together.
        share = 1.0 / (1.0 + stiffness * slope)
        self.makeup_flow *= share
        self.relief_flow = min(most, share * relief)
        # What the relief valve and the makeup line took is no longer there.
        self.leak_flow = min(share * out, max(0.0, most - self.relief_flow + min(0.0, self.makeup_flow)))
        self.spilled = self.leak_flow * spilling / out if spilling > 0.0 else 0.0
        self.water_in += dt * self.makeup_flow
        if self.makeup_flow > 0.0:
            self.metered += dt * self.makeup_flow
        self.water_lost += dt * self.leak_flow
        return self.makeup_flow - self.leak_flow - self.relief_flow

    def _make_up(self, pressure: float, tank_level: float, available: float, most: float) -> float:
        """Makeup flow; returns how fast it falls with the pressure, kg/s per Pa."""
        static = pressure - _GRAVITY * tank_level
        if static >= 0.0 and not any(pump.speed != 0.0 or pump.leaky_check for pump in self.pumps):
            self.makeup_flow = self.power = 0.0
            self.makeup_pressure = pressure
            for pump in self.pumps:
                pump.load(0.0)
            return 0.0
        dry = tank_level < _DRY_LEVEL
        for pump in self.pumps:
            pump.dry = dry
        volume = parallel_pumps_flow(self.pumps, static, self.resistance)
        volume = min(available / _COLD, max(-most / _COLD, volume))
        line = self.resistance * volume * abs(volume)
        self.makeup_pressure = pressure + line
        power = 0.0
        for pump in self.pumps:
            pump.load(pump.flow_at(static + line))
            power += pump.power
        self.power = power
        self.makeup_flow = volume * _COLD
        driving = abs(max(pump.shutoff_head() for pump in self.pumps) - static) if self.pumps else 0.0
        return 0.5 * abs(self.makeup_flow) / max(1.0, driving)

    def rest(self) -> None:
        """Nothing flows; pumps stand."""
        for i, pump in enumerate(self.pumps):
            self.run[i] = 0.0
            pump.settle(False, 0.0)
            pump.load(0.0)
        self.relief_valve = 0.0
        self.power = self.makeup_flow = self.relief_flow = self.leak_flow = self.spilled = 0.0
        self.makeup_pressure = self.loop.pressure

    def restart_ledger(self) -> None:
        """Count water anew, in kg."""
        self.water_in = self.water_lost = self.metered = 0.0

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a leak or a burst of `value` m3/h at 300 kPa. A leak (by default 0.4) takes water from a
        closed loop; a burst (by default 40) lets air in at the top and empties it. Both are out in the
        network; "leak_inside" (by default 6) runs out on the floor of the station.

        Raises ValueError with the allowed kinds."""
        if kind == "leak":
            self.leak = (_LEAK if value is None else value) / 3600.0
        elif kind == "burst":
            self.burst = (_BURST if value is None else value) / 3600.0
            self.loop.breached = True
        elif kind == "leak_inside":
            self.leak_inside = (_LEAK_INSIDE if value is None else value) / 3600.0
        else:
            raise ValueError(f"unknown fault {kind!r} of a zone (allowed: {', '.join(_FAULTS)})")

    def repair(self) -> None:
        """Back to the leak of every day; what is empty must be filled again."""
        self.leak = self.parameters.leak_m3_per_h / 3600.0
        self.burst = self.leak_inside = 0.0
        self.loop.breached = False
