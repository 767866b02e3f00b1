"""What the rows of the safety table must know of a heating circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.control.blocks.season.season import SeasonPlan
from controller.points import Output, Point


@dataclass(frozen=True, slots=True)
class Protected:
    """What the rules of a circuit must know of it; °C, kPa, Hz, %, s."""

    name: str
    plan: Callable[[], SeasonPlan]
    valve: Output
    keep_warm: float
    stroke_time: float
    pump_runs: Sequence[Output]
    pump_speeds: Sequence[Output]
    highest_speed: float
    duty: Callable[[], int]
    makeup_runs: Sequence[Output]
    makeup_speeds: Sequence[Output]
    relief: Output | None
    relief_open: float
    relief_close: float
    pressure_set: Callable[[], float]
    pressure_held: Callable[[], Point | None]
    """The return pressure that makeup goes by now, which may be a substitute."""
    pressure_high: float
    pressure_low: float
    loop_loses: float
    """What a tight loop loses an hour at the most, m³."""
    supply_least: Callable[[], float]
    """Lowest supply while no set-point is followed; NaN while one is."""
    mode_left: Callable[[], str]
    """The mode asked for while another one is in force, or nothing."""
    supply_alarm: float
    supply_trip: float
    primary_runs: Sequence[Output] = ()
    """Of primary pumps, with `primary_speeds`."""
    primary_speeds: Sequence[Output] = ()
    primary_leads: bool = False
    """There is no valve: `valve` is the share of the primary flow that such a pump is to bring, %."""
    mixes: bool = False
    """The primary water itself goes to the users."""
    exchangers: Sequence[tuple[Output, Callable[[], bool]]] = ()
    """Isolation valves of exchangers in parallel, and whether one is out for cleaning: nobody opens that."""

    def pumps_asked(self) -> bool:
        """Circulation is wanted: by the season, a person, or a row above."""
        return self.plan().circulation or any(run.value >= 0.5 for run in self.pump_runs)

    def filled(self) -> bool:
        """The season says that water stands in the loop under pressure."""
        return self.plan().filled
