"""Rows against frost: pumps first, the valve only with proven flow; and water that stands in the cold.

They are awake in every season. Where warm water is expected, cool water is the sign; in a loop that is laid
up or just being filled it is cool anyway, and only water near freezing is one. A loop that the season calls
empty counts as such until its pressure says otherwise: pumps must not run dry.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image
from controller.safety.rows.exchanger_rules import open_all
from controller.safety.rows.parts import above, below, shown
from controller.safety.rows.protected import Protected
from controller.safety.rows.standstill import Standstill
from controller.safety.rules import Rule

FROST_C, FROST_ENDS_C = 15.0, 30.0
LAID_UP_FROST_C, LAID_UP_FROST_ENDS_C = 5.0, 10.0
"""Where no warm water is expected, cool water is no sign; this is near freezing (TROVIS, Siemens: 5 °C)."""
COOL_C = 25.0
SPREAD_K, LEAST_ENDS_C = 5.0, 27.0
"""A floor that is wanted at 32 °C never returns 30: it is warm again so far below what is wanted."""
FROST_OPENING = 20.0
COOL_OPENING = 5.0
OUTDOOR_FROST_C = 3.0
STANDING_C, STANDING_S = -5.0, 1800.0
WET_KPA = 80.0
"""So much pressure at the pumps is water."""


class Cold:
    """What a circuit's own water says of the cold, and what is done: pumps first, then the valve."""

    def __init__(self, circuit: Protected, image: Image) -> None:
        find, name = image.points.get, circuit.name
        self.circuit = circuit
        self.supply, self.back = image[f"{name}.supply_temperature"], find(f"{name}.return_temperature")
        self.setpoint = image[f"{name}.supply_setpoint"]
        self.pressure, self.switch = find(f"{name}.return_pressure"), find(f"{name}.suction_switch")
        self.flow = image[f"{name}.circulation"]

    def coldest_below(self, value: float) -> bool:
        if self.back is not None and self.back.usable:
            return self.back.value < value
        return below(self.supply, value)

    def wet(self) -> bool:
        """Water at the pumps: by the season, else by pressure or the contact; nobody can say: no."""
        if self.circuit.filled() or above(self.pressure, WET_KPA):
            return True
        blind = self.pressure is None or not self.pressure.usable
        return blind and self.switch is not None and self.switch.usable and not self.switch.on

    def freezes(self) -> bool:
        warm = self.circuit.plan().warm
        return self.wet() and self.coldest_below(FROST_C if warm else LAID_UP_FROST_C)

    def thawed(self) -> bool:
        warm = self.circuit.plan().warm
        return not self.wet() or not self.coldest_below(FROST_ENDS_C if warm else LAID_UP_FROST_ENDS_C)

    def warm_again(self) -> bool:
        ends = FROST_ENDS_C
        if self.setpoint.usable:
            ends = max(min(ends, self.setpoint.value - SPREAD_K), LEAST_ENDS_C)
        return not self.circuit.plan().warm or not self.coldest_below(ends)

    def run_one(self, code: str) -> None:
        """The duty pump runs, unless another one is asked to."""
        for index, output in enumerate(self.circuit.pump_runs):
            asked = output.override.value if output.override is not None else output.demand
            if asked >= 0.5 and output.limit.high >= 1.0:
                return
            if index == self.circuit.duty():
                wanted = output
        wanted.limit.at_least(1.0, code)

    def warm_up(self, code: str, opening: float) -> None:
        self.run_one(code)
        if self.flow.usable and self.flow.value == 1:
            self.circuit.valve.limit.at_least(opening, code)

    def defend(self, code: str) -> None:
        for output in self.circuit.pump_speeds:
            output.limit.at_least(self.circuit.highest_speed, code)
        open_all(self.circuit, code)
        self.warm_up(code, FROST_OPENING)


def frost_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """6: frost, and what keeps it away."""
    cold = Cold(circuit, image)
    outdoor = image["station.outdoor_temperature"]
    shows = shown("temperature", cold.back or cold.supply, "temperature")
    yield Rule(
        "frost",
        circuit.name,
        cold.freezes,
        after_s=10.0,
        act=cold.defend,
        until=cold.thawed,
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "return_cool",
        circuit.name,
        lambda: circuit.plan().warm and cold.coldest_below(COOL_C) and below(outdoor, OUTDOOR_FROST_C),
        after_s=600.0,
        act=lambda code: cold.warm_up(code, COOL_OPENING),
        until=cold.warm_again,
        priority="warning",
        shows=shows,
    )
    yield Rule(
        "outdoor_frost",
        circuit.name,
        lambda: cold.wet() and not circuit.plan().waits and below(outdoor, OUTDOOR_FROST_C),
        act=cold.run_one,
        until=lambda: not cold.wet() or circuit.plan().waits or above(outdoor, OUTDOOR_FROST_C + 1.0),
    )


def standing_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """No circulation for half an hour in the cold: a person decides on draining (FACTS §8)."""
    name = circuit.name
    outdoor = image["station.outdoor_temperature"]
    water = image.points.get(f"{name}.return_temperature") or image[f"{name}.supply_temperature"]
    stands = Standstill(image[f"{name}.circulation"], water, outdoor, STANDING_C)
    yield Rule(
        "standing_cold",
        name,
        stands,
        after_s=STANDING_S,
        priority="urgent",
        shows=lambda: (
            ("minutes", stands.minutes_left, "count"),
            ("temperature", stands.temperature, "temperature"),
            ("outdoor", outdoor.value, "temperature"),
        ),
    )
