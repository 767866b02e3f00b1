"""Does water flow on the secondary side? Judged from independent signs, before the circuits step.

Signs: the differential pressure over the pumps; supply less return pressure from their own
transmitters; what the drives say. Rules:
- all drives known to stand still: no flow, whatever a pressure says (a frozen transmitter);
- a pump on mains bypass runs, whatever its drive says;
- differential pressure above the proof: flow;
- it is low, but supply less return pressure proves flow, and a drive runs or none can be asked: the
  transmitter lies, flow;
- it is low otherwise: no flow;
- no pressure to judge by: a drive that runs proves flow; drives that say nothing leave it unknown.
"""

from __future__ import annotations

from controller.points import Image, Point

FLOW = ("no", "yes", "unknown")


class CirculationProof:
    """Writes `<circuit>.circulation` (no, yes, unknown)."""

    def __init__(self, image: Image, circuit: str, pumps: int, proof_kpa: float) -> None:
        self.point = image.add(Point(f"{circuit}.circulation", "choice", choices=FLOW, role="calculated"))
        find = image.points.get
        self.pressure = find(f"{circuit}.differential_pressure")
        self.supply = find(f"{circuit}.supply_pressure")
        self.back = find(f"{circuit}.return_pressure")
        names = [f"{circuit}.pump_{number}" for number in range(1, pumps + 1)]
        self.running = [find(f"{name}_running") for name in names]
        self.bypass = [find(f"{name}_bypass") for name in names]
        self.proof_kpa = proof_kpa

    def step(self, now: float) -> None:
        """Judge the signs of this scan."""
        self.point.put(FLOW.index(self._judge()), now)

    def give_up(self, now: float) -> None:
        """The signs cannot be judged."""
        self.point.put(FLOW.index("unknown"), now)

    def _judge(self) -> str:
        known = [point for point in self.running if point is not None and point.usable]
        any_runs = any(point.value >= 0.5 for point in known) or any(
            point is not None and point.on for point in self.bypass
        )
        if not any_runs and len(known) == len(self.running):
            return "no"
        if self.pressure is not None and self.pressure.usable:
            if self.pressure.value >= self.proof_kpa:
                return "yes"
            return "yes" if (any_runs or not known) and self._second_pressure() else "no"
        return "yes" if any_runs else "unknown"

    def _second_pressure(self) -> bool:
        """Half the proof: the exchanger's own drop lies between the two transmitters."""
        supply, back = self.supply, self.back
        if supply is None or back is None or not (supply.usable and back.usable):
            return False
        return back.reason == "" and supply.value - back.value >= self.proof_kpa / 2
