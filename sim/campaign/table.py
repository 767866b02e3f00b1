"""What the commands must be, judged by what is true in the plant: the fail-safe table seen from outside.

A demand says: while this is so, the outputs are commanded so; later than `after_s` and two scans after it
has begun, it counts. The time is what the row itself takes (docs/failsafe.md) and, for temperatures, what a
sensor in its pocket needs to see it (12 s, with the margin that stands in the condition). Limits are those
of the station file and of the rows.

`signs` are what the station can see it by: a sensor, the contact, the part of the program that judges them. A
cell in which one of them is what breaks is not asked for the demand. What a sensor says is not asked: that is
the controller's view.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from controller.channels import bus_part
from controller.points import Output, Slot
from controller.settings.station import Circuit
from sim.campaign.cells import Bench, Cell
from sim.field import sensor_of
from sim.physics.zone import Zone

_LAG_S = 25.0
"""A pocket of 12 s shows 3 K over a limit that was overrun by 20 K after 24 s."""
_SUPPLY_K, _THERMOSTAT_K, _WATER_K = 3.0, 3.0, 1.0
_THERMOSTAT_LAG_S = 30.0
_PRESSURE_KPA = 5.0
_STANDS = 0.01
"""Share of the design flow below which nothing flows."""
_FLOWS = 0.3
_RUN_DOWN_S = 5.0
"""A pump that has lost its drive still turns."""
_POWER_BACK_S = 300.0
"""The return of power has an order of its own: pressure, pump, heat, after up to 120 s."""
_PORTION_S, _OF_S = 75.0, 300.0
"""A minute of makeup in five, and two samples."""


@dataclass(frozen=True, slots=True)
class Demand:
    """`broken` is True while the commands are not as they must be."""

    name: str
    after_s: float
    broken: Callable[[], bool]
    signs: frozenset[str] = frozenset()

    def asked_of(self, cell: Cell) -> bool:
        """False for a cell that takes away what the station sees it by."""
        return not any(one.on in self.signs or one.other in self.signs for one in cell.breaks)


def demands(rig: Bench) -> Iterator[Demand]:
    """Those of all circuits, and of every output that a person has in hand."""
    carried_by = carriers(rig)
    for name in rig.station.file.circuits:
        for demand in _Circuit(rig, name).demands():
            devices = {device for sign in demand.signs for device in carried_by.get(sign, ())}
            yield replace(demand, name=f"{name}: {demand.name}", signs=demand.signs | devices)
    outputs = list(rig.station.image.outputs.values())
    strokes = [circuit.actuator.stroke_time for circuit in rig.station.file.circuits.values()]
    yield Demand("a hand is obeyed", max(strokes), lambda: any(_disobeyed(output) for output in outputs))


def carriers(rig: Bench) -> dict[str, set[str]]:
    """The devices and the tasks of their buses that a sensor's value comes through."""
    wiring, devices, found = rig.station.wiring, rig.station.file.devices, dict[str, set[str]]()
    for channel in wiring.inputs:
        device = channel.source[0]
        carried = found.setdefault(sensor_of(channel, wiring.redundant), set())
        carried |= {device, bus_part(devices[device].bus)}
    return found


def _disobeyed(output: Output) -> bool:
    """Somebody has it in hand, no row of the table takes it, and it is elsewhere."""
    hand = output.override
    return hand is not None and output.slot is not Slot.LIMIT and abs(output.value - hand.value) > 0.5


class _Circuit:
    """The demands of one circuit, and what they look at."""

    def __init__(self, rig: Bench, name: str) -> None:
        self.rig, self.plant, self.name = rig, rig.plant, name
        self.settings: Circuit = rig.station.file.circuits[name]
        self.zone: Zone = rig.plant.zones[name]
        self.outputs = rig.station.image.outputs
        self.valve = self.outputs.get(f"{name}.valve_command") or self.outputs[f"{name}.primary_command"]
        self.pumps = [
            (self.outputs[f"{name}.pump_{n}_run"], self.outputs.get(f"{name}.pump_{n}_speed"), pump)
            for n, pump in enumerate(self.zone.pumps, 1)
        ]
        self.makeups = [
            (self.outputs[f"{name}.makeup_{n}_run"], pump)
            for n, pump in enumerate(self.zone.holding.pumps, 1)
            if f"{name}.makeup_{n}_run" in self.outputs
        ]
        self.keep_warm = self.settings.actuator.keep_warm + 0.01
        self._kept = float("nan")
        self._ran: deque[tuple[float, bool]] = deque()

    def demands(self) -> Iterator[Demand]:
        """The strongest rows first."""
        yield from self._stops()
        yield from self._heat()
        yield from self._pressure()
        yield from self._water()
        yield from self._frost()

    # ---- what is so

    @property
    def _design(self) -> float:
        return self.zone.parameters.secondary_flow_kg_per_s

    @property
    def _led(self) -> bool:
        """The cabinet has not taken over what brings the heat: valve, or primary pump where there is none."""
        booster = self.zone.branch.booster
        if booster is not None and f"{self.name}.valve_command" not in self.outputs:
            return not booster.local
        return not self.zone.valve.local

    def _open(self) -> bool:
        return self._led and self.valve.value > self.keep_warm

    def _pump_asked(self) -> bool:
        return any(run.value >= 0.5 for run, _, pump in self.pumps if not pump.local)

    def _circulates(self) -> bool:
        """A pump is commanded, or the cabinet runs one."""
        return self._pump_asked() or any(pump.local and pump.speed > 0.0 for _, _, pump in self.pumps)

    def _makeup_asked(self) -> bool:
        return any(run.value >= 0.5 for run, pump in self.makeups if not pump.local)

    def _warm_expected(self) -> bool:
        """The season says so: what the table's rows against frost go by, too."""
        return next(h for h in self.rig.station.circuits if h.name == self.name).plan.warm

    def _signs(self, *roles: str) -> frozenset[str]:
        return frozenset(role if "." in role or " " in role else f"{self.name}.{role}" for role in roles)

    def _rules(self, *codes: str) -> frozenset[str]:
        return frozenset(f"rule {code} {self.name}" for code in codes)

    # ---- the rows

    def _stops(self) -> Iterator[Demand]:
        plant, zone = self.plant, self.zone
        yield Demand(
            "no power: valve shut, makeup off",
            2.0,
            lambda: (
                not plant.powered
                and ((self._led and self.valve.value > 0.01) or self._makeup_asked())
                and not any(pump.bypass for pump in zone.pumps)
            ),
            self._signs("station.power_failure") | self._rules("power_failure"),
        )
        feedback = self._signs("valve_local", "valve_position")
        if any(sign in self.rig.station.image.points for sign in feedback):  # else nobody can see it
            yield Demand(
                "valve in local: the command follows",
                5.0,
                lambda: zone.valve.local and abs(self.valve.value - 100.0 * zone.valve.feedback()) > 1.0,
                feedback | {f"rule valve_local {self.name}.valve_command"},
            )
        runs = [(run, pump) for run, _, pump in self.pumps]
        if zone.branch.booster is not None:
            runs.append((self.outputs[f"{self.name}.booster_run"], zone.branch.booster))
        for run, pump in runs:
            drive = run.name.removesuffix("_run")
            yield Demand(
                f"{drive.partition('.')[2]} in local: the command follows",
                2.0,
                lambda run=run, pump=pump: (  # type: ignore[misc]
                    pump.local and not pump.bypass and (run.value >= 0.5) is not pump.running
                ),
                frozenset({f"rule pump_local {drive}"}),
            )

    def _heat(self) -> Iterator[Demand]:
        zone, supply = self.zone, self.settings.supply
        proof = self._signs("circulation") | self._rules("no_circulation")
        yield Demand(
            "no flow: valve shut",
            _RUN_DOWN_S,
            lambda: zone.flow < _STANDS * self._design and self._open(),
            proof,
        )
        sensors = self._signs("supply_temperature", "supply_temperature_2", "supply_temperature_3")
        flows = _STANDS * self._design
        yield Demand(
            "too hot: valve shut",
            10.0 + _LAG_S,
            lambda: zone.flow > flows and zone.supply > supply.trip + _SUPPLY_K and self._open(),
            sensors | self._rules("over_temperature"),
        )
        limit = zone.parameters.thermostat_c + _THERMOSTAT_K
        yield Demand(
            "thermostat: valve shut",
            _THERMOSTAT_LAG_S,
            lambda: zone.supply > limit and self._open(),
            self._signs("thermostat") | self._rules("thermostat"),
        )
        high = supply.alarm + _SUPPLY_K
        yield Demand(
            "hot: valve opens no further",
            5.0,
            lambda: self._opens_further(zone.flow > flows and zone.supply > high),
            sensors | self._rules("supply_high"),
        )

    def _opens_further(self, hot: bool) -> bool:
        """Than where it stood once the sensors could see that it is hot: only closing moves that."""
        if not hot or not self._led:
            self._kept, self._hot_since = float("nan"), self.plant.time
            return False
        if self.plant.time - self._hot_since < 5.0 + _LAG_S:
            return False
        if not self._kept <= self.valve.high:
            self._kept = self.valve.value
        return self.valve.value > self._kept + 0.5

    _hot_since = 0.0

    def _pressure(self) -> Iterator[Demand]:
        zone, makeup = self.zone, self.settings.makeup
        yield Demand(
            "suction too low: pumps off",
            5.0,
            lambda: max(zone.suction_pressure(), zone.loop.pressure - 35e3) < 45e3 and self._pump_asked(),
            self._signs("suction_switch", "return_pressure") | self._rules("suction_low"),
        )
        if makeup is None:
            return
        high = (makeup.setpoint + makeup.high_alarm + _PRESSURE_KPA) * 1e3
        row = self._rules("over_pressure")
        yield Demand(
            "over-pressure: makeup off",
            5.0,
            lambda: zone.loop.pressure > high and self._makeup_asked(),
            self._signs("return_pressure") | row,
        )
        relief = self.outputs.get(f"{self.name}.relief_valve")
        if relief is not None and makeup.relief is not None:
            opens = max((makeup.relief.open + _PRESSURE_KPA) * 1e3, high)
            yield Demand(
                "over-pressure: relief open",
                5.0,
                lambda: zone.loop.pressure > opens and relief.value < 0.5,
                self._signs("return_pressure", "supply_pressure", "differential_pressure") | row,
            )

    def _water(self) -> Iterator[Demand]:
        tank, plant = self.rig.station.file.tank, self.plant
        if tank is None or not self.makeups:
            return
        low = tank.low - 0.03
        yield Demand(
            "tank empty: makeup off",
            3.0 + 5.0,
            lambda: plant.tank.level < low and self._makeup_asked(),
            self._signs("station.tank_level") | {"rule tank_low station.tank_level"},
        )
        if "station.flood" not in self.rig.station.image.points:
            return
        yield Demand(
            "flood and a leak: makeup in portions",
            10.0 + _OF_S,
            self._floods_on,
            self._signs("station.flood", "return_pressure") | self._rules("flood_makeup"),
        )

    def _floods_on(self) -> bool:
        """Water stands at the contact and runs out of the loop, and makeup runs for more than its portion."""
        now, ran = self.plant.time, self._ran
        ran.append((now, self._makeup_asked()))
        while ran and now - ran[0][0] > _OF_S:
            ran.popleft()
        if not (self.plant.flooded and self.zone.holding.spilled > 1.0):
            return False
        return sum(on for _, on in ran) / len(ran) > _PORTION_S / _OF_S

    def _frost(self) -> Iterator[Demand]:
        plant, zone = self.plant, self.zone
        yield Demand(
            "frost outside: a pump runs",
            15.0,
            lambda: (
                self._powered_for() > _POWER_BACK_S
                and plant.weather.outdoor(plant.time) < 2.0
                and zone.suction_pressure() > 90e3
                and not self._circulates()
            ),
            self._signs("station.outdoor_temperature", "suction_switch") | self._rules("outdoor_frost"),
        )
        signs = self._signs("return_temperature", "differential_pressure", "circulation")

        def cold(below: float, least: float) -> bool:
            flows = zone.flow > _FLOWS * self._design and self._powered_for() > _POWER_BACK_S
            cool = self._warm_expected() and zone.header < below - _WATER_K
            sane = zone.supply < self.settings.supply.alarm and self._led
            return flows and cool and sane and self.valve.value < least - 0.1

        yield Demand(
            "frost in the loop: valve open",
            10.0 + _LAG_S,
            lambda: cold(15.0, 20.0),
            signs | self._rules("frost"),
        )
        yield Demand(
            "cool in the loop: valve open",
            600.0 + _LAG_S,
            lambda: plant.weather.outdoor(plant.time) < 2.0 and cold(25.0, 5.0),
            signs | self._rules("return_cool") | {"station.outdoor_temperature"},
        )
        fastest = self.settings.circulation.speed[1]
        yield Demand(
            "frost in the loop: pumps at their highest speed",
            10.0 + _LAG_S,
            lambda: (
                self._warm_expected()
                and zone.header < 15.0 - _WATER_K
                and any(
                    run.value >= 0.5 and not pump.local and speed is not None and speed.value < fastest - 0.1
                    for run, speed, pump in self.pumps
                )
            ),
            signs | self._rules("frost"),
        )

    def _powered_for(self) -> float:
        """Seconds since power came back; a day while it was never away."""
        if not self.plant.powered:
            self._back_at = self.plant.time
        return self.plant.time - self._back_at

    _back_at = -86400.0
