"""What leads a circuit's primary side (运行方式): mode asked for, mode in force, and why they may differ.

    heat_curve        supply temperature by the outdoor temperature (供热曲线)
    constant_supply   one supply temperature for all weathers (定供水温度): air heaters, a process
    mean_temperature  mean of supply and return by the outdoor temperature (二次平均温度)
    fixed_opening     the valve stands at one opening (阀门定开度)
    constant_flow     one primary flow (一次侧定流量), where the network varies its temperature

`mode` is a setting; operators change it while the station runs, to any mode whose section stands in the file.
A change is no jump: set-point or valve set out from where they are, at most as quickly as `supply.ramp`.
Pumps, pressure and the safety table are the same in every mode; the supply is kept between `supply.min` and
`supply.max`. What works by the set-point (return, meter and shortage limit, remote wishes) has nothing to
work by in a mode that leads the valve.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.control.blocks.loop.fixed_opening import FixedOpeningSettings
from controller.control.blocks.loop.flow_control import ConstantFlowSettings
from controller.control.circuits.setpoint_settings import SetpointSettings
from controller.control.tick import Tick
from controller.fields import switch
from controller.points import Image, Point, Term

MODES = ("heat_curve", "constant_supply", "fixed_opening", "constant_flow", "mean_temperature")
LEAD_VALVE = ("fixed_opening", "constant_flow")
"""Modes that follow no set-point."""


class ModeSettings(SetpointSettings):
    """What a circuit's file says about its mode. A mode has a section of its own name, the heat curve's is
    there always."""

    mode: Annotated[float, switch(*MODES)] = Field(0.0, description="What leads the primary side")
    fixed_opening: FixedOpeningSettings | None = None
    constant_flow: ConstantFlowSettings | None = None

    @property
    def wanted_mode(self) -> str:
        """The mode asked for; the heat curve where its section is not there."""
        return MODES[0] if self.lacks("mode", self.mode) else MODES[int(self.mode)]

    def lacks(self, field: str, value: float) -> str:
        """Name of the section that this mode needs and the file has not."""
        if field != "mode" or value not in range(len(MODES)):
            return ""
        wanted = MODES[int(value)]
        return wanted if getattr(self, wanted, None) is None else ""


class CircuitMode:
    """Writes `<circuit>.mode_in_force`; `name` is the mode in force."""

    def __init__(self, circuit: str, settings: ModeSettings, image: Image) -> None:
        self.settings = settings
        self.name = MODES[0]
        self._missing: Term | None = None
        self.point = image.add(Point(f"{circuit}.mode_in_force", "choice", choices=MODES, role="calculated"))

    def step(self, tick: Tick, missing: Term | None = None) -> str:
        """Mode in force for this scan. `missing`: what the mode asked for has lost, so that the heat curve
        takes over."""
        self._missing = missing
        self.name = self.settings.wanted_mode if missing is None else MODES[0]
        self.point.put(MODES.index(self.name), tick.now)
        return self.name

    @property
    def left(self) -> str:
        """The mode asked for while another one is in force, or nothing."""
        return self.settings.wanted_mode if self._missing is not None else ""

    @property
    def leads_valve(self) -> bool:
        """No set-point is followed."""
        return self.name in LEAD_VALVE

    def explain(self) -> Term:
        """The mode in force, and why it is another one than asked for."""
        mode = (("why", self.name, "text"),)
        if self._missing is None:
            return Term("mode", mode)
        asked = Term("mode_asked_for", (("why", self.settings.wanted_mode, "text"),))
        return Term("mode", mode, (asked, self._missing))

    def remarks(self) -> tuple[Term, ...]:
        """The same, where it is not simply the heat curve."""
        return () if self.name == self.settings.wanted_mode == MODES[0] else (self.explain(),)
