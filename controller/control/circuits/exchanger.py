"""Exchanger circuit (换热): primary valve, plate exchanger, circulation, pressure holding.

    C2·(Ts − Tr) = UA·ΔTm = C1·(Tp − Tpr)       heat gained, over the plates, given off

How much of it a share of primary flow brings is `heat_transfer`'s to say, from the design below. Several
exchangers in parallel are staged before the valve is set (`exchanger_staging`), so that its opening already
fits those that are open.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from controller.control.blocks.loop.heat_transfer import (
    ExchangerDesign,
    HeatTransfer,
    LiftCurve,
    exchanger_lift,
)
from controller.control.blocks.season.season import ALWAYS_HEATING, SeasonPlan
from controller.control.blocks.water.exchanger_load import ExchangerLoad
from controller.control.blocks.water.exchanger_settings import ExchangersSettings
from controller.control.blocks.water.exchanger_staging import ExchangerStaging, StagingDuty
from controller.control.circuits.heating import CircuitSettings, HeatingCircuit
from controller.control.tick import Tick
from controller.points import Image, Output, Term

LEAST_EXPECTED_K = 6.0
MISSING_SHARE = 0.4
"""Of the lift that the opening should bring. What was learned of it is wrong by 30 % at the most."""
CURVE_STEP = 0.05
"""Share of exchangers in service for which a curve is made anew."""


class ExchangerSettings(CircuitSettings):
    """Circuit with its own heat exchanger."""

    kind: Literal["exchanger"]
    exchanger: ExchangerDesign = ExchangerDesign()
    exchangers: ExchangersSettings | None = None


class ExchangerCircuit(HeatingCircuit):
    """Primary and secondary water never meet: the valve decides how much heat comes over the plates."""

    settings: ExchangerSettings

    def __init__(
        self, name: str, settings: ExchangerSettings, image: Image, *, alone: bool, station: str = ""
    ) -> None:
        """See HeatingCircuit."""
        super().__init__(name, settings, image, alone=alone, station=station)
        self._curves: dict[int, LiftCurve] = {}
        if settings.exchangers is not None:
            several = settings.exchangers
            self.staging = ExchangerStaging(several, image, f"{name}.exchanger")
            self.load = ExchangerLoad(
                several.design_outdoor,
                several.design_heat,
                image["station.outdoor_temperature"],
                self.control.sensed.power,
            )

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

    @property
    def outputs(self) -> list[Output]:
        """All outputs that this circuit demands."""
        found = super().outputs
        if self.staging is not None:
            found += [valve.output for valve in self.staging.valves]
        return found

    def step(self, tick: Tick, plan: SeasonPlan = ALWAYS_HEATING) -> None:
        """One scan of control, as the water flows; `plan`: what the season allows."""
        if self.staging is not None:
            self._stage(tick, plan, self.staging)
        super().step(tick, plan)

    def _stage(self, tick: Tick, plan: SeasonPlan, staging: ExchangerStaging) -> None:
        """Choose the exchangers, and tell the loop how much of them it works with."""
        outdoor, control = self.image["station.outdoor_temperature"], self.control
        duty = StagingDuty(
            heat=plan.heat,
            load=self.load.step(tick),
            opening=self.valve.value / control.valve.max if control.mode == "regulates" else math.nan,
            missing=self._missing(),
            outdoor=outdoor.value if outdoor.usable else math.nan,
        )
        staging.step(tick, duty)
        count = len(staging.valves)
        transfer, share = control.transfer, max(staging.share, 0.5 / count)
        transfer.serve(max(1, round(share * count)))
        if staging.settings.isolates == "primary":
            transfer.in_service = share
            return
        part = max(1, round(share / CURVE_STEP))
        if part not in self._curves:
            self._curves[part] = exchanger_lift(self.settings.exchanger, min(1.0, part * CURVE_STEP))
        transfer.curve = self._curves[part]

    def _missing(self) -> bool:
        """Far less heat comes than the opening should bring."""
        control, circulation = self.control, self.image[f"{self.name}.circulation"]
        transfer, position = control.transfer, control.sensed.position
        primary = transfer.primary
        if primary is None or not primary.usable or control.mode != "regulates":
            return False
        if not (circulation.usable and circulation.value == 1):
            return False
        opening = position.value if position is not None and position.usable else self.valve.value
        expected = transfer.lift(control.curve.flow(min(max(opening, 0.0), 100.0)))
        lift = control.filtered - transfer.back_temperature
        return expected >= LEAST_EXPECTED_K and lift < MISSING_SHARE * expected

    def forgive(self, pump: str) -> None:
        """A person has acknowledged the failure of a pump, or of an isolation valve: it may try again."""
        super().forgive(pump)
        if self.staging is not None:
            self.staging.forgive(pump)

    def explain(self, output: Output) -> Term:
        """Why this output asks for what it asks."""
        staging = self.staging
        if staging is not None and any(output is valve.output for valve in staging.valves):
            return staging.explain(output)
        return super().explain(output)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        state = super().state()
        if self.staging is not None:
            state["exchangers"] = self.staging.state()
            state["exchanger_load"] = self.load.state()
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        super().restore(state)
        if self.staging is not None:
            self.staging.restore(state.get("exchangers"))
            self.load.restore(state.get("exchanger_load"))
