"""The primary side, led by the secondary supply temperature.

The loop works in kelvins of lift: by how much the water has to be warmer when it leaves than when it comes
back. What is known of that beforehand is fed forward, set-point − return; the PI adds what is wrong about
it. `heat_transfer` turns the lift into a share of flow, for the primary temperature and pressure and the
secondary flow of this moment, and the valve's installed characteristic turns the share into an opening. So a
measured disturbance moves the valve before the supply temperature does, and the loop sees a gain of about
1 K/K everywhere.

The motor is spared: a new opening is asked for when the lift is off by `tolerance`, the opening by the dead
band, and the last move is `hold` ago; at once when it differs by four dead bands. The tolerance is the price:
the mean error is about a third of it, the number of starts goes with its inverse square. Without the sensor:
hold for 30 min (CJJ/T 34-2022 13.1.5), then carry on with an estimate (`supply_estimate`). Tuning: half of
what SIMC gives for the lags of a nominal station (14 s, 3 s of dead time, the filter's 5 s), because what is
measured is fed forward and the tolerance acts as dead time.

In modes without a set-point another one leads the valve (`lead`), and the loop is its `supply_limiter`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.control.blocks.loop.characteristic import Characteristic
from controller.control.blocks.loop.heat_transfer import HeatTransfer
from controller.control.blocks.loop.loop_monitor import LoopMonitor, LoopSample
from controller.control.blocks.loop.supply_estimate import Sensors, SupplyEstimate
from controller.control.blocks.loop.supply_limiter import SupplyBounds, SupplyLimiter
from controller.control.blocks.loop.supply_settings import LoopSettings, ValveSettings
from controller.control.blocks.loop.tuning import LoopView, Tuning
from controller.control.blocks.loop.tuning_experiment import Room
from controller.control.blocks.loop.tuning_rules import Lags
from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.blocks.parts.steady import Steady
from controller.control.tick import Tick
from controller.points import Output, Point, Slot, Term, reading

HOLD_S = 1800.0
START_S = 15.0
"""So long the first scans wait for the position of a valve that has a feedback."""
SETTLE_S = 60.0
"""After a start the filters know nothing yet: only large corrections move the valve so soon."""
SAME_POSITION = 2.0
"""Position and command closer than this are the same: dead band and stiction of the actuator, %."""
MODES = ("regulates", "holds", "estimates", "day_average", "stands", "led", "limited")
ACTUATOR_BAND = 1.0
"""Dead band of an ordinary actuator, % of stroke (FACTS §1)."""
SCAN_S = 1.0
"""Scan of a station in the field."""
STEEPEST = 1.6
"""% of flow for a % of stroke where the installed characteristic is steepest in ordinary operation."""
REFERENCE_LAG_S = 15.0
"""What is fed forward brings a new set-point with the lag of exchanger and sensor; the PI waits for it."""
SLOPE_K = 0.5
"""Half of the lift over which the slope of the flow is taken."""
SEES = ("regulates", "led", "limited")
"""Modes in which the supply temperature is measured and the valve gets what is asked for."""
ANYWHERE = Room(0.0, 100.0, 0.0, 100.0)
AT_ONCE = 4.0
"""So many dead bands are worth a move before the hold is over."""
DESIGN_SPREAD_K = 15.0
"""Supply − return of the design day, where no return was ever measured."""


@dataclass(frozen=True, slots=True)
class Sensed:
    """The points that the loop looks at: °C, kW, %. Those a station does not have are None.

    `sensors`: those behind `supply`, where it has several."""

    supply: Point
    sensors: Sensors
    back: Point | None
    power: Point | None
    outdoor: Point
    position: Point | None
    pressure: Point | None = None
    """Secondary differential pressure, kPa: a tuning waits until it stands still."""


class SupplyControl:
    """Opening of the valve for a supply temperature set-point."""

    def __init__(
        self,
        valve: ValveSettings,
        loop: LoopSettings,
        command: Output,
        transfer: HeatTransfer,
        sensed: Sensed,
    ) -> None:
        self.valve, self.settings, self.command = valve, loop, command
        self.transfer, self.sensed = transfer, sensed
        self.curve = Characteristic(valve.characteristic, valve.rangeability, valve.authority)
        self._least, self._most = self.curve.flow(valve.min), self.curve.flow(valve.max)
        self.loop = PiLoop(loop.gain, loop.integral_time, 0.0, transfer.lift(self._most))
        self.limiter = SupplyLimiter(self.loop)
        self.led = False
        """Another one leads the valve."""
        self.estimate = SupplyEstimate()
        self.monitor = LoopMonitor(ACTUATOR_BAND, rate=100 / valve.stroke_time)
        self.tuning = Tuning(Lags(loop.filter, SCAN_S), 100 / valve.stroke_time * STEEPEST)
        self._reference = Steady(REFERENCE_LAG_S)
        self.mode = "stands"
        self.filtered = math.nan
        self.setpoint = math.nan
        self.known = -1
        self._moved_at = -math.inf
        self._held_since: float | None = None
        self._first_scan: float | None = None
        self._started = False

    def step(
        self, tick: Tick, setpoint: float, flow: float = math.nan, pumps: int = 0, room: Room = ANYWHERE
    ) -> None:
        """Demand of the valve for a set-point in °C.

        `flow`: of the secondary side, in any unit; `pumps`: another number when another pump runs; `room`:
        what a tuning may use.
        """
        self.setpoint = setpoint
        was_led, self.led = self.led, False
        transfer, loop = self.transfer, self.loop
        if not self.prepare(tick, flow):
            return
        mode = self.mode
        measured = self._measured(tick)
        if mode != self.mode or was_led or transfer.known != self.known:
            # Another measurement, or another set of what is known, is another feed-forward: no bump.
            self.known = transfer.known
            loop.rest()
            loop.track(transfer.lift(self.curve.flow(self.command.value)))
        if self._tunes(tick, pumps, room):
            return
        if measured is None:
            self._without_sensor()
        else:
            loop.gain = self.settings.gain * self.monitor.factor
            loop.integral_time_s = self.settings.integral_time
            error = self.monitor.deadened(self._reference.step(setpoint, tick.dt) - measured)
            loop.step(
                measured + error,
                measured,
                tick.dt,
                feedforward=self._known_lift(),
                integrates=not self._on_its_way(),
            )
        self._ask(tick, self._opening(loop.output), loop.output)

    def prepare(self, tick: Tick, flow: float) -> bool:
        """Take the conditions of this scan; False while the valve's position is still waited for."""
        self.transfer.step(tick, flow)
        self.loop.low, self.loop.high = self.transfer.lift(self._least), self.transfer.lift(self._most)
        if self._start(tick):
            return True
        self.command.demand = math.nan
        return False

    def lead(self, tick: Tick, opening: float, bounds: SupplyBounds, *, final: bool) -> None:
        """Another one asks for an `opening`, %, within the `bounds` of the supply; after `prepare`.

        `final`: the opening is to be met exactly. Without a supply temperature, and no estimate of it, nobody
        could limit: the valve stays.
        """
        self.tuning.give_up()
        self.setpoint = self._reference.value = math.nan
        if not self.led:
            self.led = True
            self.limiter.forget()
        self.known = self.transfer.known
        measured = self._measured(tick)
        standing = self.transfer.lift(self.curve.flow(self.command.value))
        if measured is None:
            self.mode = "holds"
            self.loop.rest()
            self.loop.track(standing)
            self._ask(tick, self.command.value, standing)
            return
        self.loop.gain = self.settings.gain * self.monitor.factor
        self.loop.integral_time_s = self.settings.integral_time
        wanted = min(max(opening, self.valve.min), self.valve.max)
        lift = self.limiter.step(
            self.transfer.lift(self.curve.flow(wanted)),
            standing,
            (measured, self._back(measured)),
            bounds,
            tick.dt,
            integrates=not self._on_its_way(),
        )
        limited = self.limiter.side != 0
        if self.mode == "regulates":
            self.mode = "limited" if limited else "led"
        if limited:
            self._ask(tick, self._opening(lift), lift)
        else:
            self._ask(tick, wanted, final=final)

    def opening_of_water(self) -> float:
        """Opening that keeps the water as warm as it is, %; 0 where that cannot be told."""
        lift = self.filtered - self.transfer.back_temperature
        return self._opening(max(lift, 0.0)) if math.isfinite(lift) else 0.0

    def part_of_way(self, now: float, target: float, kelvins: float) -> float:
        """Share 0 … 1 of the way between two openings that changes the lift by so many kelvins at most."""
        way = abs(self.transfer.lift(self.curve.flow(target)) - self.transfer.lift(self.curve.flow(now)))
        return 1.0 if way <= kelvins else kelvins / way

    def _opening(self, lift: float) -> float:
        """Opening for a lift, %, within the valve's own limits."""
        wanted = self.curve.opening(self.transfer.share(lift))
        return min(max(wanted, self.valve.min), self.valve.max)

    def shut(self, tick: Tick, flow: float, opening: float = 0.0) -> None:
        """No heat is wanted: the valve is asked for `opening`, and the loop goes on from there later."""
        self.tuning.stop()
        self.led = False
        self.mode, self.filtered, self._held_since = "stands", math.nan, None
        self.transfer.step(tick, flow)
        self.loop.rest()
        self.loop.track(self.transfer.lift(self.curve.flow(opening)))
        self.command.demand = opening

    def applied(self, tick: Tick) -> None:
        """Take over what the valve really got, and learn from ordinary operation.

        A limit may be over before the valve has got there: then its position is the place to go on from.
        """
        applied, command, position = self.command.value, self.command, self.sensed.position
        if not math.isfinite(applied):
            return
        self._watch(tick)
        seen = position.value if position is not None and position.usable else math.nan
        if command.slot is Slot.LIMIT and abs(seen - applied) > SAME_POSITION:
            applied = seen
        if command.slot is not Slot.DEMAND:
            lift = self.transfer.lift(self.curve.flow(applied))
            if command.slot is not Slot.LIMIT or not self._may_go_on(lift):
                self.loop.applied(lift)
            self.limiter.forget()
            self._moved_at = -math.inf
            return
        if self.mode in SEES:
            if not self.led:  # an opening that nobody chose for the weather says nothing about it
                self.estimate.learn_day(tick, self.curve.flow(applied), self.sensed.outdoor)
            back = self.sensed.back
            if back is not None and back.usable and self.sensed.supply.reason == "":
                self._learn(tick, self.filtered - back.value, seen if seen == seen else applied)

    def _may_go_on(self, lift: float) -> bool:
        """The loop wants to leave the limit that the valve stands at, not to pass it. What it has gathered
        for that must stay, or steps smaller than the dead band never become a move."""
        limit, value = self.command.limit, self.command.value
        return value > limit.low if self.loop.output < lift else value < limit.high

    def _learn(self, tick: Tick, lift: float, opening: float) -> None:
        """Another belief about the valve is no reason to move it: the integral makes room."""
        asked = self.transfer.share(self.loop.output)
        if self.transfer.learn(tick, lift, self.curve.flow(opening)) and asked < self._most:
            self.loop.track(self.transfer.lift(asked))

    def opening_by_heat(self) -> float:
        """Opening that the measured lift speaks for, %; NaN while nothing is quiet or certain."""
        back = self.sensed.back
        if self.mode not in SEES or back is None or not back.usable or not self.transfer.quiet:
            return math.nan
        return self.curve.opening(self.transfer.share(self.filtered - back.value))

    def _tunes(self, tick: Tick, pumps: int, room: Room) -> bool:
        """True while a tuning leads the valve. It works in shares of flow; the regulator goes on after it."""
        led = self.tuning.state == "stepping"
        if not self.tuning.active:
            return False
        share = self.tuning.step(tick, self._view(pumps, room))
        if share is None:
            if led:
                self.loop.rest()
                self.loop.track(self.transfer.lift(self.tuning.base))
            return False
        self.loop.track(self.transfer.lift(share))
        self.command.demand = min(max(self.curve.opening(share), self.valve.min), self.valve.max)
        return True

    def _view(self, pumps: int, room: Room) -> LoopView:
        lift = self.loop.output
        steeper = self.transfer.share(lift + SLOPE_K) - self.transfer.share(max(lift - SLOPE_K, 0.0))
        automatic = self.mode == "regulates" and self.command.slot is Slot.DEMAND
        return LoopView(
            setpoint=self.setpoint,
            measured=reading(self.sensed.supply),
            share=self.curve.flow(self.standing),
            asked=self.transfer.share(lift),
            primary=reading(self.transfer.primary),
            back=reading(self.sensed.back),
            pressure=reading(self.sensed.pressure),
            pumps=pumps,
            automatic=automatic,
            factor=steeper / (2 * SLOPE_K),
            room=room,
        )

    def _watch(self, tick: Tick) -> None:
        """Let the monitor see what the loop has done."""
        leads = self.mode == "regulates" and self.command.slot is Slot.DEMAND
        sample = LoopSample(
            setpoint=self.setpoint,
            measured=self.filtered,
            output=self.transfer.share(self.loop.output),
            low=self._least,
            high=self._most,
            command=self.command.value,
            position=math.nan if self._reckoned() else _either(self._position(), math.nan),
            primary=reading(self.transfer.primary),
            regulates=leads and self.tuning.state != "stepping",
        )
        self.monitor.step(tick, sample, self.settings.integral_time)

    @property
    def standing(self) -> float:
        """Opening as the valve stands, %: by its position, else by what it was told; NaN unknown."""
        return _either(self._position(), self.command.value)

    def _position(self) -> float | None:
        position = self.sensed.position
        return position.value if position is not None and position.usable else None

    def _reckoned(self) -> bool:
        """The position is an estimate: it knows nothing of a stem that sticks."""
        return self.sensed.position is not None and self.sensed.position.role == "calculated"

    def accept_tuning(self) -> bool:
        """A person takes what was proposed: the monitor begins anew. The settings are written by that
        person's own commands."""
        proposal = self.tuning.proposal
        if self.tuning.accept() is None or proposal is None:
            return False
        self.monitor.forgive(proposal.margins.ultimate_period_s)
        return True

    def _ask(self, tick: Tick, opening: float, lift: float = math.nan, *, final: bool = False) -> None:
        """Ask for a new opening when it is worth starting the motor: for its `lift`, or NaN: for itself;
        `final`: it is to be met exactly."""
        asked = self.command.demand
        if not math.isfinite(asked) or self.command.slot is not Slot.DEMAND:
            asked = self.command.value
        change = abs(opening - asked)
        stem, position = self.monitor.stick.stem, self._position()
        if stem.sticks and position is not None and lift == lift and not self._reckoned():
            asked = stem.asks(opening, position, asked)
            self.command.demand = min(max(asked, self.valve.min), self.valve.max)
            return
        band = self.valve.dead_band
        waited = tick.now - self._moved_at >= self.valve.hold
        at_end = (final or opening in (self.valve.min, self.valve.max)) and change > 0
        worth = not change < band and self._worth(asked, lift)
        if (worth and (waited or change >= AT_ONCE * band)) or (at_end and waited):
            self._moved_at = tick.now
            asked = opening
        self.command.demand = asked

    def _worth(self, asked: float, lift: float) -> bool:
        """The lift at the present opening is further off than the tolerance."""
        missing = lift - self.transfer.lift(self.curve.flow(asked))
        return not abs(missing) < self.settings.tolerance

    def _on_its_way(self) -> bool:
        """The motor has not brought yet what was asked for: an integral would count that as error."""
        return abs(self.command.demand - self.command.value) > self.valve.dead_band

    def _known_lift(self) -> float:
        """What the water has to gain, as far as it is known beforehand, K."""
        back = self.transfer.back_temperature
        return self.setpoint - back if back == back else DESIGN_SPREAD_K

    def _back(self, supply: float) -> float:
        """Return temperature, °C; where it was never measured, that of the design's spread below `supply`."""
        back = self.transfer.back_temperature
        return back if back == back else supply - DESIGN_SPREAD_K

    def _start(self, tick: Tick) -> bool:
        """Begin where the valve stands: the real position wins over anything remembered.

        False while a feedback has not been read yet: then the valve is left alone for a moment.
        """
        if self._started:
            return True
        position = self.sensed.position
        if self._first_scan is None:
            self._first_scan = tick.now
        if position is not None and position.usable:
            # What is remembered may be a minute old, so it does not win even where it is close: the valve
            # would be sent back to where it stood before its last move.
            self.command.put(min(max(position.value, self.command.low), self.command.high), tick.now)
            self.loop.track(self.transfer.lift(self.curve.flow(self.command.value)))
        elif position is not None and tick.now - self._first_scan < START_S:
            return False
        elif math.isfinite(self.command.value):
            self.loop.track(self.transfer.lift(self.curve.flow(self.command.value)))
        elif math.isnan(self.loop.output):
            self.loop.track(self.loop.low)
        self._started = True
        if math.isfinite(self.command.value):
            self._moved_at = tick.now + SETTLE_S - self.valve.hold
        self.known = self.transfer.known
        return True

    def _measured(self, tick: Tick) -> float | None:
        sensed = self.sensed
        if sensed.supply.usable:
            self._held_since, self.mode = None, "regulates"
            seen = (sensed.supply, sensed.sensors, sensed.back, sensed.power, sensed.outdoor)
            self.estimate.learn(tick, *seen)
            believed = self.estimate.believe(*seen)
            return self._filter(believed, tick.dt)
        self.filtered = math.nan
        if self._held_since is None:
            self._held_since = tick.now
        if tick.now - self._held_since < HOLD_S:
            self.mode = "holds"
            return None
        estimated = self.estimate.supply(sensed.back, sensed.power)
        self.mode = "estimates" if estimated is not None else "day_average"
        return estimated

    def _without_sensor(self) -> None:
        """Held: the opening stays. Day's average: its share of flow at today's load."""
        share = self.curve.flow(self.command.value)
        if self.mode == "day_average":
            share = _either(self.estimate.flow_share(self.sensed.outdoor), share)
        self.loop.track(self.transfer.lift(share))

    def _filter(self, value: float, dt: float) -> float:
        if math.isnan(self.filtered) or self.settings.filter <= 0:
            self.filtered = value
        else:
            self.filtered += (value - self.filtered) * dt / (self.settings.filter + dt)
        return self.filtered

    def explain(self) -> Term:
        """What the loop sees and asks for."""
        values: tuple[tuple[str, float | str, str], ...] = (
            ("demand", self.command.demand, "percent"),
            ("setpoint", self.setpoint, "temperature"),
            ("measured", self.filtered, "temperature"),
        )
        if self.mode != "regulates":
            limit = self.limiter.explain()
            return Term(f"valve_{self.mode}", values, () if limit is None else (limit,))
        loop = self.loop
        shares = Term(
            "loop_shares",
            (
                ("lift", loop.output, "temperature_difference"),
                ("known", loop.feedforward, "temperature_difference"),
                ("error", loop.error, "temperature_difference"),
                ("proportional", loop.proportional, "temperature_difference"),
                ("integral", loop.integral, "temperature_difference"),
                ("flow", self.transfer.share(loop.output), "percent"),
            ),
            (self.transfer.explain(),),
        )
        remarks = [term for term in (self.monitor.explain(), self.tuning.explain()) if term is not None]
        return Term("valve_regulates", values, (shares, *remarks))

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "lift": finite(self.loop.output),
            **self.estimate.state(),
            "transfer": self.transfer.state(),
            "monitor": self.monitor.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.loop.track(remembered(state, "lift", math.nan))
        self.estimate.restore(state)
        transfer = state.get("transfer")
        if isinstance(transfer, dict):
            self.transfer.restore(transfer)
        monitor = state.get("monitor")
        if isinstance(monitor, dict):
            self.monitor.restore(monitor)


def _either(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
