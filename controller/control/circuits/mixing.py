"""Mixing circuit (混水): primary water mixed into the secondary, by a three-way valve or by injection.

The supply temperature is Tr + x·(Tp − Tr), x the share of primary water in the mix. A three-way valve on
the suction side of the circulation pump sets x by its opening; by injection the primary's differential
pressure presses the water in, and x follows its root. Standing pumps make no mix: the valve closes at once
(safety table), so that hot primary water does not reach the floors.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.control.blocks.loop.heat_transfer import HeatTransfer, mixing_lift
from controller.control.blocks.loop.supply_control import DESIGN_SPREAD_K
from controller.control.circuits.heating import CircuitSettings, HeatingCircuit
from controller.fields import Amount


class MixingSettings(CircuitSettings):
    """Circuit fed with primary water."""

    kind: Literal["mixing"]
    arrangement: Literal["three_way", "injection"] = Field(
        "three_way", description="How primary water gets in"
    )
    primary_supply: Annotated[float, Amount("temperature", 40, 160)] = Field(
        110.0, description="Primary supply of the design day"
    )


class MixingCircuit(HeatingCircuit):
    """Primary water is heat and medium at once."""

    settings: MixingSettings

    def heat_transfer(self) -> HeatTransfer:
        """A straight line from return to primary supply."""
        find, settings = self.image.points.get, self.settings
        drive = max(settings.primary_supply - (settings.supply.max - DESIGN_SPREAD_K), DESIGN_SPREAD_K)
        injected = settings.arrangement == "injection"
        return HeatTransfer(
            mixing_lift(DESIGN_SPREAD_K / drive),
            settings.loop.feedforward_filter,
            drive,
            find("station.primary_supply_temperature"),
            find(f"{self.name}.return_temperature"),
            self.primary_pressures() if injected else None,
        )
