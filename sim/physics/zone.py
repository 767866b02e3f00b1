"""One zone of exchanger type: primary branch, exchanger, circulation, pressure holding, buildings. SI
throughout.

Water's way in one step: header → pumps → exchanger → branches (pipe, radiators, pipe) → header. The header
is the mixed volume at the pump suction, where makeup enters; its water leaves with the temperature it had
before the step, so that every kilogram that enters the exchanger has left the header at the same
temperature: the balance is exact. Heat of the loop is counted for constant mass: makeup of mass M cools the
header by M*cp*(Th - Tm) and as much water as it brings is pushed into the vessel or out of the leak at
header temperature.
"""

from __future__ import annotations

from math import sqrt

from .building import Building, Radiators
from .buildings_branch import RADIANT_SHARE, BuildingsBranch
from .exchanger import Exchanger
from .hydraulics import branch_conductance, parallel_pumps_flow
from .parameters import ZoneParameters
from .pipe import Pipe
from .pressure import ElasticLoop, orifice_flow
from .pump import Pump, PumpCurve
from .valve import Valve, choked_pressure_drop, flow_conductance
from .water import density, saturation_pressure

_CP = 4180.0
_LEAK_REFERENCE = 300e3
_CAVITATION = -50e3  # gauge suction pressure below which a circulation pump only churns steam
_DRY_LEVEL = 0.05
_MAKEUP_LINE_DROP = 30e3  # at the makeup pump's nominal flow


class ExchangerZone:
    """State and commands of a zone. Commands: shares of stroke and nominal speed; flows kg/s; temperatures
    °C."""

    def __init__(self, p: ZoneParameters, nominal_hz: float = 50.0) -> None:
        self.parameters = p
        self.valve = Valve(
            p.valve_kvs_m3_per_h,
            p.valve_characteristic,
            p.valve_rangeability,
            p.valve_leakage_share,
            p.valve_stroke_time_s,
            p.valve_dead_band_percent / 100.0,
            p.valve_stiction_percent / 100.0,
        )
        self.exchanger = Exchanger(
            p.exchanger_conductance_kw_per_k * 1e3,
            p.primary_flow_kg_per_s,
            p.secondary_flow_kg_per_s,
            cp2=_CP,
            water_capacity=p.exchanger_side_volume_m3 * 1000.0 * _CP,
            plate_capacity=p.exchanger_plates_kj_per_k * 1e3,
        )
        self.primary_resistance = p.exchanger_primary_drop_kpa * 1e3 / p.primary_flow_kg_per_s**2
        volume_flow = p.secondary_flow_kg_per_s / density(p.design_supply_c - 15.0)
        self.exchanger_resistance = p.exchanger_secondary_drop_kpa * 1e3 / volume_flow**2
        self.loop_resistance = self.exchanger_resistance + p.network_drop_kpa * 1e3 / volume_flow**2
        curve = PumpCurve(p.pump_flow_m3_per_h / 3600.0, p.pump_head_kpa * 1e3)
        self.pumps = [
            Pump(curve, p.pump_ramp_s, p.pump_min_hz / nominal_hz) for _ in range(p.circulation_pumps)
        ]
        makeup_curve = PumpCurve(
            p.makeup_flow_m3_per_h / 3600.0, p.makeup_head_kpa * 1e3, 1.3, efficiency=0.5
        )
        self.makeup_resistance = _MAKEUP_LINE_DROP / (p.makeup_flow_m3_per_h / 3600.0) ** 2
        self.makeup_pumps = [
            Pump(makeup_curve, p.makeup_ramp_s, p.makeup_min_hz / nominal_hz) for _ in range(p.makeup_pumps)
        ]
        self.loop = ElasticLoop(
            p.loop_volume_m3,
            p.vessel_gas_m3,
            p.air_share,
            precharge=p.vessel_precharge_kpa * 1e3,
        )
        self.branches = self._branches(p)
        self.header_mass = p.header_share * p.loop_volume_m3 * 1000.0
        self.exchanger_mass = p.exchanger_side_volume_m3 * 1000.0
        self.loop_mass = (
            self.header_mass + self.exchanger_mass + sum(branch.water_mass() for branch in self.branches)
        )
        self.longest_step = 0.6 * self.header_mass / p.secondary_flow_kg_per_s

        self.valve_command = 0.0
        self.pump_run = [0.0] * p.circulation_pumps
        self.pump_speed = [0.0] * p.circulation_pumps
        self.makeup_run = [0.0] * p.makeup_pumps
        self.makeup_speed = [0.0] * p.makeup_pumps
        self.relief_valve = 0.0
        self.leak = p.leak_m3_per_h / 3600.0

        self.primary_flow = 0.0
        self.primary_return = 20.0
        self.supply = 20.0
        self.return_mix = 20.0
        self.header = 20.0
        self.flow = 0.0
        self.pump_head = 0.0
        self.makeup_flow = 0.0
        self.makeup_pressure = 0.0
        self.relief_flow = 0.0
        self.leak_flow = 0.0
        self.safety_flow = 0.0
        self.electric_power = 0.0
        self.building_loss = 0.0
        self.pipe_loss = 0.0
        self.restart_ledger()

    def _branches(self, p: ZoneParameters) -> list[BuildingsBranch]:
        heat_loss = p.design_heat_kw * 1e3 / (p.design_room_c - p.design_outdoor_c)
        pipes = sum(2.0 * group.pipe_volume_m3 for group in p.groups)
        radiator_volume = p.loop_volume_m3 * (1.0 - p.header_share) - p.exchanger_side_volume_m3 - pipes
        if radiator_volume <= 0.0:
            raise ValueError(
                f"zone {p.name}: the pipes hold {pipes} m3, which leaves no water for radiators "
                f"(loop_volume_m3 is {p.loop_volume_m3})"
            )
        branches = []
        for group in p.groups:
            flow = group.flow_share * p.secondary_flow_kg_per_s
            spread = group.load_share * p.design_heat_kw * 1e3 / (flow * _CP)
            radiators = Radiators(
                flow,
                p.design_supply_c,
                p.design_supply_c - spread,
                p.design_room_c,
                group.load_share * radiator_volume * 1000.0,
                cp=_CP,
            )
            radiators.constant *= group.radiator_size
            area = group.load_share * p.floor_area_m2
            branches.append(
                BuildingsBranch(
                    Building(
                        group.load_share * heat_loss,
                        group.time_constant_h * 3600.0,
                        radiant_share=RADIANT_SHARE,
                    ),
                    radiators,
                    Pipe(group.pipe_volume_m3 * 1000.0, group.pipe_loss_w_per_k),
                    Pipe(group.pipe_volume_m3 * 1000.0, group.pipe_loss_w_per_k),
                    group.flow_share,
                    group.solar_aperture_m2_per_m2 * area,
                    group.internal_gains_w_per_m2 * area,
                )
            )
        return branches

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> float:
        """Move valve and pumps; return the conductance of the primary branch in kg/s per sqrt(Pa)."""
        # Without power the actuator stays where it is.
        if powered:
            self.valve.step(dt, self.valve_command)
        for i, pump in enumerate(self.pumps):
            pump.step(dt, self.pump_run[i] > 0.5, self.pump_speed[i], powered)
        for i, pump in enumerate(self.makeup_pumps):
            pump.step(dt, self.makeup_run[i] > 0.5, self.makeup_speed[i], powered)
        return branch_conductance(self.primary_resistance, self.valve.conductance(density(primary_supply)))

    def choked_flow(self, primary_supply: float, inlet_pressure: float) -> float:
        """Largest primary flow in kg/s before the valve chokes at this absolute inlet pressure (Pa)."""
        drop = choked_pressure_drop(inlet_pressure, saturation_pressure(primary_supply))
        return self.valve.conductance(density(primary_supply)) * sqrt(drop)

    def step(
        self,
        dt: float,
        primary_supply: float,
        primary_flow: float,
        outdoor: float,
        sun: float,
        loss_factor: float,
        powered: bool,
        tank_level: float,
        tank_available: float,
    ) -> None:
        """Advance by `dt` s. `sun` W/m2 horizontal, `tank_available` kg/s that the tank can serve."""
        self._hold_pressure(dt, powered, tank_level, tank_available)
        self._circulate()
        flow = self.flow
        self.primary_flow = primary_flow
        self.primary_return, self.supply = self.exchanger.step(
            dt, primary_supply, primary_flow, self.header, flow
        )
        returning = building_loss = pipe_loss = gains = 0.0
        for branch in self.branches:
            share = branch.flow_share
            returning += share * branch.step(dt, self.supply, share * flow, outdoor, sun, loss_factor)
            building_loss += branch.building.loss
            pipe_loss += branch.pipe_loss
            gains += branch.gains
        self.return_mix = returning
        self.building_loss = building_loss
        self.pipe_loss = pipe_loss

        friction = self.pump_head * flow / density(self.header)
        makeup = self.makeup_flow * _CP * (self.parameters.makeup_temperature_c - self.header)
        self.header += (
            dt * (flow * _CP * (returning - self.header) + makeup + friction) / (self.header_mass * _CP)
        )
        self.heat_from_primary += dt * self.exchanger.heat
        self.heat_other += dt * (gains + friction + makeup)
        self.heat_lost += dt * (building_loss + pipe_loss)
        self.electric_energy += dt * self.electric_power

    def _hold_pressure(self, dt: float, powered: bool, tank_level: float, tank_available: float) -> None:
        p = self.parameters
        pressure = self.loop.pressure
        # The drain openings cannot take more in one step than stands under pressure.
        most = max(0.0, pressure) * self.loop.compliance() * 990.0 / dt
        cold = 999.7
        for pump in self.makeup_pumps:
            pump.dry = tank_level < _DRY_LEVEL
        volume_flow = parallel_pumps_flow(
            self.makeup_pumps, pressure - 9806.65 * tank_level, self.makeup_resistance
        )
        volume_flow = min(volume_flow, tank_available / cold)
        line = self.makeup_resistance * volume_flow * volume_flow
        self.makeup_pressure = pressure + line
        for pump in self.makeup_pumps:
            pump.load(pump.flow_at(pressure - 9806.65 * tank_level + line))
        self.makeup_flow = volume_flow * cold
        self.leak_flow = 0.0
        if pressure > 0.0:
            self.leak_flow = min(most, self.leak * 990.0 * sqrt(pressure / _LEAK_REFERENCE))
        relief = self.relief_valve > 0.5 and powered
        self.relief_flow = min(most, orifice_flow(p.relief_kv_m3_per_h, pressure, 990.0)) if relief else 0.0
        lift = min(1.0, max(0.0, (pressure / (p.safety_valve_kpa * 1e3) - 1.0) * 10.0))
        self.safety_flow = min(most, orifice_flow(p.safety_valve_kv_m3_per_h * lift, pressure, 990.0))
        out = self.leak_flow + self.safety_flow
        self.water_in += dt * self.makeup_flow
        self.water_lost += dt * out
        self.loop.step(dt, self.makeup_flow - out - self.relief_flow, self.mean_temperature())

    def _circulate(self) -> None:
        dry = self.loop.pressure < _CAVITATION
        for pump in self.pumps:
            pump.dry = dry
        volume_flow = parallel_pumps_flow(self.pumps, 0.0, self.loop_resistance)
        self.pump_head = self.loop_resistance * volume_flow * volume_flow
        power = 0.0
        for pump in self.pumps:
            pump.load(pump.flow_at(self.pump_head) if volume_flow > 0.0 else 0.0)
            power += pump.power
        for pump in self.makeup_pumps:
            power += pump.power
        self.electric_power = power
        self.flow = volume_flow * density(self.header)

    def supply_pressure(self) -> float:
        """Gauge Pa behind the exchanger."""
        volume_flow = self.flow / density(self.header)
        return self.loop.pressure + self.pump_head - self.exchanger_resistance * volume_flow * volume_flow

    def mean_temperature(self) -> float:
        """Mean temperature of the loop's water in °C."""
        cold = self.exchanger.cold
        moment = self.header_mass * self.header + self.exchanger_mass * sum(cold) / len(cold)
        for branch in self.branches:
            moment += branch.water_moment()
        return moment / self.loop_mass

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J: exchanger, loop and buildings."""
        heat = self.exchanger.stored_heat() + self.header_mass * _CP * self.header
        return heat + sum(branch.stored_heat() for branch in self.branches)

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a leak of `value` m3/h at 300 kPa (by default 0.4, 1 % of 40 m3 an hour).

        Raises ValueError with the allowed kinds."""
        if kind != "leak":
            raise ValueError(f"unknown fault {kind!r} of a zone (allowed: leak)")
        self.leak = (0.4 if value is None else value) / 3600.0

    def repair(self) -> None:
        """Back to the leak of every day."""
        self.leak = self.parameters.leak_m3_per_h / 3600.0

    def restart_ledger(self) -> None:
        """Begin the balances anew: energies in J, water in kg."""
        self.heat_from_primary = 0.0
        self.heat_other = 0.0
        self.heat_lost = 0.0
        self.electric_energy = 0.0
        self.water_in = 0.0
        self.water_lost = 0.0
        self.heat_at_start = self.stored_heat()

    def settle_cold(self, water: float, room: float) -> None:
        """Filled, nothing turns, valve closed."""
        self.valve.settle(0.0)
        self.valve_command = 0.0
        for runs, pumps in ((self.pump_run, self.pumps), (self.makeup_run, self.makeup_pumps)):
            for i, pump in enumerate(pumps):
                runs[i] = 0.0
                pump.settle(False, 0.0)
        self.exchanger.fill(water)
        for branch in self.branches:
            branch.fill(water, room)
        self.header = self.return_mix = self.supply = self.primary_return = water
        self.primary_flow = 0.0
        self._finish_settling()

    def settle_warm(self, primary_supply: float, outdoor: float) -> float:
        """Steady heating: first pump at full speed, rooms at their design value; primary flow (kg/s) it
        takes."""
        p = self.parameters
        self.settle_cold(40.0, p.design_room_c)
        self.pump_run[0] = self.pump_speed[0] = 1.0
        self.pumps[0].settle(True, 1.0)
        self._circulate()
        room = p.design_room_c
        # Above 19 °C outdoors there is nothing to heat: a small load keeps the formulas defined.
        cold = min(outdoor, room - 1.0)
        load = sum(branch.building.settle(cold, room, RADIANT_SHARE) for branch in self.branches)
        low, high = room, room + 90.0
        for _ in range(40):
            self.supply = 0.5 * (low + high)
            self.return_mix = sum(
                branch.flow_share * branch.radiators.settle(self.supply, branch.flow_share * self.flow, room)
                for branch in self.branches
            )
            if self.flow * _CP * (self.supply - self.return_mix) < load:
                low = self.supply
            else:
                high = self.supply
        for branch in self.branches:
            branch.settle(self.supply, branch.flow_share * self.flow, cold, room)
        self.header = self.return_mix
        self._circulate()
        low, high = 0.0, 1.5 * p.primary_flow_kg_per_s
        for _ in range(40):
            self.primary_flow = 0.5 * (low + high)
            if self.exchanger.steady_heat(primary_supply, self.primary_flow, self.header, self.flow) < load:
                low = self.primary_flow
            else:
                high = self.primary_flow
        self.primary_return, self.supply = self.exchanger.settle(
            primary_supply, self.primary_flow, self.header, self.flow
        )
        self._finish_settling()
        return self.primary_flow

    def settle_valve(self, differential_pressure: float, primary_supply: float) -> None:
        """Put the valve where it passes the settled primary flow at this station pressure difference (Pa)."""
        position = 1.0
        rest = differential_pressure - self.primary_resistance * self.primary_flow**2
        if rest > 0.0:
            needed = self.primary_flow / sqrt(rest)
            full = flow_conductance(self.valve.kvs, density(primary_supply))
            position = self.valve.position_for(min(1.0, needed / full))
        self.valve.settle(position)
        self.valve_command = position

    def _finish_settling(self) -> None:
        self.loop.fill(self.parameters.fill_pressure_kpa * 1e3, self.mean_temperature())
        self._circulate()
        self.makeup_flow = 0.0
        self.makeup_pressure = self.loop.pressure
        for pump in self.makeup_pumps:
            pump.load(0.0)
        self.restart_ledger()
