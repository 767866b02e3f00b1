"""Primary side of a station: everybody who takes primary water, on one network, before one heat meter.

The network loses r*m^2 on the way to the station, so one consumer's valve moves the pressure difference of
all others. Return temperature is the mixture of what the consumers send back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .heat_meter import HeatMeter
from .hydraulics import shared_difference, shared_differential_pressure
from .primary import PrimaryNetwork
from .primary_branch import PrimaryBranch
from .water import density


class Consumer(Protocol):
    """Takes primary water: a zone or a hot-water circuit. Flows kg/s, heat W, temperatures °C, energies J."""

    branch: PrimaryBranch
    longest_step: float
    primary_flow: float
    primary_return_flow: float
    primary_return: float
    heat: float
    electric_energy: float
    heat_from_primary: float
    heat_other: float
    heat_lost: float
    heat_at_start: float
    water_from_primary: float

    @property
    def passive(self) -> bool:
        """True while the primary flow goes with the root of the pressure difference alone."""

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Move valves and pumps."""

    def primary_flow_at(self, difference: float) -> float:
        """Primary flow in kg/s at a station's pressure difference (Pa), after `actuate`."""

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""

    def settle_cold(self, water: float, room: float, back: float, empty: bool = False) -> None:
        """Nothing turns, valve closed. `back`: the network's return pressure (Pa)."""

    def settle_warm(self, primary_supply: float, outdoor: float, difference: float, back: float) -> float:
        """Steady work; the primary flow (kg/s) that it takes."""

    def settle_valve(self, difference: float, primary_supply: float) -> None:
        """Put the valve where it passes the settled primary flow at this pressure difference (Pa)."""


class PrimarySide:
    """Flows kg/s, pressures gauge Pa, `heat` W, `heat_energy` J since the last settling."""

    def __init__(
        self,
        network: PrimaryNetwork,
        consumers: Sequence[Consumer],
        resistance: float,
        meter: HeatMeter,
    ) -> None:
        """`resistance` of the network in Pa/(kg/s)^2. Where nothing flows the first consumer's return
        temperature is shown."""
        self.network = network
        self.consumers = consumers
        self.resistance = resistance
        self.meter = meter
        self.supply_pressure = 0.0
        self.return_pressure = self.network_return = 0.0
        self.return_temperature = 20.0
        self.flow = 0.0
        self.return_flow = 0.0
        self.heat = 0.0
        self.heat_energy = 0.0

    def share(self) -> float:
        """Pressure difference in Pa that the network leaves at the station, once all have actuated."""
        source = self.network.differential_pressure
        consumers = self.consumers
        guess = self.supply_pressure - self.network_return
        self.network_return = self.network.return_pressure_now()
        if all(consumer.passive for consumer in consumers):
            total = sum(consumer.branch.conductance for consumer in consumers)
            difference = shared_differential_pressure(total, source, self.resistance)
            # A valve that chokes takes less than the root of the pressure difference says.
            if not any(self._taken(one, difference) < one.branch.flow_at(difference) for one in consumers):
                return difference

        def flow_at(difference: float) -> float:
            return sum(self._taken(consumer, difference) for consumer in consumers)

        return shared_difference(source, self.resistance, flow_at, guess)

    def _taken(self, consumer: Consumer, difference: float) -> float:
        """kg/s that a consumer takes at this pressure difference (Pa), its valve choking or not."""
        flow = consumer.primary_flow_at(difference)
        return consumer.branch.limit(flow, self.network_return + difference) if flow > 0.0 else flow

    def gather(self, dt: float, difference: float) -> None:
        """Add up what the consumers took in this step of `dt` s at `difference` (Pa), and meter it."""
        self._add_up(difference)
        self.heat_energy += self.heat * dt
        self.meter.step(dt, self.meter_flow(), self.network.supply_temperature, self.return_temperature)

    def settle(self, difference: float) -> None:
        """The same for consumers that have settled; counters at zero."""
        self._add_up(difference)
        self.heat_energy = 0.0
        self.meter.settle(self.meter_flow(), self.network.supply_temperature, self.return_temperature)

    def _add_up(self, difference: float) -> None:
        total = outgoing = moment = heat = suction = 0.0
        for consumer in self.consumers:
            total += consumer.primary_flow
            outgoing += consumer.primary_return_flow
            moment += consumer.primary_return_flow * consumer.primary_return
            heat += consumer.heat
            suction = max(suction, consumer.branch.suction_drop())
        self.supply_pressure = self.network_return + difference
        # The station's transmitter sits before the boosters in the return.
        self.return_pressure = self.network_return - suction
        self.flow = total
        self.return_flow = outgoing
        self.heat = heat
        if outgoing > 1e-6:
            self.return_temperature = moment / outgoing
        else:
            self.return_temperature = self.consumers[0].primary_return

    def meter_flow(self) -> float:
        """m3/s at the heat meter, which sits in the primary return."""
        return self.return_flow / density(self.return_temperature)
