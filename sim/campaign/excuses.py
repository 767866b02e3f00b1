"""What no controller can prevent: which invariant of the plant is not asked of which cell, with the reason.

Demands on commands (`table.py`) have no excuse but the loss of what they are seen by, which they know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.campaign.cells import Break, Cell


@dataclass(frozen=True, slots=True)
class Excuse:
    """`of`: for this break of a cell."""

    invariants: tuple[str, ...]
    of: Callable[[Break], bool]
    reason: str


def _kind(*kinds: str) -> Callable[[Break], bool]:
    return lambda one: one.kind in kinds


def _unstoppable(pumps: str) -> Callable[[Break], bool]:
    return lambda one: pumps in one.on and one.kind in ("welded", "local", "mains_bypass")


_FAILS_OPEN = ("stuck", "slow", "reversed", "local", "leaking")
_HOT = ("hot water", "very hot water")
EXCUSES = (
    Excuse(("freezing",), _kind("burst"), "the water is out; the rest in a riser freezes"),
    Excuse(("freezing",), _kind("power_failure"), "nothing turns and nothing heats"),
    Excuse(("freezing",), _kind("primary_outage"), "no heat comes: `frost` and `standing_cold` call people"),
    Excuse(
        ("highest radiator",),
        _kind("burst", "power_failure"),
        "makeup cannot follow, or has no power",
    ),
    Excuse(
        ("highest radiator",),
        _kind("leak_inside"),
        "a flood that comes from the loop limits makeup, then stops it (FACTS §8)",
    ),
    Excuse(("suction",), _unstoppable(".pump_"), "a pump that the cabinet or a welded contactor runs"),
    Excuse(("dry makeup",), _unstoppable(".makeup_"), "a pump that the cabinet or a welded contactor runs"),
    Excuse(
        ("relief",),
        lambda one: one.on.endswith("relief_valve") and one.kind == "stuck_off",
        "a solenoid that does not open: the safety valve is left",
    ),
    Excuse(
        _HOT,
        lambda one: one.on.endswith(".valve") and one.kind in _FAILS_OPEN,
        "a valve that does not close: told, and the circulation carries the heat away",
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


def excused(cell: Cell, invariant: str) -> str:
    """The reason, or nothing. A demand's name has its circuit before it."""
    name = invariant.partition(": ")[2] if invariant.endswith("no flow: valve shut") else invariant
    if name == "freezing" and sum(one.kind == "trip" and ".pump_" in one.on for one in cell.breaks) > 1:
        return "no pump is left: `standing_cold` says how long people have"
    for excuse in EXCUSES:
        if name in excuse.invariants and any(excuse.of(one) for one in cell.breaks):
            return excuse.reason
    return ""
