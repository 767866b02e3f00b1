"""What no controller can prevent: which invariant of the plant is not asked of which cell, with the reason.

Demands on commands (`table.py`) have no excuse but the loss of what they are seen by, which they know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from controller.station import Station
from sim.campaign.cells import Break, Cell

Carried = Mapping[str, Set[str]]
"""The points, measured and put out, that go through each device."""
Case = Callable[[Cell, Carried], bool]


@dataclass(frozen=True, slots=True)
class Excuse:
    """`of`: for this cell; `most`: no more beyond what is allowed than this, in the invariant's unit."""

    invariants: tuple[str, ...]
    of: Case
    reason: str
    most: float = math.inf


def _any(of: Callable[[Break], bool]) -> Case:
    return lambda cell, _: any(of(one) for one in cell.breaks)


_TURNS_ON = ("welded", "local", "mains_bypass")


def _kind(*kinds: str) -> Case:
    return _any(lambda one: one.kind in kinds)


def _unstoppable(pumps: str) -> Case:
    return _any(lambda one: pumps in one.on and one.kind in _TURNS_ON)


def _pumps_tripped(cell: Cell) -> int:
    return sum(one.kind == "trip" and ".pump_" in one.on for one in cell.breaks)


def _lone_outdoor(cell: Cell, carried: Carried) -> bool:
    name = "station.outdoor_temperature"
    witnesses = (f"{name}_2", "station.outdoor_upstream")
    alone = not any(one in names for names in carried.values() for one in witnesses)
    return alone and any(one.on == name and one.kind in ("offset", "drift") for one in cell.breaks)


def _only_makeup_lost(cell: Cell, carried: Carried) -> bool:
    """A circuit's one makeup pump, or the device that commands it."""
    outputs = {name for names in carried.values() for name in names}
    for one in cell.breaks:
        commanded = {one.on + "_run"} if one.kind in _STANDS else set[str]()
        commanded |= set(carried.get(one.on, ())) if one.kind in _SILENT else set()
        pumps = {name for name in commanded & outputs if name.endswith(".makeup_1_run")}
        if any(name.replace("_1_run", "_2_run") not in outputs for name in pumps):
            return True
    return False


def _relief_stays_open(cell: Cell, carried: Carried) -> bool:
    """Of a circuit whose makeup has one pump: as much as a burst."""
    outputs = {name for names in carried.values() for name in names}
    stays = [one.on for one in cell.breaks if one.on.endswith("relief_valve") and one.kind == "stuck_on"]
    return any(f"{on.partition('.')[0]}.makeup_2_run" not in outputs for on in stays)


def _silent_at_cold_start(*roles: str) -> Case:
    """A loop is heated up from cold, and all that has one of these roles goes through what does not
    answer."""

    def fits(cell: Cell, carried: Carried) -> bool:
        lost = {name for one in cell.breaks if one.kind in _SILENT for name in carried.get(one.on, ())}
        known = {name for names in carried.values() for name in names if name.endswith(roles)}
        return cell.start.cold and bool(known) and known <= lost

    return fits


_SILENT = ("dead", "garbage", "exception", "late", "slow")
_STANDS = ("trip", "no_start", "dry")
_FAILS_OPEN = ("stuck", "slow", "reversed", "local", "leaking")
_HOT = ("hot water", "very hot water")
ROOMS, HEAT = "a building", "heat of the day"
"""What is asked of a day beside the invariants of the plant."""
EXCUSES = (
    Excuse(
        (ROOMS, HEAT),
        _lone_outdoor,
        "one outdoor sensor that lies by what is plausible, and nobody to contradict it: `check` warns",
    ),
    Excuse(("freezing",), _kind("burst"), "the water is out; the rest in a riser freezes"),
    Excuse(
        ("freezing",),
        _kind("leak_inside"),
        "the water is on the station's floor, and makeup limited, then stopped (FACTS §8): what is left in a"
        " riser freezes; `flood_makeup` and `standing_cold` call people",
    ),
    Excuse(("freezing",), _kind("power_failure"), "nothing turns and nothing heats"),
    Excuse(("freezing",), _kind("primary_outage"), "no heat comes: `frost` and `standing_cold` call people"),
    Excuse(
        ("highest radiator",),
        _kind("burst", "power_failure"),
        "makeup cannot follow, or has no power",
    ),
    Excuse(
        ("highest radiator",),
        _relief_stays_open,
        "one makeup pump at its highest speed gives less than an open relief valve takes: told as a leak",
    ),
    Excuse(
        ("highest radiator",),
        _kind("leak_inside"),
        "a flood that comes from the loop limits makeup, then stops it (FACTS §8)",
    ),
    Excuse(
        ("highest radiator", "freezing", ROOMS, HEAT),
        _only_makeup_lost,
        "the one makeup pump is lost, and none stands by; pumps must not run without water: `pump_failed`,"
        " `device_silent`, `pressure_low` and `standing_cold` call people",
    ),
    Excuse(
        ("very hot water",),
        _only_makeup_lost,
        "the circulation stops when the pressure is gone: what stands in the exchanger is pushed out later",
        most=3.0,
    ),
    Excuse(("suction",), _unstoppable(".pump_"), "a pump that the cabinet or a welded contactor runs"),
    Excuse(("dry makeup",), _unstoppable(".makeup_"), "a pump that the cabinet or a welded contactor runs"),
    Excuse(
        ("relief",),
        _any(lambda one: one.on.endswith("relief_valve") and one.kind == "stuck_off"),
        "a solenoid that does not open: the safety valve is left",
    ),
    Excuse(
        ("relief",),
        _silent_at_cold_start(".relief_valve"),
        "40 m³ that warm by 30 K grow by half a m³, and nobody reaches the solenoid: the safety valve is"
        " left; to stop the heat instead would freeze people",
    ),
    Excuse(
        ("relief",),
        _silent_at_cold_start(".supply_pressure", ".return_pressure", ".differential_pressure"),
        "water that warms grows, and nobody sees the pressure: makeup stops, relief stays shut (blind it"
        " would empty the loop), the safety valve is left",
    ),
    Excuse(
        ("highest radiator",),
        _silent_at_cold_start(
            ".supply_pressure", ".return_pressure", ".differential_pressure", ".makeup_pressure"
        ),
        "no pressure is left, and nobody has seen a fill yet to reckon makeup by: it stops (FACTS §8: when"
        " all else fails); what every loop loses takes the pressure away within a day",
    ),
    Excuse(
        _HOT,
        _any(lambda one: one.on.endswith(".valve") and one.kind in _FAILS_OPEN),
        "a valve that does not close: told, and the circulation carries the heat away",
    ),
    Excuse(
        _HOT,
        _any(lambda one: one.on.endswith(".booster") and one.kind in (*_TURNS_ON, "stuck")),
        "a primary pump that does not slow down: told, and the circulation carries the heat away",
    ),
    Excuse(
        ("very hot water",),
        lambda cell, _: _pumps_tripped(cell) > 1 or any(one.kind == "leak_inside" for one in cell.breaks),
        "no pump is left, or may run without water, and what stands in the exchanger is heated to the"
        " primary's temperature, by a valve that closes or by what a shut one lets through; the drive that"
        " comes back needs six seconds of its ramp to push it out",
        most=3.0,
    ),
    Excuse(
        _HOT, _kind("power_failure"), "a valve without power stays open and heats what stands: `check` warns"
    ),
    Excuse(
        (*_HOT, "freezing", "highest radiator", "suction", "dry makeup", "relief"),
        _kind("overwritten"),
        "somebody else commands that machine: told, and met with what is left",
    ),
    Excuse(
        (*_HOT, "no flow: valve shut"),
        _kind("burst"),
        "a pump against a loop half empty makes head and no flow: over-temperature is left",
    ),
)


def carried_by_devices(station: Station) -> dict[str, set[str]]:
    """See `Carried`; of two sensors of one point each has its own name."""
    carried: dict[str, set[str]] = {}
    for channel in station.wiring.inputs:
        carried.setdefault(channel.source[0], set()).add(channel.point)
    for output in station.wiring.outputs:
        carried.setdefault(output.target[0], set()).add(output.output)
    if station.file.outdoor is not None:
        carried["upstream"] = {"station.outdoor_upstream"}
    return carried


def excused(cell: Cell, invariant: str, carried: Carried, beyond: float = 0.0) -> str:
    """The reason, or nothing. A demand's name has its circuit before it; `beyond`: so much, in its unit,
    beyond what is allowed."""
    name = invariant.partition(": ")[2] if invariant.endswith("no flow: valve shut") else invariant
    if name == "freezing" and _pumps_tripped(cell) > 1:
        return "no pump is left: `standing_cold` says how long people have"
    for excuse in EXCUSES:
        if name in excuse.invariants and beyond <= excuse.most and excuse.of(cell, carried):
            return excuse.reason
    return ""
