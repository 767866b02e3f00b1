"""What every zone has: primary branch, circulation, secondary network, pressure holding, buildings. SI.

Water's way in one step: header → pumps → heat source → branches (pipe, radiators, pipe) → header. The header
is the mixed volume at the pump suction, where makeup enters; its water leaves with the temperature it had
before the step, so that every kilogram that enters the heat source has left the header at the same
temperature: the balance is exact. Heat of the loop is counted for constant mass: makeup of mass M cools the
header by M*cp*(Th - Tm) and as much water as it brings is pushed into the vessel, out of the leak or into
the primary return at header temperature.
"""

from __future__ import annotations

from collections.abc import Sequence

from .buildings_branch import BuildingsBranch
from .parameters import ZoneParameters
from .pressure import ElasticLoop
from .pressure_holding import PressureHolding
from .primary_branch import PrimaryBranch, branch_of, make_booster
from .pump import Pump, PumpCurve
from .secondary import SecondaryNetwork
from .sunlight import Facades
from .water import density, saturation_pressure
from .zone_buildings import build_branches

CP = 4180.0
_ATMOSPHERE = 101.3e3
_NEVER_BOILS = 150e3  # gauge Pa: below 120 °C no pump cavitates above this
_SPREAD = 15.0  # K from supply to return at the design point, for the density of the flow
_EMPTY = 0.02  # filled share below which the circulation pumps turn in air


class Zone:
    """State and commands. Commands: shares of stroke and nominal speed; flows kg/s; temperatures °C.

    A kind of zone adds `actuate`, `primary_flow_at`, `step`, `supply_pressure`, the heat source's content and
    the way to its start states."""

    longest_step: float

    def __init__(self, p: ZoneParameters, nominal_hz: float, primary_flow: float, vessel_gas: float) -> None:
        p, self.branches = build_branches(p)
        self.parameters = p
        self.branch = _primary_branch(p, nominal_hz, primary_flow)
        self.valve = self.branch.valve
        self.network = _secondary_network(p, self.branches)
        self._risers = [
            (line, branch.riser, branch.riser_share)
            for line, branch in zip(self.network.branches, self.branches, strict=True)
            if branch.riser is not None
        ]
        curve = PumpCurve(p.pump_flow_m3_per_h / 3600.0, p.pump_head_kpa * 1e3)
        self.pumps = [
            Pump(curve, p.pump_ramp_s, p.pump_min_hz / nominal_hz) for _ in range(p.circulation_pumps)
        ]
        self.pump_run = [0.0] * p.circulation_pumps
        self.pump_speed = [0.0] * p.circulation_pumps
        self.loop = ElasticLoop(
            p.loop_volume_m3,
            vessel_gas,
            p.air_share,
            precharge=p.vessel_precharge_kpa * 1e3,
            height=p.highest_building_m,
        )
        self.holding = PressureHolding(p, self.loop, nominal_hz, closed=p.kind == "exchanger")
        self._branches_mass = sum(branch.water_mass() for branch in self.branches)
        self.header_mass = p.header_share * p.loop_volume_m3 * 1000.0
        self.longest_step = 0.6 * self.header_mass / p.secondary_flow_kg_per_s

        self.primary_flow = 0.0
        self.primary_return_flow = 0.0
        self.primary_return = 20.0
        self.supply = 20.0
        self.return_mix = 20.0
        self.header = 20.0
        self.flow = 0.0
        self.heat = 0.0
        self.pump_head = 0.0
        self.electric_power = 0.0
        self.building_loss = 0.0
        self.pipe_loss = 0.0
        self._starved = False

    # --- what a kind of zone adds -----------------------------------------------------------------------

    def primary_flow_at(self, difference: float) -> float:
        """Primary flow in kg/s at a station's pressure difference (Pa), after `actuate`."""
        raise NotImplementedError

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
        """Advance by `dt` s after `actuate`. `difference` and `back` are the station's pressure difference
        and the network's return pressure (Pa), `sun` and `facades` W/m2 on the ground and the walls,
        `tank_available` kg/s that the tank can serve."""
        raise NotImplementedError

    def supply_pressure(self) -> float:
        """Gauge Pa at the secondary supply."""
        raise NotImplementedError

    def suction_pressure(self) -> float:
        """Gauge Pa at the circulation pumps' inlet, where the suction switch sits."""
        return self.loop.pressure

    def shown_difference(self) -> float:
        """Pa at the secondary differential pressure transmitter, which sits across the pumps."""
        return self.pump_head

    def source_mass(self) -> float:
        """kg of loop water in the heat source."""
        raise NotImplementedError

    def source_temperature(self) -> float:
        """Mean temperature of the loop water in the heat source."""
        raise NotImplementedError

    def source_heat(self) -> float:
        """Heat content of the heat source over 0 °C in J."""
        raise NotImplementedError

    def settle_cold(self, water: float, room: float, back: float, empty: bool = False) -> None:
        """Nothing turns, valve closed; filled, or without water. `back`: the network's return pressure."""
        raise NotImplementedError

    def settle_warm(self, primary_supply: float, outdoor: float, difference: float, back: float) -> float:
        """Steady heating: first pump at full speed, rooms at their design value; primary flow (kg/s) it
        takes."""
        raise NotImplementedError

    def settle_valve(self, difference: float, primary_supply: float) -> None:
        """Put the valve where it passes the settled primary flow at this station pressure difference (Pa)."""
        raise NotImplementedError

    # --- what all zones do ------------------------------------------------------------------------------

    @property
    def passive(self) -> bool:
        """True while the primary flow goes with the root of the pressure difference alone."""
        return self.branch.head == 0.0

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Move valves and pumps."""
        self.branch.actuate(dt, powered, primary_supply)
        for i, pump in enumerate(self.pumps):
            pump.step(dt, self.pump_run[i] > 0.5, self.pump_speed[i], powered)
        self.holding.actuate(dt, powered)
        if self.parameters.balancing_valves and powered:
            self.network.step(dt)
        pressure = self.suction_pressure()
        if pressure < _NEVER_BOILS or self._starved or self.header > 120.0:
            self._breathe(pressure)

    def _breathe(self, pressure: float) -> None:
        boiling = saturation_pressure(self.header)
        starved = False
        dry = self.loop.filled(self.header) < _EMPTY
        for pump in self.pumps:
            pump.dry = dry
            pump.breathe(pressure + _ATMOSPHERE, boiling)
            starved = starved or pump.suction < 1.0 or dry
        self._starved = starved

    def static_head(self) -> float:
        """Pa that circulation must lift before it goes over the top of a loop that is not full: what rises in
        the supply pipes sinks in the return pipes, so the gap at the top counts twice."""
        if self.loop.column == 0.0:
            return 0.0
        return 2.0 * self.loop.top * (1.0 - self.loop.filled(self.header))

    def load_pumps(self, head: float, turns: bool) -> None:
        """Give every circulation pump its flow at this head (Pa) and add up the electric power."""
        power = self.holding.power
        for pump in self.pumps:
            pump.load(pump.flow_at(head) if turns else 0.0)
            power += pump.power
        self.electric_power = power

    def heat_buildings(
        self, dt: float, outdoor: float, sun: float, facades: Facades, loss_factor: float, flow: float
    ) -> float:
        """Let the branches take the supply water; returns the mixed return temperature."""
        returning = building_loss = pipe_loss = gains = 0.0
        supply = self.supply
        for branch, line, share in zip(
            self.branches, self.network.branches, self.network.shares, strict=True
        ):
            beside = line.beside()
            through = (1.0 - beside) * share
            back = branch.step(dt, supply, through * flow, outdoor, sun, loss_factor, facades)
            returning += through * back + (share - through) * supply
            building_loss += branch.building.loss
            pipe_loss += branch.pipe_loss
            gains += branch.gains
        self.return_mix = returning
        self.building_loss = building_loss
        self.pipe_loss = pipe_loss
        self.heat_other += dt * gains
        self.heat_lost += dt * (building_loss + pipe_loss)
        self._watch_risers()
        return returning

    def _watch_risers(self) -> None:
        """A riser that freezes or thaws changes the flows from the next step on."""
        for line, riser, share in self._risers:
            frozen = share if riser.frozen else 0.0
            if frozen != line.frozen:
                line.frozen = frozen
                self.network.renew()

    def warm_header(self, dt: float, into: float) -> None:
        """Mix `into` (W over the header's own temperature) with makeup and pump heat into the header."""
        friction = max(0.0, self.pump_head) * self.flow / density(self.header)
        entering = max(0.0, self.holding.makeup_flow)
        makeup = entering * CP * (self.parameters.makeup_temperature_c - self.header)
        self.header += dt * (into + makeup + friction) / (self.header_mass * CP)
        self.heat_other += dt * (friction + makeup)
        self.heat_from_primary += dt * self.heat
        self.electric_energy += dt * self.electric_power

    def loop_mass(self) -> float:
        """kg of water between the walls at constant mass."""
        return self.header_mass + self.source_mass() + self._branches_mass

    def mean_temperature(self) -> float:
        """Mean temperature of the loop's water in °C."""
        moment = self.header_mass * self.header + self.source_mass() * self.source_temperature()
        for branch in self.branches:
            moment += branch.water_moment()
        return moment / self.loop_mass()

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J: heat source, loop and buildings."""
        heat = self.source_heat() + self.header_mass * CP * self.header
        return heat + sum(branch.stored_heat() for branch in self.branches)

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Faults of the loop: see PressureHolding.break_down."""
        self.holding.break_down(kind, value)

    def repair(self) -> None:
        """End the loop's faults."""
        self.holding.repair()

    def restart_ledger(self) -> None:
        """Begin the balances anew: energies in J, water in kg."""
        self.heat_from_primary = 0.0
        self.heat_other = 0.0
        self.heat_lost = 0.0
        self.electric_energy = 0.0
        self.water_from_primary = 0.0
        self.holding.restart_ledger()
        self.heat_at_start = self.stored_heat()

    def rest(self, water: float, room: float) -> None:
        """Valve closed, pumps stopped, everything at one temperature."""
        self.valve.settle(0.0)
        self.branch.valve_command = 0.0
        self.branch.three_point = self.branch.opening = self.branch.closing = False
        self.branch.booster_run = 0.0
        if self.branch.booster is not None:
            self.branch.booster.settle(False, 0.0)
            self.branch.booster.load(0.0)
        for i, pump in enumerate(self.pumps):
            self.pump_run[i] = 0.0
            pump.settle(False, 0.0)
        for branch in self.branches:
            branch.fill(water, room)
        self._watch_risers()
        self.header = self.return_mix = self.supply = self.primary_return = water
        self.primary_flow = self.primary_return_flow = self.flow = self.heat = self.pump_head = 0.0
        self.branch.renew(water)

    def run_first_pump(self) -> None:
        """First circulation pump and a booster in the branch at full speed, also commanded."""
        self.pump_run[0] = self.pump_speed[0] = 1.0
        self.pumps[0].settle(True, 1.0)
        booster = self.branch.booster
        if booster is not None:
            self.branch.booster_run = self.branch.booster_speed = 1.0
            booster.settle(True, 1.0)

    def settle_buildings(self, outdoor: float, room: float, flow: float) -> float:
        """Houses in balance, each at the room that it gets where the supply temperature is such that all
        together have the heat for `room`; the heat in W that the loop then takes."""
        # Above 19 °C outdoors there is nothing to heat: a small load keeps the formulas defined.
        cold = min(outdoor, room - 1.0)
        branches = list(zip(self.branches, self.network.shares, strict=True))
        load = sum(branch.need(cold, room) - branch.internal_gains for branch, _ in branches)
        low, high = room, room + 90.0
        for _ in range(40):
            self.supply = 0.5 * (low + high)
            if sum(branch.heat(self.supply, share * flow, cold, room) for branch, share in branches) < load:
                low = self.supply
            else:
                high = self.supply
        self.return_mix = sum(
            share * branch.settle_free(self.supply, share * flow, cold) for branch, share in branches
        )
        self.header = self.return_mix
        return flow * CP * (self.supply - self.return_mix)


def _primary_branch(p: ZoneParameters, nominal_hz: float, primary_flow: float) -> PrimaryBranch:
    """Strainer, valve and booster; `primary_flow` (kg/s) is that of the drops."""
    booster: Pump | None = None
    if p.booster != "none":
        booster = make_booster(
            primary_flow, p.booster_head_kpa * 1e3, p.booster_ramp_s, p.booster_min_hz / nominal_hz
        )
    branch = branch_of(p, primary_flow, p.booster, booster)
    branch.closes_alone = p.valve_closes_without_power
    return branch


def _secondary_network(p: ZoneParameters, branches: Sequence[BuildingsBranch]) -> SecondaryNetwork:
    """Main, strainer and a line for each of `branches`, balanced as the parameters say."""
    network = SecondaryNetwork(
        p.secondary_flow_kg_per_s / density(p.design_supply_c - _SPREAD),
        p.network_drop_kpa * 1e3,
        p.network_strainer_drop_kpa * 1e3,
        p.network_main_share,
        tuple(branch.flow_share for branch in branches),
    )
    if p.balancing_percent:
        network.balance(tuple(stroke / 100.0 for stroke in p.balancing_percent))
    return network
