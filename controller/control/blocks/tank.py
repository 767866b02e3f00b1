"""Tank inlet: opens below one level, closes above another. Level lost: the inlet stays closed, and the
makeup pumps go on under their own dry-run protection (FACTS §8)."""

from __future__ import annotations

from controller.control.blocks.band import Band
from controller.points import Image, Output, Term


class TankInlet:
    """Demand of `station.tank_inlet`."""

    def __init__(self, fill_below: float, stop_above: float, image: Image) -> None:
        self.level = image["station.tank_level"]
        self.band = Band(fill_below, stop_above)
        self.output = image.add(Output("station.tank_inlet", "flag", 0, 1, failsafe=0.0))

    def step(self) -> None:
        """One scan."""
        self.output.demand = float(self.band.step(self.level))

    def explain(self) -> Term:
        """Why the inlet is open, or not."""
        if not self.level.usable:
            return Term("tank_blind")
        code = "tank_filling" if self.band.on else "tank_full_enough"
        return Term(code, (("level", self.level.value, "length"), ("fill_below", self.band.on_at, "length")))
