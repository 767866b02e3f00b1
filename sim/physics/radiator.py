"""Heating surfaces of a building: radiators (n = 1.3) and floor heating (n = 1.1), sized by a design point.

    heat = K*(T - room)^n,   T the mean temperature of the water (radiator) or of the floor (floor heating)
Both are a chain of three mixed cells, so that the mean excess of a cell is close to the true logarithmic
mean; K is found such that the chain gives the design point exactly (60/45/20 °C of the nominal station).
A step is backward Euler with the power n-1 of the old excess: every new temperature is a weighted mean of
inlet, room and old temperatures, and what the water gives up is what the room gets and the metal keeps.
Sources: EN 442-2 (n about 1.3), EN 1264 (n = 1.1, floor 8.92*(T - room)^1.1 W/m2), VDI 6030.
"""

from __future__ import annotations

from typing import Final, Protocol

RADIATOR_EXPONENT = 1.3
FLOOR_EXPONENT = 1.1
_DESIGN_ROUNDS = 60
_STEADY = 1e12  # a step so long that nothing of the past is left, s


class Heater(Protocol):
    """What a branch needs to know of its heating surfaces. Temperatures °C, flow kg/s ≥ 0, heat W."""

    heat: float
    radiant_share: float
    constant: float
    water_mass: float

    def step(self, dt: float, inlet: float, flow: float, room: float) -> float: ...

    def settle(self, inlet: float, flow: float, room: float) -> float: ...

    def fill(self, temperature: float) -> None: ...

    def mean_temperature(self) -> float: ...

    def stored_heat(self) -> float: ...


class Radiators:
    """All radiators of a building. `heat` is what the room received in the last step.

    Water content in kg; `metal` scales it up for the metal. About a third of the heat is radiation. Off the
    design point the supply temperature that a load takes lies within 0.15 K of the heat curve with the
    arithmetic mean temperature, and the return within 0.6 K of plug flow at any flow."""

    __slots__ = ("_power", "capacity", "cells", "constant", "cp", "heat", "radiant_share", "water_mass")

    def __init__(
        self,
        flow: float,
        supply: float,
        return_temperature: float,
        room: float,
        water_mass: float,
        exponent: float = RADIATOR_EXPONENT,
        cp: float = 4180.0,
        metal: float = 1.1,
        radiant_share: float = 0.35,
    ) -> None:
        """Raises ValueError where supply > return > room, flow > 0 or water > 0 does not hold."""
        _check(flow, supply, return_temperature, room, water_mass)
        self.cp: Final = cp
        self._power = exponent - 1.0
        self.water_mass = water_mass
        self.radiant_share = radiant_share
        self.capacity = water_mass * cp * metal / 3.0
        self.heat = 0.0
        self.cells = [room] * 3
        self.constant = 0.0
        _size(self, flow, supply, return_temperature, room, flow * cp)

    def step(self, dt: float, inlet: float, flow: float, room: float) -> float:
        """Return temperature after `dt` s.

        A cell emits at the mean of its inlet and its water, with the inlet's weight falling from one half to
        nothing at low flow."""
        k, c = self.capacity / dt, flow * self.cp
        constant, power = self.constant, self._power
        kept = k + c
        cells = self.cells
        heat = 0.0
        for i in (0, 1, 2):
            old = cells[i]
            g = constant * abs(0.5 * (inlet + old) - room) ** power
            # inlet's share of the emission: one half, or all that the inlet can bring
            entering = 0.5 * g if c > 0.5 * g else c
            rest = g - entering
            new = (k * old + (c - entering) * inlet + g * room) / (kept + rest)
            cells[i] = new
            heat += entering * inlet + rest * new - g * room
            inlet = new
        self.heat = heat
        return inlet

    def settle(self, inlet: float, flow: float, room: float) -> float:
        """Go to the steady state at once; return the return temperature."""
        return _settle(self, inlet, flow, room)

    def fill(self, temperature: float) -> None:
        """All water at one temperature."""
        self.cells = [temperature] * 3

    def mean_temperature(self) -> float:
        """Mean water temperature in °C."""
        a, b, c = self.cells
        return (a + b + c) / 3.0

    def stored_heat(self) -> float:
        """Heat content of water and metal over 0 °C in J."""
        return self.capacity * sum(self.cells)


class FloorHeating:
    """All heated floors of a building: water in pipes, around them a screed that stores the heat.

    `inner_share` is the part of the excess between water and room that lies between water and screed at the
    design point; `screed` the heat capacity of the floors in J/K (65 mm of cement: about 130 kJ/(m2·K)). More
    than half of the heat is radiation. `constant` belongs to the floor's surface."""

    __slots__ = (
        "_inner",
        "_power",
        "capacity",
        "cells",
        "constant",
        "cp",
        "floors",
        "heat",
        "radiant_share",
        "screed",
        "water_mass",
    )

    def __init__(
        self,
        flow: float,
        supply: float,
        return_temperature: float,
        room: float,
        water_mass: float,
        screed: float,
        exponent: float = FLOOR_EXPONENT,
        cp: float = 4180.0,
        inner_share: float = 0.5,
        radiant_share: float = 0.55,
    ) -> None:
        """Raises ValueError where supply > return > room, flow > 0 or water > 0 does not hold."""
        _check(flow, supply, return_temperature, room, water_mass)
        self.cp: Final = cp
        self._power = exponent - 1.0
        self.water_mass = water_mass
        self.radiant_share = radiant_share
        self.capacity = water_mass * cp / 3.0
        self.screed = screed / 3.0
        self.heat = 0.0
        self.cells = [room] * 3
        self.floors = [room] * 3
        self.constant = 0.0
        excess = 0.5 * (supply + return_temperature) - room
        load = flow * cp * (supply - return_temperature)
        self._inner = load / (3.0 * inner_share * excess)
        _size(self, flow, supply, return_temperature, room, 1e3 * load / excess)

    def step(self, dt: float, inlet: float, flow: float, room: float) -> float:
        """Return temperature after `dt` s."""
        k, c, s = self.capacity / dt, flow * self.cp, self.screed / dt
        constant, power, inner = self.constant, self._power, self._inner
        entering = 0.5 * inner if c > 0.5 * inner else c
        rest = inner - entering
        cells, floors = self.cells, self.floors
        heat = 0.0
        for i in (0, 1, 2):
            floor = floors[i]
            g = constant * abs(floor - room) ** power
            total = s + inner + g
            # floor = (base + rest*water)/total once the inlet is known
            base = s * floor + g * room + entering * inlet
            share = inner / total
            new = (k * cells[i] + (c - entering) * inlet + share * base) / (k + c + rest - share * rest)
            floor = (base + rest * new) / total
            cells[i] = new
            floors[i] = floor
            heat += g * (floor - room)
            inlet = new
        self.heat = heat
        return inlet

    def settle(self, inlet: float, flow: float, room: float) -> float:
        """Go to the steady state at once; return the return temperature."""
        return _settle(self, inlet, flow, room)

    def fill(self, temperature: float) -> None:
        """Water and floors at one temperature."""
        self.cells = [temperature] * 3
        self.floors = [temperature] * 3

    def mean_temperature(self) -> float:
        """Mean water temperature in °C."""
        return sum(self.cells) / 3.0

    def stored_heat(self) -> float:
        """Heat content of water and floors over 0 °C in J."""
        return self.capacity * sum(self.cells) + self.screed * sum(self.floors)


def _check(flow: float, supply: float, return_temperature: float, room: float, water_mass: float) -> None:
    if not (supply > return_temperature > room and flow > 0.0 and water_mass > 0.0):
        raise ValueError(
            f"heating surface {supply:g}/{return_temperature:g}/{room:g} °C, {flow:g} kg/s, {water_mass:g} kg"
            " is no design point (must be supply > return > room, flow and water above 0)"
        )


def _size(
    heater: Heater, flow: float, supply: float, return_temperature: float, room: float, most: float
) -> None:
    """Bisection on the constant: more surface, colder return."""
    low, high = 0.0, most
    for _ in range(_DESIGN_ROUNDS):
        heater.constant = 0.5 * (low + high)
        if heater.settle(supply, flow, room) > return_temperature:
            low = heater.constant
        else:
            high = heater.constant


def _settle(heater: Heater, inlet: float, flow: float, room: float) -> float:
    outlet = inlet
    for _ in range(40):
        before = outlet
        outlet = heater.step(_STEADY, inlet, flow, room)
        if abs(outlet - before) < 1e-9:
            break
    return outlet
