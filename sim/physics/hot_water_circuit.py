"""Domestic hot water in a station: primary branch, exchanger, store or none, taps, charging and circulation.

    primary supply ── strainer, valve ── exchanger ── primary return      (a consumer like a zone)
Charging and circulation pump run at one speed in circuits without static head, each sized so that it meets
its design flow: R = H/V^2 there. Their few hundred watts warm no water here. City water presses the cold
water in; without it nothing can be drawn.
Source: hot_water.py, draw_off.py, pump.py; layouts as in AGFW FW 520 (instantaneous and storage systems).
"""

from __future__ import annotations

from math import inf

from .draw_off import DrawOff
from .exchanger import DAY, Exchanger
from .hot_water import CP, HotWater, Storage
from .hot_water_regulator import HotWaterRegulator
from .hydraulics import parallel_pumps_flow
from .parameters import HotWaterParameters
from .primary_branch import branch_of
from .pump import Pump, PumpCurve

COLD_WATER = 999.7  # kg/m3 at 10 °C
_START_TIME = 2.0  # s, motors switched straight to the mains


class HotWaterCircuit:
    """State and commands; flows kg/s, temperatures °C, energies J since the last settling. `water` has the
    temperatures; `charge_pump` and `circulation_pump` are None where there is none."""

    longest_step = inf  # implicit, or divided by the store itself

    def __init__(self, p: HotWaterParameters, seed: str, hours_ahead: float) -> None:
        """`seed` draws the taps; `hours_ahead` of UTC is local time."""
        self.parameters = p
        self.branch = branch_of(p, p.primary_flow_kg_per_s)
        self.exchanger = Exchanger(
            p.exchanger_conductance_kw_per_k * 1e3,
            p.primary_flow_kg_per_s,
            p.secondary_flow_kg_per_s,
            cp2=CP,
            water_capacity=p.exchanger_side_volume_m3 * 1000.0 * CP,
            plate_capacity=p.exchanger_plates_kj_per_k * 1e3,
            fouling_rate=p.exchanger_scaling_per_day / DAY,
            fouling_limit=p.exchanger_scaling_limit,
        )
        storage = None
        self.charge_pump: Pump | None = None
        if p.kind == "storage":
            storage = Storage(p.storage_volume_m3 * 1000.0, p.storage_loss_w_per_k, p.start_c, p.room_c)
            self.charge_pump, self._charge_resistance = _pump(p.secondary_flow_kg_per_s, p.charge_head_kpa)
        self.circulation_pump: Pump | None = None
        if p.circulation_flow_kg_per_s > 0.0:
            self.circulation_pump, self._line_resistance = _pump(
                p.circulation_flow_kg_per_s, p.circulation_head_kpa
            )
        self.charge_run = self.circulation_run = 0.0
        self.regulator = None if p.regulator_c is None else HotWaterRegulator(p.regulator_c)
        self.water = HotWater(
            self.exchanger, storage, 0.0, p.circulation_loss_w_per_k, p.cold_water_c, p.room_c
        )
        self.taps = DrawOff(f"{seed}/taps", p.flats, p.daily_kg_per_flat, hours_ahead, p.draw_off_hours)
        self.draw_off = self.charge_flow = 0.0
        self.primary_flow = self.primary_return_flow = 0.0
        self.primary_return = 20.0
        self.heat = 0.0
        self.electric_power = 0.0
        self.water_from_primary = 0.0  # two waters that never meet
        self.restart_ledger()

    @property
    def passive(self) -> bool:
        """Always: no pump in the primary branch."""
        return True

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Move valve and pumps for `dt` s; with a regulator of its own no command is heard."""
        if self.regulator is not None:
            self._regulate(dt, self.regulator)
        self.branch.actuate(dt, powered, primary_supply)
        if self.charge_pump is not None:
            self.charge_pump.step(dt, self.charge_run > 0.5, 1.0, powered)
        if self.circulation_pump is not None:
            self.circulation_pump.step(dt, self.circulation_run > 0.5, 1.0, powered)

    def _regulate(self, dt: float, regulator: HotWaterRegulator) -> None:
        regulator.step(dt, self.water, self.branch)
        self.branch.three_point = False
        self.charge_run = float(regulator.charging)
        self.circulation_run = 1.0

    def primary_flow_at(self, difference: float) -> float:
        """Primary flow in kg/s at a station's pressure difference (Pa)."""
        return self.branch.flow_at(difference)

    def step(
        self,
        dt: float,
        time: float,
        primary_supply: float,
        difference: float,
        back: float,
        city_water: bool = True,
    ) -> None:
        """Advance by `dt` s after `actuate`, to `time` (epoch s). `difference` and `back` are the station's
        pressure difference and the network's return pressure (Pa)."""
        flow = self.branch.flow_at(difference)
        if flow > 0.0:
            flow = self.branch.limit(flow, back + difference)
        self.primary_flow = self.primary_return_flow = flow
        # In the middle of the step: what lies between two minutes is then the same for any step that fits.
        self.draw_off = self.taps.at(time - 0.5 * dt) if city_water else 0.0
        self._pump_water()
        water = self.water
        water.step(dt, primary_supply, flow, self.charge_flow, self.draw_off)
        self.primary_return = water.primary_return
        self.heat = water.heat
        self.drawn_mass += dt * self.draw_off
        self.heat_from_primary += dt * water.heat
        self.heat_lost += dt * (water.drawn_heat + water.loss)
        self.electric_energy += dt * self.electric_power

    def _pump_water(self) -> None:
        """Flows of charging and circulation, and the power that they take."""
        power = 0.0
        if self.charge_pump is not None:
            self.charge_flow = COLD_WATER * _drive(self.charge_pump, self._charge_resistance)
            power += self.charge_pump.power
        if self.circulation_pump is not None:
            self.water.circulation = COLD_WATER * _drive(self.circulation_pump, self._line_resistance)
            power += self.circulation_pump.power
        self.electric_power = power

    def stored_heat(self) -> float:
        """Heat content of exchanger and store over 0 °C in J."""
        return self.water.stored_heat()

    def restart_ledger(self) -> None:
        """Begin the balances anew."""
        self.heat_from_primary = self.heat_other = self.heat_lost = 0.0
        self.electric_energy = 0.0
        self.drawn_mass = 0.0
        self.heat_at_start = self.stored_heat()

    def settle_cold(self, water: float, room: float, back: float, empty: bool = False) -> None:
        """Nothing turns, valve closed, all at `water` °C."""
        self._rest(water)
        self.restart_ledger()

    def settle_warm(self, primary_supply: float, outdoor: float, difference: float, back: float) -> float:
        """Hot and circulating, nothing drawn; the primary flow (kg/s) that it takes. A store is full and
        waits with its valve closed."""
        p, water = self.parameters, self.water
        self._rest(p.start_c)
        if self.circulation_pump is not None:
            self.circulation_run = 1.0
            self.circulation_pump.settle(True, 1.0)
            self._pump_water()
            water.circulation_return = water.line_return(p.start_c)
            if water.storage is None:
                self._settle_exchanger(primary_supply)
        self.restart_ledger()
        return self.primary_flow

    def settle_valve(self, difference: float, primary_supply: float) -> None:
        """Put the valve where it passes the settled primary flow at this pressure difference (Pa)."""
        branch = self.branch
        branch.renew(primary_supply)
        position = branch.position_for(self.primary_flow, difference) if self.primary_flow > 0.0 else 0.0
        branch.valve.settle(position)
        branch.valve_command = position
        branch.renew(primary_supply)

    def _settle_exchanger(self, primary_supply: float) -> None:
        """Steady exchanger that holds the start temperature at the circulation's flow."""
        p, water = self.parameters, self.water
        back = water.circulation_return
        need = water.circulation * CP * (p.start_c - back)
        low, high = 0.0, p.primary_flow_kg_per_s
        for _ in range(40):
            flow = 0.5 * (low + high)
            if self.exchanger.steady_heat(primary_supply, flow, back, water.circulation) < need:
                low = flow
            else:
                high = flow
        self.primary_flow = self.primary_return_flow = flow
        returned, water.hot = self.exchanger.settle(primary_supply, flow, back, water.circulation)
        water.supply = water.hot
        self.primary_return = water.primary_return = returned
        self.heat = water.heat = self.exchanger.heat

    def _rest(self, temperature: float) -> None:
        branch = self.branch
        branch.valve.settle(0.0)
        branch.valve_command = 0.0
        branch.three_point = branch.opening = branch.closing = False
        branch.renew(temperature)
        self.charge_run = self.circulation_run = 0.0
        if self.regulator is not None:
            self.regulator.settle(temperature)
        for pump in (self.charge_pump, self.circulation_pump):
            if pump is not None:
                pump.settle(False, 0.0)
                pump.load(0.0)
        self.water.fill(temperature)
        self.water.circulation = 0.0
        self.draw_off = self.charge_flow = 0.0
        self.primary_flow = self.primary_return_flow = self.heat = self.electric_power = 0.0
        self.primary_return = temperature


def _pump(flow: float, head_kpa: float) -> tuple[Pump, float]:
    """A pump for `flow` kg/s and the resistance (Pa/(m3/s)^2) that takes its head there."""
    volume_flow = flow / COLD_WATER
    curve = PumpCurve(volume_flow, head_kpa * 1e3, efficiency=0.4)
    return Pump(curve, _START_TIME, 1.0), head_kpa * 1e3 / volume_flow**2


def _drive(pump: Pump, resistance: float) -> float:
    """m3/s through the pump's own circuit; loads the pump."""
    volume_flow = max(0.0, parallel_pumps_flow([pump], 0.0, resistance))
    pump.load(volume_flow)
    return volume_flow
