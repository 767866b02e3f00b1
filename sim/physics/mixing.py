"""Mixing zone (混水): primary water enters the secondary directly, return water is mixed in.

    primary supply ── A (strainer, valve, booster) ──┐
                                                    mixing point ── circulation pumps ── buildings ──┐
    primary return ──┬── B (bypass, check valve) ────┘                                               │
                     └─────────────────────────── return header ─────────────────────────────────────┘
Three-way: one stem moves A by its characteristic and B linear the other way. Injection: a two-way valve in A
and a bypass that is always open. With the lift L = p(return header) - p(mixing point), in Pa,
    mA = GA*sqrt(dp + L),  mB = GB*sqrt(L) (check valve),  m = mA + mB,  pumps: L + R*m^2 = H - a*m^2
The pumps' head P = L + R*m^2 gives m of any pumps in parallel, that gives L and that mA + mB, which grows
with P while m falls: one solution in P, by Newton from the last step's. When the pump stops, L is below 0:
what the primary pressure difference drives through A goes to the users, hot and unmixed. A bypass whose check
valve has failed then takes the short way, from A straight to the return.
The primary network holds the pressure: the return header stands at the primary return pressure plus the
friction of the outlet, growth of the heated water and makeup go out there, leaks come in from there.
Source: balances above; A equal percentage with B linear as in data sheets of three-way valves.
"""

from __future__ import annotations

from math import sqrt

from .parameters import ZoneParameters
from .secondary import Strainer
from .sunlight import Facades
from .valve import inherent_characteristic
from .water import density
from .zone import CP, Zone

_OUTLET_SHARE = 0.5  # of the primary drop without the valve lies between return header and primary return
_TINY = 1e-6  # Pa; roots are steep at 0
_OTHER_PORT_LEAKAGE = 1e-3  # of Kvs, the usual tightness of port B


class Bypass(Strainer):
    """Bypass with its check valve: "clogged" as a strainer, "check_valve" stays open."""

    __slots__ = ("leaky",)

    def __init__(self, clean: float) -> None:
        super().__init__(clean)
        self.leaky = False

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin "clogged" (share of the free area) or "check_valve".

        Raises ValueError with the allowed kinds."""
        if kind == "check_valve":
            self.leaky = True
        elif kind == "clogged":
            super().break_down(kind, value)
        else:
            raise ValueError(f"unknown fault {kind!r} of a bypass (allowed: clogged, check_valve)")

    def repair(self) -> None:
        """Clean it; the check valve closes."""
        super().repair()
        self.leaky = False


class MixingZone(Zone):
    """A zone that drinks from the primary network. `bypass_flow` (kg/s) is below 0 when it runs back."""

    def __init__(self, p: ZoneParameters, nominal_hz: float = 50.0) -> None:
        spread = p.design_heat_kw * 1e3 / (p.secondary_flow_kg_per_s * CP)
        self.design_return = p.design_supply_c - spread
        design = p.design_heat_kw * 1e3 / (CP * (p.design_primary_supply_c - self.design_return))
        super().__init__(p, nominal_hz, design, 0.0)
        self.design_primary_flow = design
        bypass_flow = p.secondary_flow_kg_per_s - design
        self.bypass = Bypass(p.mixing_bypass_drop_kpa * 1e3 / (bypass_flow * bypass_flow))
        self.outlet_resistance = _OUTLET_SHARE * self.branch.resistance
        self.three_way = p.mixing_arrangement == "three_way"
        self.mix_mass = p.mixing_volume_m3 * 1000.0
        self.bypass_flow = 0.0
        self.lift = 0.0
        self.head = 0.0
        self._rho = 990.0
        self.restart_ledger()

    @property
    def passive(self) -> bool:
        """Never: the circulation pumps suck at the primary branch."""
        return False

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Move valves and pumps."""
        super().actuate(dt, powered, primary_supply)
        self._rho = density(self.header)

    def primary_flow_at(self, difference: float) -> float:
        """Primary flow in kg/s at a station's pressure difference (Pa)."""
        self.lift = self._lift(difference + self.branch.head)
        return self.branch.flow_at(difference + self.lift)

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
        primary_flow = self._circulate(difference, back)
        self.primary_flow = primary_flow
        outlet = self.outlet_resistance * primary_flow * primary_flow
        before = self.loop.water_mass
        self.loop.fill(back + outlet, self.mean_temperature())
        from_network = self.loop.water_mass - before - gain * dt
        self.water_from_primary += from_network
        self.primary_return_flow = max(0.0, primary_flow - from_network / dt)

        header = self.header
        backward = max(0.0, -self.bypass_flow)
        mixed = max(0.0, self.bypass_flow)
        k = self.mix_mass / dt
        hot = primary_flow - backward
        self.supply = (k * self.supply + hot * primary_supply + mixed * header) / (k + hot + mixed)
        self.primary_return = header
        self.heat = primary_flow * CP * (primary_supply - header)
        self.electric_power += self.branch.load(primary_flow, header, back + difference, back)
        returning = self.heat_buildings(dt, outdoor, sun, facades, loss_factor, self.flow)
        into = self.flow * CP * (returning - header) + backward * CP * (primary_supply - header)
        self.warm_header(dt, into)

    def _circulate(self, difference: float, back: float) -> float:
        """Solve flows and pumps at this difference; returns the primary flow in kg/s."""
        flow = self.primary_flow_at(difference)
        if flow > 0.0:
            flow = min(flow, self.branch.limit(flow, back + difference))
        self.bypass_flow = self._bypass_at(self.lift)
        self.flow = max(0.0, flow + self.bypass_flow)
        self.pump_head = self.head
        self.load_pumps(self.head, True)
        return flow

    def _bypass_at(self, lift: float) -> float:
        conductance = self._bypass_conductance()
        if lift >= 0.0:
            return conductance * sqrt(lift)
        return -conductance * sqrt(-lift) if self.bypass.leaky else 0.0

    def _bypass_conductance(self) -> float:
        """kg/s per sqrt(Pa) of path B."""
        conductance = 1.0 / sqrt(self.bypass.resistance())
        if self.three_way:
            open_share = 1.0 - self.valve.position
            conductance *= inherent_characteristic("linear", open_share, 1.0, _OTHER_PORT_LEAKAGE)
        return conductance

    def _lift(self, driving: float) -> float:
        """L in Pa where the pumps' flow is that of both ways, `driving` = pressure difference + booster."""
        pumps = [(pump.shutoff_head(), pump) for pump in self.pumps]
        low, high = -driving, max(head for head, _ in pumps)
        if high <= low:
            self.head = 0.0
            return 0.0
        square = self._rho * self._rho
        curves = [(head, square / pump.curve.a) for head, pump in pumps]
        back = [square / pump.backflow_resistance() for pump in self.pumps if pump.leaky_check]
        resistance = self.network.resistance / square
        way_a, way_b, leaky = self.branch.conductance, self._bypass_conductance(), self.bypass.leaky
        head = self.head if low < self.head < high else 0.5 * (low + high)
        lift = 0.0
        for _ in range(60):
            flow = slope = 0.0
            for shutoff, inverse in curves:
                left = shutoff - head
                if left > _TINY:
                    part = sqrt(left * inverse)
                    flow += part
                    slope -= 0.5 * part / left
            if head > _TINY:
                for inverse in back:
                    part = sqrt(head * inverse)
                    flow -= part
                    slope -= 0.5 * part / head
            lift = head - resistance * flow * abs(flow)
            steep = 1.0 - 2.0 * resistance * abs(flow) * slope
            surplus, rise = -flow, -slope
            pull = driving + lift
            if pull > _TINY:
                part = way_a * sqrt(pull)
                surplus += part
                rise += 0.5 * part / pull * steep
            if lift > _TINY or (leaky and lift < -_TINY):
                part = way_b * sqrt(abs(lift))
                surplus += part if lift > 0.0 else -part
                rise += 0.5 * part / abs(lift) * steep
            if abs(surplus) <= 1e-6 or high - low < 1e-6:
                break
            if surplus < 0.0:
                low = head
            else:
                high = head
            head = head - surplus / rise if rise > 0.0 else low
            if not low < head < high:
                head = 0.5 * (low + high)
        self.head = head
        return lift

    def supply_pressure(self) -> float:
        """Gauge Pa at the secondary supply: what the network takes, above the return header."""
        volume_flow = self.flow / self._rho
        return self.loop.pressure + self.network.resistance * volume_flow * volume_flow

    def suction_pressure(self) -> float:
        """Gauge Pa at the mixing point: the bypass lets the pumps' inlet sink below the return header."""
        return self.loop.pressure - self.lift

    def shown_difference(self) -> float:
        """Pa between secondary supply and return header: what the users get. The pumps' own head would also
        hold the bypass, which moves with the three-way valve."""
        return self.supply_pressure() - self.loop.pressure

    def source_mass(self) -> float:
        """kg of water between mixing point and supply sensor."""
        return self.mix_mass

    def source_temperature(self) -> float:
        """Its temperature in °C."""
        return self.supply

    def source_heat(self) -> float:
        """Its heat content over 0 °C in J."""
        return self.mix_mass * CP * self.supply

    def settle_cold(self, water: float, room: float, back: float, empty: bool = False) -> None:
        """See Zone.settle_cold. The primary network fills the zone: it is never empty."""
        self.rest(water, room)
        self.bypass_flow = 0.0
        self._rho = density(water)
        self._finish_settling(back)

    def settle_warm(self, primary_supply: float, outdoor: float, difference: float, back: float) -> float:
        """See Zone.settle_warm."""
        p = self.parameters
        self.settle_cold(40.0, p.design_room_c, back)
        self.run_first_pump()
        self.valve.settle(0.6)
        primary_flow = self.design_primary_flow
        for _ in range(4):
            self.branch.renew(primary_supply)
            self._circulate(difference, back)
            load = self.settle_buildings(outdoor, p.design_room_c, self.flow)
            self._rho = density(self.header)
            primary_flow = load / (CP * max(1.0, primary_supply - self.header))
            self.valve.settle(self._position_for(primary_flow, difference, primary_supply))
        self.primary_flow = self.primary_return_flow = primary_flow
        self.primary_return = self.header
        self.heat = load
        self._finish_settling(back)
        return primary_flow

    def settle_valve(self, difference: float, primary_supply: float) -> None:
        """See Zone.settle_valve."""
        position = self._position_for(self.primary_flow, difference, primary_supply)
        self.valve.settle(position)
        self.branch.valve_command = position
        self.branch.renew(primary_supply)
        self._circulate(difference, self.loop.pressure)

    def _position_for(self, flow: float, difference: float, primary_supply: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(20):
            self.valve.position = 0.5 * (low + high)
            self.branch.renew(primary_supply)
            if self.primary_flow_at(difference) < flow:
                low = self.valve.position
            else:
                high = self.valve.position
        return 0.5 * (low + high)

    def _finish_settling(self, back: float) -> None:
        self.holding.rest()
        outlet = self.outlet_resistance * self.primary_flow**2
        self.loop.fill(back + outlet, self.mean_temperature())
        self.holding.makeup_pressure = self.loop.pressure
        self.restart_ledger()
