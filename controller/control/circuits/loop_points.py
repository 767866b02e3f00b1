"""What the supply loop tells about itself: how it behaves, and what a tuning finds."""

from __future__ import annotations

from controller.control.blocks.loop.loop_monitor import CONDITIONS
from controller.control.blocks.loop.supply_control import SupplyControl
from controller.control.blocks.loop.tuning import STATES, Method
from controller.control.blocks.loop.tuning_rules import Pi, Rule
from controller.points import Image, Point

REQUESTS = ("stop", "simc", "amigo", "accept", "relay_simc", "relay_amigo")
"""What a person may ask of a tuning, in the order of the numbers that are written. The first two rules are
asked for with steps."""
TUNES: dict[str, tuple[Method, Rule]] = {
    "simc": ("step", "simc"),
    "amigo": ("step", "amigo"),
    "relay_simc": ("relay", "simc"),
    "relay_amigo": ("relay", "amigo"),
}


class LoopPoints:
    """Points of the monitor and of the tuning; `request` is written by a person."""

    def __init__(self, name: str, image: Image) -> None:
        def point(role: str, quantity: str, choices: tuple[str, ...] = ()) -> Point:
            return image.add(Point(f"{name}.{role}", quantity, choices=choices, role="calculated"))

        self.condition = point("loop_condition", "choice", CONDITIONS)
        self.factor = point("loop_gain_factor", "percent")
        self.tuning = point("tuning_state", "choice", STATES)
        self.progress = point("tuning_progress", "percent")
        self.gain = point("tuning_gain", "number")
        self.integral_time = point("tuning_integral_time", "time")
        last = len(REQUESTS) - 1
        self.request = image.add(
            Point(f"{name}.tuning", "choice", 0.0, choices=REQUESTS, low=0, high=last, role="setting")
        )

    def refuses(self, request: float, control: SupplyControl) -> str:
        """Code of why this cannot be asked now, or nothing."""
        if request not in range(len(REQUESTS)):
            return "outside_range"
        asked = REQUESTS[int(request)]
        if asked == "accept" and control.tuning.state != "done":
            return "nothing_proposed"
        if asked in TUNES and control.led:
            return "tuning_no_loop"
        return "tuning_busy" if asked in TUNES and control.tuning.active else ""

    def take(self, request: float, control: SupplyControl, now: float) -> None:
        """Do what was asked; what `refuses` names is left out."""
        if self.refuses(request, control):
            return
        self.request.put(request, now)
        tuning, loop = control.tuning, control.settings
        match REQUESTS[int(request)]:
            case "stop":
                tuning.stop()
            case "accept":
                control.accept_tuning()
            case asked:
                method, rule = TUNES[asked]
                tuning.begin(Pi(loop.gain, loop.integral_time), rule, method)

    def put(self, control: SupplyControl, now: float) -> None:
        """Renew all of them."""
        monitor, tuning = control.monitor, control.tuning
        self.condition.put(CONDITIONS.index(monitor.condition), now)
        self.factor.put(100 * monitor.factor, now)
        self.tuning.put(STATES.index(tuning.state), now)
        self.progress.put(100 * tuning.progress, now)
        if tuning.proposal is not None:
            self.gain.put(tuning.proposal.pi.gain, now)
            self.integral_time.put(tuning.proposal.pi.integral_time_s, now)
        if self.request.time < 0:
            self.request.put(0.0, now)
