"""Three-point valve: two relays, and an estimate of where they have brought it.

It runs after the output stage: whatever opening has won there, demand, hand or limit, is what the relays
go for. Position by the time the relays were on,

    x += ±100 %·t/stroke,     sigma² ← (sigma + ASYMMETRY·|Δx|)² + (at every reversal) PLAY²

because closing never takes quite as long as opening (an error of one sign, so it adds up with the way), and
couplings have play (an error of any sign). A feedback replaces the
estimate. Without one it is set right at the end stops, which the motor reaches anyway in ordinary operation
(asked for 0 or 100 %, it is driven on for what may be missing), and by what the heat says (`witness`).
The loop above works on changes of the opening, so a wrong estimate is a disturbance it carries, but for an
end stop that was never reached: a hand crank, a slipped coupling, relays that somebody else switched. So
nothing is sure while the relays are not confirmed, and at an end stop the whole way is driven once more after
10 min, then after twice as long each time, at most a day.

Both relays are never on together, and a reversal waits 0.5 s, at least one scan. After the valve was
closed the first pulse is long, so that the plug breaks away and water reaches the sensor (Sauter).
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term

ASYMMETRY = 0.02
"""Share of a way that is unsure: closing and opening differ by some per cent (own judgement)."""
PLAY = 0.5
OVERDRIVE = 10.0
"""Driven so much further into an end stop than the estimate needs, % of stroke."""
FIRST_PULSE = 5.0
RESTART_DOUBT = 2.0
WITNESS_SIGMA = 6.0
WITNESS_EVERY_S = 3600.0
CLOSED = 0.5
NOTHING_KNOWN = 50.0
"""Sigma of a position that may be anywhere, %."""
AGAIN_S, AGAIN_AT_MOST_S = 600.0, 86400.0


class ThreePoint:
    """Drives `<circuit>.valve_open` and `<circuit>.valve_close`; tells `<circuit>.valve_estimate` and
    `<circuit>.valve_doubt` (both %, the truth lies within ± doubt 19 times out of 20)."""

    def __init__(self, name: str, stroke_s: float, image: Image, position: Point | None) -> None:
        self.stroke_s = stroke_s
        self.measured = position
        self.open = image.add(Output(f"{name}.valve_open", "flag", 0, 1, failsafe=0.0))
        self.close = image.add(Output(f"{name}.valve_close", "flag", 0, 1, failsafe=0.0))
        self.estimate = image.add(Point(f"{name}.valve_estimate", "percent", role="calculated"))
        self.doubt = image.add(Point(f"{name}.valve_doubt", "percent", role="calculated"))
        self.position = math.nan
        self.sigma = NOTHING_KNOWN
        self.target = math.nan
        self._direction = 0
        self._last_way = 0
        self._pressed = 0.0
        self._leaves_seat = False
        self._witness_at = -math.inf
        self._rested = 0.0
        self._again = AGAIN_S

    @property
    def outputs(self) -> list[Output]:
        """The two relays."""
        return [self.open, self.close]

    def step(self, tick: Tick, command: Output) -> None:
        """Where the relays of the last scan have brought it, and what they do now."""
        self._moved(tick)
        self.target = command.value
        self._direction = self._decide(tick)
        self.open.demand = float(self._direction > 0)
        self.close.demand = float(self._direction < 0)
        self.estimate.put(self.position, tick.now)
        self.doubt.put(min(2 * self.sigma, 100.0), tick.now)

    def witness(self, tick: Tick, opening: float) -> None:
        """An opening that the heat speaks for, %; once an hour at most: it errs the same way for long."""
        if not math.isfinite(opening) or tick.now - self._witness_at < WITNESS_EVERY_S:
            return
        self._witness_at = tick.now
        if self.measured is not None or math.isnan(self.position):
            return
        weight = self.sigma**2 / (self.sigma**2 + WITNESS_SIGMA**2)
        self.position = min(max(self.position + weight * (opening - self.position), 0.0), 100.0)
        self.sigma *= math.sqrt(1 - weight)

    def _moved(self, tick: Tick) -> None:
        if self.measured is not None and self.measured.usable:
            self.position, self.sigma = min(max(self.measured.value, 0.0), 100.0), PLAY
            return
        way = int(self.open.value >= 0.5) - int(self.close.value >= 0.5)
        if not (self.open.confirmed and self.close.confirmed):
            self.sigma, self._pressed = NOTHING_KNOWN, 0.0
        if way == 0:
            return
        moved = 100 * tick.dt / self.stroke_s
        if math.isnan(self.position):
            # Nothing is known: the nearer end stop in the way of the motor is found by pressing into it.
            self.position = 50.0
        free = 100.0 - self.position if way > 0 else self.position
        self._pressed = self._pressed + max(moved - free, 0.0) if moved > free else 0.0
        self.position = min(max(self.position + way * moved, 0.0), 100.0)
        variance = self.sigma**2 + (ASYMMETRY * moved) ** 2 + 2 * ASYMMETRY * moved * self.sigma
        if way != self._last_way:
            variance += PLAY**2
        self._last_way = way
        self.sigma = min(math.sqrt(variance), NOTHING_KNOWN)
        if self._pressed >= 2 * self.sigma + OVERDRIVE:
            self.sigma = PLAY

    def _decide(self, tick: Tick) -> int:
        """1 opens, −1 closes, 0 rests."""
        target = self.target
        if not math.isfinite(target):
            return 0
        if math.isnan(self.position):
            return -1 if target <= 50 else 1
        step = 100 * tick.dt / self.stroke_s
        at_end = target <= CLOSED or target >= 100 - CLOSED
        if at_end:
            way = -1 if target <= CLOSED else 1
            if not self._at_stop(way):
                return self._turn(way)
            self._doubt_the_stop(tick.dt)
            return 0
        self._rested, self._again = 0.0, AGAIN_S
        if self.position <= CLOSED:
            self._leaves_seat = True
        if self._leaves_seat and self.position < FIRST_PULSE:
            target = max(target, FIRST_PULSE)
        else:
            self._leaves_seat = False
        distance = target - self.position
        if self._direction and distance * self._direction > step / 2:
            return self._direction
        return self._turn(1 if distance > 0 else -1) if abs(distance) >= max(step, 0.7) else 0

    def _turn(self, way: int) -> int:
        """A motor that runs the other way rests for this scan."""
        return way if self._direction in (0, way) else 0

    def _at_stop(self, way: int) -> bool:
        """Surely at the end stop: measured there, or pressed into it for long enough."""
        there = self.position >= 100 - CLOSED if way > 0 else self.position <= CLOSED
        return there and (self.measured is not None or self.sigma <= PLAY)

    def _doubt_the_stop(self, dt: float) -> None:
        self._rested += dt
        if self.measured is None and self._rested >= self._again:
            self.sigma, self._pressed = NOTHING_KNOWN, 0.0
            self._rested, self._again = 0.0, min(2 * self._again, AGAIN_AT_MOST_S)

    def explain(self, output: Output) -> Term:
        """What the relay goes for."""
        moves = "relay_opens" if output is self.open else "relay_closes"
        return Term(
            moves if output.demand >= 0.5 else "relay_rests",
            (
                ("target", self.target, "percent"),
                ("position", self.position, "percent"),
                ("doubt", self.doubt.value, "percent"),
            ),
        )

    def state(self) -> dict[str, Any]:
        """Estimate and doubt."""
        known = math.isfinite(self.position)
        return {"position": self.position if known else None, "sigma": self.sigma}

    def restore(self, state: dict[str, Any]) -> None:
        """Where it was left; relays that fell off in between leave it there."""
        position, sigma = state.get("position"), state.get("sigma")
        if isinstance(position, int | float) and 0 <= position <= 100:
            self.position = float(position)
            known = isinstance(sigma, int | float) and 0 <= sigma <= NOTHING_KNOWN
            self.sigma = (float(sigma) if known and sigma is not None else 25.0) + RESTART_DOUBT
