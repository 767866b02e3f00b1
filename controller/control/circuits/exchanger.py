"""Exchanger circuit (换热): primary valve, plate exchanger, circulation, pressure holding.

    C2·(Ts − Tr) = UA·ΔTm = C1·(Tp − Tpr)       heat gained, over the plates, given off

How much of it a share of primary flow brings is `heat_transfer`'s to say, from the design below.
"""

from __future__ import annotations

from typing import Literal

from controller.control.blocks.loop.heat_transfer import ExchangerDesign, HeatTransfer, exchanger_lift
from controller.control.circuits.heating import CircuitSettings, HeatingCircuit


class ExchangerSettings(CircuitSettings):
    """Circuit with its own heat exchanger."""

    kind: Literal["exchanger"]
    exchanger: ExchangerDesign = ExchangerDesign()


class ExchangerCircuit(HeatingCircuit):
    """Primary and secondary water never meet: the valve decides how much heat comes over the plates."""

    settings: ExchangerSettings

    def heat_transfer(self) -> HeatTransfer:
        """Counter-flow exchanger of the design temperatures."""
        find, design = self.image.points.get, self.settings.exchanger
        return HeatTransfer(
            exchanger_lift(design),
            self.settings.loop.feedforward_filter,
            design.primary_supply - design.secondary_return,
            find("station.primary_supply_temperature"),
            find(f"{self.name}.return_temperature"),
            self.primary_pressures(),
        )
