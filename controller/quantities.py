"""One unit a quantity, everywhere in controller, store, door and profiles.

People read and write what they like (0.4 MPa, 5 min); what travels inside is the first unit of each
row. Pressures are gauge. OPC UA unit codes: UN/ECE Recommendation 20 (OPC 10000-8, §5.6.3).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind of value: its one unit, what people may write instead (unit → factor), decimals shown."""

    key: str
    unit: str
    decimals: int
    unece: str
    others: tuple[tuple[str, float], ...] = ()

    def factor(self, unit: str) -> float | None:
        """What one `unit` is in ours, or None where the unit does not belong to this quantity."""
        if unit == self.unit:
            return 1.0
        return dict(self.others).get(unit)

    def units(self) -> str:
        """The units a person may write, without other spellings of the same one."""
        by_factor = {factor: name for name, factor in reversed([(self.unit, 1.0), *self.others])}
        return ", ".join(sorted(by_factor.values(), key=[self.unit, *dict(self.others)].index))

    def show(self, value: float) -> str:
        """Value with its unit, for people; a dash for none."""
        if not math.isfinite(value):
            return "–"
        number = f"{value:.{self.decimals}f}"
        if float(number) == 0:
            number = number.lstrip("-")
        return f"{number} {self.unit}".strip()


_ROWS = (
    Quantity("temperature", "°C", 1, "CEL", (("C", 1.0), ("度", 1.0), ("℃", 1.0))),
    Quantity("temperature_difference", "K", 1, "KEL", (("°C", 1.0), ("℃", 1.0))),
    Quantity("temperature_rate", "K/h", 1, "", (("K/min", 60.0),)),
    Quantity("pressure", "kPa", 0, "KPA", (("MPa", 1000.0), ("bar", 100.0), ("Pa", 0.001))),
    Quantity("flow", "m³/h", 2, "MQH", (("m3/h", 1.0), ("t/h", 1.0), ("l/s", 3.6), ("l/h", 0.001))),
    Quantity("power", "kW", 1, "KWT", (("MW", 1000.0), ("W", 0.001))),
    Quantity("electricity", "kWh", 1, "KWH", (("MWh", 1000.0),)),
    Quantity("heat", "GJ", 2, "GV", (("MJ", 0.001), ("MWh", 3.6), ("kWh", 0.0036))),
    Quantity("percent", "%", 1, "P1"),
    Quantity("frequency", "Hz", 1, "HTZ"),
    Quantity("current", "A", 1, "AMP"),
    Quantity("signal_current", "mA", 2, "4K"),
    Quantity("voltage", "V", 2, "VLT"),
    Quantity("time", "s", 0, "SEC", (("min", 60.0), ("h", 3600.0), ("d", 86400.0), ("ms", 0.001))),
    Quantity("length", "m", 2, "MTR", (("mm", 0.001), ("cm", 0.01))),
    Quantity("volume", "m³", 2, "MTQ", (("m3", 1.0), ("l", 0.001))),
    Quantity("area", "m²", 0, "MTK", (("m2", 1.0), ("万m²", 10000.0))),
    Quantity("speed", "m/s", 1, "MTS", (("km/h", 1 / 3.6),)),
    Quantity("irradiance", "W/m²", 0, "D54", (("W/m2", 1.0), ("kW/m²", 1000.0))),
    Quantity("conductance", "kW/K", 1, ""),
    Quantity("gain", "%/K", 2, ""),
    Quantity("pressure_gain", "Hz/kPa", 3, ""),
    Quantity("duration", "ms", 2, "C26"),
    Quantity("number", "", 2, ""),
    Quantity("count", "", 0, ""),
    Quantity("fraction", "", 2, ""),
    Quantity("flag", "", 0, ""),
    Quantity("choice", "", 0, ""),
)
QUANTITIES: dict[str, Quantity] = {row.key: row for row in _ROWS}
UNITS: dict[str, Quantity] = {row.unit: row for row in reversed(_ROWS) if row.unit}
"""Unit → quantity, for profiles (°C is a temperature, not a difference)."""

_NUMBER_AND_UNIT = re.compile(
    "\\s*([-+−]?[0-9]+(?:[ \u00a0\u2009\u202f][0-9]{3})*(?:\\.[0-9]+)?)\\s*([^0-9\\s_.,:+-]\\S*)?\\s*"
)
_GROUP = re.compile("[ \u00a0\u2009\u202f]")
_SPAN = re.compile(r"(.+?)\s*(?:…+|\.{2,3}|~|～|–)\s*(.+)")


class BadQuantity(ValueError):
    """A text that is no value of the quantity.

    `code`: not_a_number, no_unit, wrong_unit, huge or, for a span, not_a_span.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def parse(text: str, quantity: Quantity) -> float:
    """Value of `text` in the quantity's unit: `0.4 MPa` → 400.0 for a pressure.

    Raises BadQuantity. A number without its unit is refused where the quantity has one: 30 may be
    seconds or minutes.
    """
    number, unit = split(text)
    if not unit and quantity.unit:
        raise BadQuantity("no_unit", text)
    factor = quantity.factor(unit)
    if factor is None:
        raise BadQuantity("wrong_unit", text)
    return number * factor


def split(text: str) -> tuple[float, str]:
    """Number and unit as they were written; the unit may be empty. Raises BadQuantity."""
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None:
        raise BadQuantity("not_a_number", text)
    number = float(_GROUP.sub("", match[1]).replace("−", "-"))
    if math.isinf(number):
        raise BadQuantity("huge", text)
    return number, match[2] or ""


def parse_span(text: str, quantity: Quantity) -> tuple[float, float]:
    """Both ends of `25…50 Hz`; the unit may stand once. Raises BadQuantity."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise BadQuantity("not_a_span", text)
    high = parse(match[2], quantity)
    _, unit = split(match[2])
    try:
        low = parse(match[1], quantity)
    except BadQuantity as problem:
        if problem.code != "no_unit":
            raise
        low = parse(f"{match[1]} {unit}", quantity)
    return low, high
