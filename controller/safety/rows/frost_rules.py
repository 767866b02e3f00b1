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


def frost_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """6: pumps first, the valve only with proven flow."""
    find = image.points.get
    name = circuit.name
    supply = image[f"{name}.supply_temperature"]
    back = find(f"{name}.return_temperature")
    outdoor = image["station.outdoor_temperature"]
    flow = image[f"{name}.circulation"]

    def coldest_below(value: float) -> bool:
        if back is not None and back.usable:
            return back.value < value
        return below(supply, value)

    pressure, switch = find(f"{name}.return_pressure"), find(f"{name}.suction_switch")

    def wet() -> bool:
        """Water at the pumps: by the season, else by pressure or the contact; nobody can say: no."""
        if circuit.filled() or above(pressure, WET_KPA):
            return True
        blind = pressure is None or not pressure.usable
        return blind and switch is not None and switch.usable and not switch.on

    def freezes() -> bool:
        return wet() and coldest_below(FROST_C if circuit.plan().warm else LAID_UP_FROST_C)

    def thawed() -> bool:
        return not wet() or not coldest_below(FROST_ENDS_C if circuit.plan().warm else LAID_UP_FROST_ENDS_C)

    def warm() -> bool:
        wanted = image.points.get(f"{name}.supply_setpoint")
        ends = FROST_ENDS_C
        if wanted is not None and wanted.usable:
            ends = max(min(ends, wanted.value - SPREAD_K), LEAST_ENDS_C)
        return not circuit.plan().warm or not coldest_below(ends)

    def run_one(code: str) -> None:
        """The duty pump runs, unless another one is asked to."""
        for index, output in enumerate(circuit.pump_runs):
            asked = output.override.value if output.override is not None else output.demand
            if asked >= 0.5 and output.limit.high >= 1.0:
                return
            if index == circuit.duty():
                wanted = output
        wanted.limit.at_least(1.0, code)

    def defend(code: str) -> None:
        run_one(code)
        for output in circuit.pump_speeds:
            output.limit.at_least(circuit.highest_speed, code)
        open_all(circuit, code)
        if flow.usable and flow.value == 1:
            circuit.valve.limit.at_least(FROST_OPENING, code)

    def warm_up(code: str) -> None:
        run_one(code)
        if flow.usable and flow.value == 1:
            circuit.valve.limit.at_least(COOL_OPENING, code)

    shows = shown("temperature", back or supply, "temperature")
    yield Rule(
        "frost",
        name,
        freezes,
        after_s=10.0,
        act=defend,
        until=thawed,
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "return_cool",
        name,
        lambda: circuit.plan().warm and coldest_below(COOL_C) and below(outdoor, OUTDOOR_FROST_C),
        after_s=600.0,
        act=warm_up,
        until=warm,
        priority="warning",
        shows=shows,
    )
    yield Rule(
        "outdoor_frost",
        name,
        lambda: wet() and not circuit.plan().waits and below(outdoor, OUTDOOR_FROST_C),
        act=run_one,
        until=lambda: not wet() or circuit.plan().waits or above(outdoor, OUTDOOR_FROST_C + 1.0),
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
