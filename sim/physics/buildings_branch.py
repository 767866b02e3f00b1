"""A building, or a group of them, on its branch of the loop: supply pipe, riser, radiators, return pipe.

Water goes through the supply pipe, a part of it through the bare riser in the staircase, all of it through
the radiators and back. The sun comes through the windows of four sides where the radiation on them is given,
otherwise by an aperture for the horizontal one; 9 % of it warms the air at once (VDI 6007-1), the rest falls
on the interior walls and on the exterior ones of the other sides. People and appliances give half of their
heat by radiation.
Sources: VDI 6007-1 for the way of the sun; pipe.py, riser.py, radiator.py, building.py; the halves of the
gains and a third of a radiator's heat by radiation are own judgement.
"""

from __future__ import annotations

from .building import Building
from .pipe import Pipe
from .radiator import Heater
from .riser import Riser
from .sunlight import Facades

# Radiators give about a third of their heat by radiation, which warms the walls and not the air.
RADIANT_SHARE = 0.35

_SUN_TO_AIR = 0.09
_SUN_LIKE_RADIATION = 0.45  # of the sun: then the other sides' exterior walls get their share by area
_GAINS_TO_AIR = 0.5


class BuildingsBranch:
    """SI throughout. `step` takes the station's supply temperature and gives back what returns to it."""

    __slots__ = (
        "_leaving",
        "building",
        "facade_apertures",
        "flow_share",
        "gains",
        "internal_gains",
        "name",
        "pipe_loss",
        "radiators",
        "return_pipe",
        "riser",
        "riser_share",
        "solar_aperture",
        "supply_pipe",
        "wind_exposure",
    )

    def __init__(
        self,
        building: Building,
        radiators: Heater,
        supply_pipe: Pipe,
        return_pipe: Pipe,
        flow_share: float,
        solar_aperture: float,
        internal_gains: float,
        name: str = "",
        facade_apertures: Facades | None = None,
        wind_exposure: float = 1.0,
        riser: Riser | None = None,
        riser_share: float = 0.0,
    ) -> None:
        """`solar_aperture` in m2 of global horizontal radiation, `facade_apertures` in m2 of the radiation on
        the four sides, `internal_gains` in W. `wind_exposure` scales what the wind adds to the air change.
        `riser_share` of the branch's flow goes through the riser."""
        self.building = building
        self.radiators = radiators
        self.supply_pipe = supply_pipe
        self.return_pipe = return_pipe
        self.flow_share = flow_share
        self.solar_aperture = solar_aperture
        self.internal_gains = internal_gains
        self.name = name
        self.facade_apertures = facade_apertures
        self.wind_exposure = wind_exposure
        self.riser = riser
        self.riser_share = riser_share
        self.gains = 0.0
        self.pipe_loss = 0.0
        self._leaving = 0.0

    def step(
        self,
        dt: float,
        supply: float,
        flow: float,
        outdoor: float,
        sun: float,
        loss_factor: float,
        facades: Facades | None = None,
    ) -> float:
        """Return temperature at the station after `dt` s; `flow` in kg/s (≥ 0) is this branch's own.

        `sun` W/m2 horizontal, `facades` on the four sides (south, west, north, east). `loss_factor` of the
        wind on an exposure of one."""
        building, radiators, riser = self.building, self.radiators, self.riser
        air = building.air
        arriving = self.supply_pipe.step(dt, supply, flow)
        loss = self.supply_pipe.loss
        if riser is not None:
            open_before = not riser.frozen
            passed = riser.step(dt, arriving, self.riser_share * flow, outdoor, air)
            loss += riser.loss
            if open_before:
                arriving += self.riser_share * (passed - arriving)
        leaving = radiators.step(dt, arriving, flow, air)
        returning = self.return_pipe.step(dt, leaving, flow)
        self.pipe_loss = loss + self.return_pipe.loss
        solar = self._solar(sun, facades) if sun > 0.0 else 0.0
        internal = self.internal_gains
        self.gains = solar + internal
        heat = radiators.heat
        radiant = radiators.radiant_share * heat
        building.step(
            dt,
            outdoor,
            heat - radiant + _GAINS_TO_AIR * internal + _SUN_TO_AIR * solar,
            radiant + (1.0 - _GAINS_TO_AIR) * internal + _SUN_LIKE_RADIATION * solar,
            1.0 + self.wind_exposure * (loss_factor - 1.0),
            (1.0 - _SUN_TO_AIR - _SUN_LIKE_RADIATION) * solar,
        )
        return returning

    def _solar(self, sun: float, facades: Facades | None) -> float:
        """W through the windows."""
        apertures = self.facade_apertures
        if facades is None or apertures is None:
            return self.solar_aperture * sun
        south, west, north, east = facades
        to_south, to_west, to_north, to_east = apertures
        return to_south * south + to_west * west + to_north * north + to_east * east

    def settle(self, supply: float, flow: float, outdoor: float, room: float) -> float:
        """Steady pipes and radiators for this supply and flow (kg/s > 0), and a building in balance at
        `room`; return temperature."""
        self.heat(supply, flow, outdoor, room)
        self.supply_pipe.settle(supply, flow)
        self.building.settle(outdoor, room, self.radiators.radiant_share)
        return self.return_pipe.settle(self._leaving, flow)

    def settle_free(self, supply: float, flow: float, outdoor: float) -> float:
        """Steady state at the room temperature that this supply gives without sun; return temperature."""
        # Warmer rooms take less and lose more, so the balance lies between outdoors and the water.
        loss = self.heat_loss()
        low, high = min(outdoor, supply), max(outdoor, supply) + self.internal_gains / loss
        for _ in range(40):
            room = 0.5 * (low + high)
            if self.heat(supply, flow, outdoor, room) + self.internal_gains > loss * (room - outdoor):
                low = room
            else:
                high = room
        return self.settle(supply, flow, outdoor, 0.5 * (low + high))

    def heat(self, supply: float, flow: float, outdoor: float, room: float) -> float:
        """W that the radiators give in the steady state of this supply, flow (kg/s > 0) and room. Leaves
        riser and radiators in that state."""
        arriving = self.supply_pipe.steady_outlet(supply, flow)
        if self.riser is not None:
            passed = self.riser.settle(arriving, self.riser_share * flow, outdoor, room)
            arriving += self.riser_share * (passed - arriving)
        self._leaving = self.radiators.settle(arriving, flow, room)
        return self.radiators.heat

    def heat_loss(self) -> float:
        """W/K that the building takes in the steady state without wind. Leaves it at 1 °C."""
        return self.building.settle(0.0, 1.0, self.radiators.radiant_share)

    def need(self, outdoor: float, room: float) -> float:
        """W that the building takes in the steady state without wind. Leaves it there."""
        return self.building.settle(outdoor, room, self.radiators.radiant_share)

    def fill(self, water: float, room: float) -> None:
        """Water and building each at one temperature."""
        self.radiators.fill(water)
        self.supply_pipe.fill(water)
        self.return_pipe.fill(water)
        if self.riser is not None:
            self.riser.fill(water)
        self.building.fill(room)

    def water_mass(self) -> float:
        """kg of water in pipes, radiators and riser."""
        mass = self.supply_pipe.mass + self.return_pipe.mass + self.radiators.water_mass
        return mass if self.riser is None else mass + self.riser.water_mass

    def water_moment(self) -> float:
        """Sum of mass times temperature, kg·°C, for the mean temperature of the loop."""
        moment = (
            self.supply_pipe.mass * self.supply_pipe.mean_temperature()
            + self.return_pipe.mass * self.return_pipe.mean_temperature()
            + self.radiators.water_mass * self.radiators.mean_temperature()
        )
        return moment if self.riser is None else moment + self.riser.water_mass * self.riser.temperature

    def stored_heat(self) -> float:
        """Heat content of water and building over 0 °C in J."""
        heat = (
            self.supply_pipe.stored_heat()
            + self.return_pipe.stored_heat()
            + self.radiators.stored_heat()
            + self.building.stored_heat()
        )
        return heat if self.riser is None else heat + self.riser.stored_heat()
