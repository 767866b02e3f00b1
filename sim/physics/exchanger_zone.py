"""Zone with its own plate exchanger (换热): two waters that never meet.

Pressure holding is the zone's own; see zone.py for the way of the water.
"""

from __future__ import annotations

from .exchanger import DAY, Exchanger
from .exchanger_bank import ExchangerBank, make_units
from .hydraulics import parallel_pumps_flow
from .parameters import ZoneParameters
from .sunlight import Facades
from .water import density
from .zone import CP, Zone


class ExchangerZone(Zone):
    """A zone behind an exchanger."""

    def __init__(self, p: ZoneParameters, nominal_hz: float = 50.0) -> None:
        super().__init__(p, nominal_hz, p.primary_flow_kg_per_s, p.vessel_gas_m3)
        volume_flow = p.secondary_flow_kg_per_s / density(p.design_supply_c - 15.0)
        self.exchanger_resistance = p.exchanger_secondary_drop_kpa * 1e3 / volume_flow**2
        self.bank: ExchangerBank | None = None
        if p.exchanger_count > 1:
            self.bank = self._make_bank(p, volume_flow)
        self.exchanger: Exchanger | ExchangerBank = self.bank or _one_exchanger(p)
        self._pipes = self.branch.resistance
        """Primary resistance, Pa/(kg/s)^2; of several exchangers without their plates and valves."""
        if self.bank is not None:
            self._pipes -= self.bank.resistance1
            self._follow_bank(self.bank)
        self.restart_ledger()

    @staticmethod
    def _make_bank(p: ZoneParameters, volume_flow: float) -> ExchangerBank:
        units = make_units(
            p.exchanger_count,
            p.exchanger_conductance_kw_per_k * 1e3,
            p.primary_flow_kg_per_s,
            p.secondary_flow_kg_per_s,
            CP,
            p.exchanger_side_volume_m3 * 1000.0 * CP,
            p.exchanger_plates_kj_per_k * 1e3,
            p.exchanger_oversizing,
            p.exchanger_scaling_per_day,
            p.exchanger_scaling_limit,
        )
        valve, square = p.exchanger_isolation_drop_kpa * 1e3, p.primary_flow_kg_per_s**2
        return ExchangerBank(
            units,
            p.exchanger_isolation_stroke_s,
            p.exchanger_isolation,
            p.exchanger_plates_drop_kpa * 1e3 / square,
            p.exchanger_secondary_drop_kpa * 1e3 / volume_flow**2,
            valve / square,
            valve / volume_flow**2,
            p.exchanger_standing_loss_w_per_k,
            p.exchanger_room_c,
        )

    def _follow_bank(self, bank: ExchangerBank) -> None:
        """The resistances of both sides are those of the isolation valves' present places."""
        self.branch.resistance = self._pipes + bank.resistance1
        self.exchanger_resistance = bank.resistance2

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Isolation valves first: the branch is then found with them where they are."""
        if self.bank is not None:
            self.bank.actuate(dt, powered)
            self._follow_bank(self.bank)
        super().actuate(dt, powered, primary_supply)

    def primary_flow_at(self, difference: float) -> float:
        """Primary flow in kg/s at a station's pressure difference (Pa)."""
        return self.branch.flow_at(difference)

    def step(
        self,
        dt: float,
        primary_supply: float,
        difference: float,
        back: float,
        outdoor: float,
        sun: float,
        facades: Facades,
        loss_factor: float,
        powered: bool,
        tank_level: float,
        tank_available: float,
    ) -> None:
        """See Zone.step."""
        gain = self.holding.step(dt, powered, tank_level, tank_available)
        self.loop.step(dt, gain, self.mean_temperature())
        self._circulate()
        flow = self.flow
        primary_flow = self.branch.flow_at(difference)
        if primary_flow > 0.0:
            primary_flow = self.branch.limit(primary_flow, back + difference)
        self.primary_flow = self.primary_return_flow = primary_flow
        beside = self.branch.bypass_share
        self.primary_return, self.supply = self.exchanger.step(
            dt, primary_supply, (1.0 - beside) * primary_flow, self.header, flow
        )
        self.primary_return += beside * (primary_supply - self.primary_return)
        self.heat = self.exchanger.heat
        if self.bank is not None:
            self.heat_lost += self.bank.take_lost()
        self.electric_power += self.branch.load(primary_flow, self.primary_return, back + difference, back)
        returning = self.heat_buildings(dt, outdoor, sun, facades, loss_factor, flow)
        self.warm_header(dt, flow * CP * (returning - self.header))

    def _circulate(self) -> None:
        resistance = self.exchanger_resistance + self.network.resistance
        static = self.static_head()
        volume_flow = max(0.0, parallel_pumps_flow(self.pumps, static, resistance))
        self.pump_head = static + resistance * volume_flow * volume_flow
        if volume_flow == 0.0 and static > 0.0:
            self.pump_head = min(static, max(pump.shutoff_head() for pump in self.pumps))
        self.load_pumps(self.pump_head, volume_flow > 0.0)
        self.flow = volume_flow * density(self.header)

    def supply_pressure(self) -> float:
        """Gauge Pa behind the exchanger."""
        volume_flow = self.flow / density(self.header)
        return self.loop.pressure + self.pump_head - self.exchanger_resistance * volume_flow * volume_flow

    def source_mass(self) -> float:
        """kg of secondary water in the exchanger."""
        return self.parameters.exchanger_side_volume_m3 * self.parameters.exchanger_oversizing * 1000.0

    def source_temperature(self) -> float:
        """Mean temperature of the exchanger's secondary side."""
        cold = self.exchanger.cold
        return sum(cold) / len(cold)

    def source_heat(self) -> float:
        """Heat content of the exchanger over 0 °C in J."""
        return self.exchanger.stored_heat()

    def settle_cold(self, water: float, room: float, back: float, empty: bool = False) -> None:
        """See Zone.settle_cold."""
        if self.bank is not None:
            self.bank.settle_open()
            self._follow_bank(self.bank)
        self.rest(water, room)
        self.exchanger.fill(water)
        self._finish_settling(empty)

    def settle_warm(self, primary_supply: float, outdoor: float, difference: float, back: float) -> float:
        """See Zone.settle_warm."""
        p = self.parameters
        self.settle_cold(40.0, p.design_room_c, back)
        self.run_first_pump()
        self._circulate()
        load = self.settle_buildings(outdoor, p.design_room_c, self.flow)
        self._circulate()
        low, high = 0.0, 1.5 * p.primary_flow_kg_per_s
        for _ in range(40):
            flow = 0.5 * (low + high)
            if self.exchanger.steady_heat(primary_supply, flow, self.header, self.flow) < load:
                low = flow
            else:
                high = flow
        self.primary_flow = self.primary_return_flow = flow
        self.primary_return, self.supply = self.exchanger.settle(primary_supply, flow, self.header, self.flow)
        self.heat = self.exchanger.heat
        self._finish_settling(False)
        return flow

    def settle_valve(self, difference: float, primary_supply: float) -> None:
        """See Zone.settle_valve."""
        branch = self.branch
        branch.renew(primary_supply)
        position = branch.position_for(self.primary_flow, difference)
        self.valve.settle(position)
        branch.valve_command = position
        branch.renew(primary_supply)

    def _finish_settling(self, empty: bool) -> None:
        self.holding.rest()
        if empty:
            self.loop.empty()
        else:
            self.loop.fill(self.parameters.fill_pressure_kpa * 1e3, self.mean_temperature())
        self.holding.makeup_pressure = self.loop.pressure
        self._circulate()
        self.restart_ledger()


def _one_exchanger(p: ZoneParameters) -> Exchanger:
    return Exchanger(
        p.exchanger_conductance_kw_per_k * 1e3,
        p.primary_flow_kg_per_s,
        p.secondary_flow_kg_per_s,
        cp2=CP,
        water_capacity=p.exchanger_side_volume_m3 * 1000.0 * CP,
        plate_capacity=p.exchanger_plates_kj_per_k * 1e3,
        oversizing=p.exchanger_oversizing,
        fouling_rate=p.exchanger_scaling_per_day / DAY,
        fouling_limit=p.exchanger_scaling_limit,
    )
