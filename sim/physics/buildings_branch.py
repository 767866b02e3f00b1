"""A group of buildings on its branch of the loop: supply pipe, radiators, building, return pipe."""

from __future__ import annotations

from .building import Building, Radiators
from .pipe import Pipe

# Radiators give about a third of their heat by radiation, which warms the mass and not the air.
RADIANT_SHARE = 0.35


class BuildingsBranch:
    """SI throughout. `step` takes the station's supply temperature and gives back what returns to it."""

    __slots__ = (
        "building",
        "flow_share",
        "gains",
        "internal_gains",
        "pipe_loss",
        "radiators",
        "return_pipe",
        "solar_aperture",
        "supply_pipe",
    )

    def __init__(
        self,
        building: Building,
        radiators: Radiators,
        supply_pipe: Pipe,
        return_pipe: Pipe,
        flow_share: float,
        solar_aperture: float,
        internal_gains: float,
    ) -> None:
        """`solar_aperture` in m2 of global horizontal radiation, `internal_gains` in W."""
        self.building = building
        self.radiators = radiators
        self.supply_pipe = supply_pipe
        self.return_pipe = return_pipe
        self.flow_share = flow_share
        self.solar_aperture = solar_aperture
        self.internal_gains = internal_gains
        self.gains = 0.0
        self.pipe_loss = 0.0

    def step(
        self, dt: float, supply: float, flow: float, outdoor: float, sun: float, loss_factor: float
    ) -> float:
        """Return temperature at the station after `dt` s; `flow` in kg/s is this branch's own."""
        building, radiators = self.building, self.radiators
        arriving = self.supply_pipe.step(dt, supply, flow)
        leaving = radiators.step(dt, arriving, flow, building.air)
        returning = self.return_pipe.step(dt, leaving, flow)
        self.pipe_loss = self.supply_pipe.loss + self.return_pipe.loss
        solar = self.solar_aperture * sun
        self.gains = solar + self.internal_gains
        radiant = RADIANT_SHARE * radiators.heat
        # Sun falls on floors and walls first: half of it warms the mass.
        building.step(
            dt,
            outdoor,
            radiators.heat - radiant + self.internal_gains + 0.5 * solar,
            radiant + 0.5 * solar,
            loss_factor,
        )
        return returning

    def settle(self, supply: float, flow: float, outdoor: float, room: float) -> float:
        """Steady pipes and radiators for this supply, and a building in balance at `room`; return
        temperature."""
        returning = self.radiators.settle(supply, flow, room)
        self.supply_pipe.fill(supply)
        self.return_pipe.fill(returning)
        self.building.settle(outdoor, room, RADIANT_SHARE)
        return returning

    def fill(self, water: float, room: float) -> None:
        """Water and building each at one temperature."""
        self.radiators.fill(water)
        self.supply_pipe.fill(water)
        self.return_pipe.fill(water)
        self.building.fill(room)

    def water_mass(self) -> float:
        """kg of water in pipes and radiators."""
        return self.supply_pipe.mass + self.return_pipe.mass + self.radiators.water_mass

    def water_moment(self) -> float:
        """Sum of mass times temperature, kg·°C, for the mean temperature of the loop."""
        return (
            self.supply_pipe.mass * self.supply_pipe.mean_temperature()
            + self.return_pipe.mass * self.return_pipe.mean_temperature()
            + self.radiators.water_mass * self.radiators.mean_temperature()
        )

    def stored_heat(self) -> float:
        """Heat content of water and building over 0 °C in J."""
        return (
            self.supply_pipe.stored_heat()
            + self.return_pipe.stored_heat()
            + self.radiators.stored_heat()
            + self.building.stored_heat()
        )
