"""How large a fault may be, and in which units a scenario may say it: one row a kind of `Plant.fault`.

The plant takes plain numbers in the units of its own; people write 30 %, 0.3, 45 min, 3 K. What is beyond the
range is no fault of a real part (a clogged strainer with no free area left, a negative leak).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.quantities import QUANTITIES, UNITS, BadQuantity, Quantity, split
from controller.settings.wiring import role_of


@dataclass(frozen=True, slots=True)
class Size:
    """Range in the plant's unit, and what one of each unit that may be written is in it."""

    low: float
    high: float
    units: Mapping[str, float]

    def read(self, text: str) -> float:
        """The number for the plant. Raises BadQuantity: not_a_number, huge, wrong_unit, too_low, too_high."""
        number, unit = split(text)
        factor = self.units.get(unit)
        if factor is None:
            raise BadQuantity("wrong_unit", text)
        value = number * factor
        if value < self.low:
            raise BadQuantity("too_low", text)
        if value > self.high:
            raise BadQuantity("too_high", text)
        return value

    def allowed(self) -> str:
        """The range for people: `0 … 0.99, or in %`."""
        others = ", ".join(dict.fromkeys(unit for unit in self.units if unit))
        return f"{self.low:g} … {self.high:g}" + (f", or in {others}" if others else "")


_SHARE = {"": 1.0, "%": 0.01}
_PERCENT = {"": 1.0, "%": 1.0}
_KELVIN = {"": 1.0, "K": 1.0, "°C": 1.0, "℃": 1.0}
_FLOW = {"": 1.0, "m³/h": 1.0, "m3/h": 1.0, "l/h": 0.001}
_MINUTES = {"": 1.0, "min": 1.0, "s": 1 / 60, "h": 60.0, "d": 1440.0}
_MOST = 1e6

SIZES: dict[str, Size] = {
    "wear": Size(0.0, 1.0, _SHARE),
    "fouling": Size(0.0, 20.0, _SHARE),
    "scaling": Size(0.0, 10.0, _SHARE),
    "clogged": Size(0.0, 0.99, _SHARE),
    "blocked": Size(0.0, 0.999, _SHARE),
    "leaking": Size(0.0, 100.0, _PERCENT),
    "slipping": Size(0.0, 100.0, _PERCENT),
    "asymmetry": Size(-50.0, 500.0, _PERCENT),
    "slow": Size(100.0, 10_000.0, _PERCENT),
    "leak": Size(0.0, 2000.0, _FLOW),
    "burst": Size(0.0, 2000.0, _FLOW),
    "leak_inside": Size(0.0, 2000.0, _FLOW),
    "interruption": Size(0.0, 10_080.0, _MINUTES),
    "shortage": Size(0.0, 1.0, _SHARE),
    "night_sag": Size(0.0, 1.0, _SHARE),
    "temperature_step": Size(-60.0, 60.0, _KELVIN),
    "pressure_step": Size(-1.0, 3.0, _SHARE),
    "intermittent": Size(0.0, 0.99, _SHARE),
    "wrong": Size(-60.0, 60.0, _KELVIN),
}
"""Faults whose size means the same wherever they befall."""
_OF_SENSORS = ("offset", "drift", "spike", "noise")


def size_of(name: str, kind: str) -> Size | None:
    """What the fault `kind` of the part `name` takes; None where a size means nothing to it."""
    if kind in _OF_SENSORS:
        return Size(0.0 if kind == "noise" else -_MOST, _MOST, _units_of(name, kind))
    if kind == "local":
        return Size(0.0, 100.0, _PERCENT) if name.endswith("valve") else Size(0.0, 1.0, {"": 1.0})
    return SIZES.get(kind)


def _units_of(name: str, kind: str) -> dict[str, float]:
    """Units of the sensor's quantity; for a drift also an hour's worth. All that we know for a sensor that
    is no point of a station file."""
    role = role_of(name)
    if role is None:
        found = dict.fromkeys(UNITS, 1.0)
    else:
        quantity = QUANTITIES[role.quantity]
        found = _of_quantity(QUANTITIES["temperature_difference"] if quantity.unit == "°C" else quantity)
    if kind == "drift":
        found |= {f"{unit}/h": factor for unit, factor in found.items()}
    return {"": 1.0, **found}


def _of_quantity(quantity: Quantity) -> dict[str, float]:
    return {quantity.unit: 1.0, **dict(quantity.others)}
