"""Which measured points a station and its circuits know, by role. `check` and the simulator use it too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """`quantity` of the point; `low`/`high`: what a sound sensor can read there; `required`: a circuit
    cannot run without it; `rate`: fastest believable change per second."""

    quantity: str
    low: float
    high: float
    required: bool = False
    rate: float = float("inf")


# A broken Pt100 shows an end of its module's range, often −50 or 150 °C, and nothing else: no role believes
# either of them.


def _temperature(low: float, high: float, *, required: bool = False) -> Role:
    return Role("temperature", low, high, required, rate=10.0)


_FLAG = Role("flag", 0, 1)

STATION_ROLES: dict[str, Role] = {
    "outdoor_temperature": Role("temperature", -48, 60, rate=1.0),
    "wind_speed": Role("speed", -0.5, 60),
    "solar_radiation": Role("irradiance", -5, 1400),
    "primary_supply_temperature": _temperature(-10, 148),
    "primary_return_temperature": _temperature(-10, 140),
    "primary_supply_pressure": Role("pressure", -100, 2500),
    "primary_return_pressure": Role("pressure", -100, 2500),
    "primary_flow": Role("flow", 0, 2000),
    "heat_power": Role("power", -100, 50000),
    "heat_energy": Role("heat", 0, 1e9),
    "primary_volume": Role("volume", 0, 1e9),
    "electric_energy": Role("electricity", 0, 1e9),
    "tank_level": Role("length", -0.2, 20),
    "power_failure": _FLAG,
    "flood": _FLAG,
    "flood_high": _FLAG,
    "emergency_stop": _FLAG,
}

CIRCUIT_ROLES: dict[str, Role] = {
    "supply_temperature": _temperature(-10, 140, required=True),
    "return_temperature": _temperature(-10, 140),
    "supply_pressure": Role("pressure", -100, 2500),
    "return_pressure": Role("pressure", -100, 2500),
    "differential_pressure": Role("pressure", -100, 1000),
    "worst_point_pressure": Role("pressure", -100, 1000),
    "secondary_flow": Role("flow", 0, 5000),
    "circulation_flow": Role("flow", 0, 5000),
    "primary_flow": Role("flow", 0, 2000),
    "heat_power": Role("power", -100, 50000),
    "makeup_flow": Role("flow", 0, 500),
    "makeup_volume": Role("volume", 0, 1e9),
    "makeup_pressure": Role("pressure", -100, 2500),
    "makeup_low_contact": _FLAG,
    "makeup_high_contact": _FLAG,
    "suction_switch": _FLAG,
    "thermostat": _FLAG,
    "booster_running": _FLAG,
    "booster_fault": _FLAG,
    "booster_local": _FLAG,
    "booster_frequency": Role("frequency", -1, 400),
    "booster_current": Role("current", -1, 2000),
    "valve_local": _FLAG,
    "room_temperature": _temperature(-15, 50),
}
"""`room_temperature` stands for room_temperature_1, _2 …"""

PUMP_ROLES: dict[str, Role] = {"bypass": _FLAG}
"""Of each pump by its own wire: `low.pump_1_bypass`, `low.makeup_2_bypass`."""

DRIVE_POINTS: dict[str, tuple[str, str]] = {
    "running": ("running", "flag"),
    "fault": ("fault", "flag"),
    "remote": ("local", "flag"),
    "frequency": ("frequency", "frequency"),
    "current": ("current", "current"),
}
"""Profile point of a drive → (suffix of the station's point, quantity). `remote` is inverted: the
station says `local`."""
