"""Row 6 of the safety table: frost; and water that stands in the cold."""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image
from controller.safety.parts import above, below, shown
from controller.safety.protected import Protected
from controller.safety.rules import Rule
from controller.safety.standstill import Standstill

FROST_C, FROST_ENDS_C = 15.0, 30.0
COOL_C = 25.0
FROST_OPENING = 20.0
COOL_OPENING = 5.0
OUTDOOR_FROST_C = 3.0
STANDING_C, STANDING_S = -5.0, 1800.0


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
        lambda: coldest_below(FROST_C),
        after_s=10.0,
        act=defend,
        until=lambda: not coldest_below(FROST_ENDS_C),
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "return_cool",
        name,
        lambda: coldest_below(COOL_C) and below(outdoor, OUTDOOR_FROST_C),
        after_s=600.0,
        act=warm_up,
        until=lambda: not coldest_below(FROST_ENDS_C),
        priority="warning",
        shows=shows,
    )
    yield Rule(
        "outdoor_frost",
        name,
        lambda: below(outdoor, OUTDOOR_FROST_C),
        act=run_one,
        until=lambda: above(outdoor, OUTDOOR_FROST_C + 1.0),
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
