"""Mixing circuit (混水): primary water mixed into the secondary by a three-way valve or by injection.

The settings can be written and checked; `station.build` refuses to run such a circuit until its
control exists.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from controller.control.blocks.supply_control import ValveSettings
from controller.control.circuits.exchanger import CircuitSettings


class MixingSettings(CircuitSettings):
    """Circuit fed with primary water."""

    kind: Literal["mixing"]
    arrangement: Literal["three_way", "injection"] = Field(
        "three_way", description="How primary water gets in"
    )
    valve: ValveSettings
