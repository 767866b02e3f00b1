"""What every heating circuit has, whatever heats it: set-point, circulation, pressure holding.

`exchanger` and `mixing` say how the heat gets in.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.loop.fixed_opening import FixedOpening
from controller.control.blocks.loop.flow_control import FlowControl
from controller.control.blocks.loop.heat_transfer import BLIND_LEARN_S, LEAST_LIFT_K, HeatTransfer
from controller.control.blocks.loop.primary_pump import PrimaryPump, PrimaryPumpSettings
from controller.control.blocks.loop.supply_control import MODES, Sensed, SupplyControl
from controller.control.blocks.loop.supply_limiter import SupplyBounds
from controller.control.blocks.loop.supply_settings import LoopSettings, ValveSettings
from controller.control.blocks.loop.three_point import ThreePoint
from controller.control.blocks.loop.tuning_experiment import Room
from controller.control.blocks.parts.steady import Steady
from controller.control.blocks.season.season import ALWAYS_HEATING, SeasonPlan
from controller.control.blocks.season.valve_exercise import ValveExercise
from controller.control.blocks.water.exchanger_staging import ExchangerStaging
from controller.control.blocks.water.pressure_holding import MakeupSettings, PressureHolding
from controller.control.blocks.water.pump_group import PumpGroup, PumpGroupSettings
from controller.control.circuits.circuit_mode import CircuitMode, ModeSettings
from controller.control.circuits.loop_points import LoopPoints
from controller.control.circuits.setpoint_limits import BELOW_ALARM_K
from controller.control.circuits.supply_setpoint import SupplySetpoint
from controller.control.tick import Tick
from controller.fields import Amount, Words
from controller.points import Image, Output, Point, Quality, Slot, Term

HEAT_LAG_S = 15.0
"""Exchanger and sensor pocket of a nominal station (FACTS §1: 5–20 s)."""
METERED_FLOW_S = 20.0
"""Filter of the flow by the meter."""
PUMP_AS_VALVE = ValveSettings(
    characteristic="linear", authority=1.0, stroke_time=60.0, dead_band=1.0, hold=30.0, keep_warm=0.0
)
"""A primary pump as the loop sees it: flow in proportion to speed, up and down within a minute."""


class CircuitSettings(ModeSettings):
    """What every heating circuit has."""

    title: Words | None = Field(None, description="Name for people (低区)")
    use: Literal["housing", "school", "office"] = Field("housing", description="Housing has no night setback")
    highest_building: Annotated[float, Amount("length", 2, 150)] = Field(
        description="Height of the highest radiator"
    )
    valve: ValveSettings | None = None
    primary_pump: PrimaryPumpSettings | None = None
    loop: LoopSettings = LoopSettings()
    circulation: PumpGroupSettings
    makeup: MakeupSettings | None = None

    @property
    def actuator(self) -> ValveSettings:
        """The valve; of a circuit without one, the primary pump as the loop sees it."""
        return self.valve or PUMP_AS_VALVE


class HeatingCircuit:
    """Reads its points from the image, writes the demands of its outputs and its own points."""

    settings: CircuitSettings

    def __init__(
        self, name: str, settings: CircuitSettings, image: Image, *, alone: bool, station: str = ""
    ) -> None:
        """`alone`: the station has no other circuit, so that its heat meter is this circuit's; `station`: its
        name, for what must not happen in all stations of a network at once."""
        self.name = name
        self.settings = settings
        self.image = image
        find = image.points.get
        valve = settings.actuator
        what = "valve_command" if settings.valve is not None else "primary_command"
        self.valve = image.add(
            Output(f"{name}.{what}", "percent", 0, 100, failsafe=None, rate=100 / valve.stroke_time)
        )
        position = find(f"{name}.valve_position")
        self.elements = self._final_elements(position)
        if self.relays is not None and position is None:
            position = self.relays.estimate
        self.mode = CircuitMode(name, settings, image)
        self.setpoint = SupplySetpoint(name, settings, image, station)
        self.mode_point = image.add(Point(f"{name}.valve_mode", "choice", choices=MODES, role="calculated"))
        self.care = LoopPoints(name, image)
        sensed = Sensed(
            supply=image[f"{name}.supply_temperature"],
            sensors=image.sensors(f"{name}.supply_temperature"),
            back=find(f"{name}.return_temperature"),
            power=find(f"{name}.heat_power") or (find("station.heat_power") if alone else None),
            outdoor=image["station.outdoor_temperature"],
            position=position,
            pressure=find(f"{name}.differential_pressure"),
        )
        self.control = SupplyControl(valve, settings.loop, self.valve, self.heat_transfer(), sensed)
        if self.relays is not None and find(f"{name}.valve_position") is None:
            self.control.transfer.learn_s = BLIND_LEARN_S
        self._add_leaders(find(f"{name}.primary_flow") or (find("station.primary_flow") if alone else None))
        self.circulation = PumpGroup(
            settings.circulation, image, f"{name}.pump", find(f"{name}.differential_pressure")
        )
        self.secondary_flow = find(f"{name}.secondary_flow")
        self._heat = (Steady(HEAT_LAG_S), Steady(settings.loop.filter))
        self._metered_flow = Steady(METERED_FLOW_S)
        self.staging: ExchangerStaging | None = None
        """Exchangers in parallel, where a circuit has them."""
        self.plan = ALWAYS_HEATING
        self.valve_exercise = ValveExercise(
            self.valve,
            valve.stroke_time,
            image[f"{name}.supply_temperature"],
            image[f"{name}.circulation"],
            find("station.primary_supply_temperature"),
            find(f"{name}.booster_frequency"),
        )
        self.pressure_holding: PressureHolding | None = None
        if settings.makeup is not None:
            pressure = image[f"{name}.return_pressure"]
            self.pressure_holding = PressureHolding(settings.makeup, image, name, pressure)

    def _add_leaders(self, flow: Point | None) -> None:
        """What leads the valve in modes without a set-point. `flow`: primary flow of this circuit."""
        settings, control = self.settings, self.control
        self.fixed_opening: FixedOpening | None = None
        self.constant_flow: FlowControl | None = None
        self.flow_setpoint: Point | None = None
        if settings.fixed_opening is not None:
            valve = control.valve
            self.fixed_opening = FixedOpening(settings.fixed_opening, valve.min, valve.max)
        if settings.constant_flow is not None:
            pressures = self.primary_pressures()
            self.constant_flow = FlowControl(settings.constant_flow, control.curve, flow, pressures)
            point = Point(f"{self.name}.primary_flow_setpoint", "flow", role="calculated")
            self.flow_setpoint = self.image.add(point)
        self._leader: FixedOpening | FlowControl | None = None

    def _final_elements(self, position: Point | None) -> list[ThreePoint | PrimaryPump]:
        """What carries out the opening where no positioner does: relays, a primary pump."""
        settings = self.settings
        self.relays: ThreePoint | None = None
        if settings.valve is not None and settings.valve.open is not None:
            self.relays = ThreePoint(self.name, settings.valve.stroke_time, self.image, position)
        self.primary_pump: PrimaryPump | None = None
        if settings.primary_pump is not None:
            helps = settings.valve is not None
            self.primary_pump = PrimaryPump(self.name, settings.primary_pump, self.image, helps=helps)
        return [element for element in (self.relays, self.primary_pump) if element is not None]

    def heat_transfer(self) -> HeatTransfer:
        """How the heat gets from the primary into the secondary water."""
        raise NotImplementedError

    def primary_pressures(self) -> tuple[Point, Point] | None:
        """Supply and return pressure of the primary network, where both are measured."""
        find = self.image.points.get
        supply, back = find("station.primary_supply_pressure"), find("station.primary_return_pressure")
        return (supply, back) if supply is not None and back is not None else None

    @property
    def outputs(self) -> list[Output]:
        """All outputs that this circuit demands."""
        found = [self.valve]
        for pump in self.circulation.pumps:
            found += [pump.run, pump.speed]
        if self.pressure_holding is not None:
            for pump in self.pressure_holding.pumps:
                found += [pump.run, pump.speed]
            if self.pressure_holding.relief is not None:
                found.append(self.pressure_holding.relief)
        return found

    def step(self, tick: Tick, plan: SeasonPlan = ALWAYS_HEATING) -> None:
        """One scan of control, as the water flows; `plan`: what the season allows."""
        self.plan, exercise = plan, self.valve_exercise
        mode = self._choose(tick)
        leads = self.mode.leads_valve and plan.heat
        if leads:
            self._lead(tick, plan, self.fixed_opening if mode == "fixed_opening" else self.constant_flow)
        else:
            setpoint = self.setpoint.step(tick, plan.fastest_rise, heat=plan.heat, mode=mode)
        alone = self.circulation.exercise.active is None and self.settings.valve is not None
        exercise.step(tick, plan.exercise if alone and not plan.heat else None, self.settings.supply.max)
        if plan.heat and not leads:
            self.control.step(tick, setpoint, self._flow(tick), self._pumps(), self._room())
            self._probe(tick)
        elif not plan.heat:
            self.control.shut(tick, self._flow(tick), exercise.opening)
        self.circulation.may_exercise = plan.circulation or (
            plan.exercise is not None and not exercise.active
        )
        if plan.slow_pump:
            self.circulation.speed = self.settings.circulation.speed[0]
        weekday = None if tick.weekday is None else tick.weekday + 1
        self.circulation.step(tick, wanted=plan.circulation or exercise.active, weekday=weekday)
        if self.pressure_holding is not None:
            self.pressure_holding.step(tick, wanted=plan.makeup, filling=plan.filling)
        self.mode_point.put(MODES.index(self.control.mode), tick.now)
        self._show_flow(tick.now)

    def _choose(self, tick: Tick) -> str:
        """The mode in force: the one that is asked for, while it has what it needs."""
        wanted, missing = self.settings.wanted_mode, None
        flow, mean = self.constant_flow, self.setpoint.shares.mean
        if flow is not None:
            flow.watch(tick, self.control.standing)
            if wanted == "constant_flow" and flow.blind:
                missing = flow.explain_lost()
        if mean is not None:
            mean.watch(tick.dt)
            if wanted == "mean_temperature" and mean.blind:
                missing = mean.explain_lost()
        return self.mode.step(tick, missing)

    def _lead(self, tick: Tick, plan: SeasonPlan, leader: FixedOpening | FlowControl | None) -> None:
        """The mode leads the valve, within the limits of the supply."""
        control = self.control
        lowest, highest = self.setpoint.rest(tick, plan.fastest_rise, control.limiter.side)
        if not control.prepare(tick, self._flow(tick)) or leader is None:
            return
        valve = self.valve
        free = valve.slot is Slot.DEMAND and control.mode != "holds"
        if not (control.led and leader is self._leader and free):
            start = valve.value
            if leader is self._leader and valve.slot is Slot.LIMIT and math.isinf(plan.fastest_rise):
                # Pumps that change over shut the valve for seconds: the water has not cooled meanwhile.
                start = max(start, min(leader.target, control.opening_of_water()))
            self._leader = leader
            leader.start(start)
        kelvins = min(self.settings.supply.ramp, plan.fastest_rise) * tick.dt / 3600
        opening = leader.step(lambda now, then: control.part_of_way(now, then, kelvins))
        control.lead(tick, opening, SupplyBounds(lowest, highest), final=leader.final)

    def _show_flow(self, now: float) -> None:
        point, flow = self.flow_setpoint, self.constant_flow
        if point is None or flow is None:
            return
        if self.control.led and self._leader is flow:
            point.put(flow.wanted, now)
        else:
            point.mark(math.nan, Quality.BAD, "not_followed", now)

    @property
    def arrived(self) -> bool:
        """The heat is where it was to go: the supply at its set-point, or the valve where it is to be."""
        leader = self._leader
        if leader is None or not self.control.led:
            return self.setpoint.arrived
        return self.control.limiter.side > 0 or leader.arrived

    def _probe(self, tick: Tick) -> None:
        """A shut valve that a limiter holds opens now and then."""
        least = self.setpoint.least_opening(tick, self.valve)
        if least > self.valve.demand:
            self.valve.demand = least

    def actuate(self, tick: Tick) -> None:
        """After the output stage: relays and primary pump carry out the opening that has won."""
        for element in self.elements:
            element.step(tick, self.valve)

    def applied(self, tick: Tick) -> None:
        """What the output stage really put out, back into the loops (anti-windup, bumpless)."""
        self.control.applied(tick)
        self.care.put(self.control, tick.now)
        if self.relays is not None:
            self.relays.witness(tick, self.control.opening_by_heat())
        self.circulation.applied()
        if self.pressure_holding is not None:
            self.pressure_holding.applied()

    def _pumps(self) -> int:
        """Another number when another pump runs."""
        return sum(1 << index for index, pump in enumerate(self.circulation.pumps) if pump.runs is not False)

    def _room(self) -> Room:
        """What a tuning may use of flow (%) and supply temperature (°C)."""
        valve, supply = self.control.valve, self.settings.supply
        low, high = self.control.curve.flow(valve.min), self.control.curve.flow(valve.max)
        return Room(low, high, supply.min, min(supply.max, supply.alarm - BELOW_ALARM_K))

    def _flow(self, tick: Tick) -> float:
        """Secondary flow in any unit: measured, m³/h; else by heat meter and spread, kW/K; else the pumps'
        speed, Hz. Which one is a matter of the station's sensors, so that the unit never changes; NaN while
        that one cannot be seen."""
        flow, sensed = self.secondary_flow, self.control.sensed
        if flow is not None:
            return flow.value if flow.usable else math.nan
        if sensed.power is None or sensed.back is None:
            return self.circulation.speed
        if not (sensed.power.usable and sensed.back.usable and sensed.supply.reason == ""):
            return math.nan
        # The meter sees heat before the supply sensor does: it is made as late, or a set-point step would
        # look like another flow.
        heat = sensed.power.value
        for lag in self._heat:
            heat = lag.step(heat, tick.dt)
        spread = self.control.filtered - sensed.back.value
        known = spread >= LEAST_LIFT_K and heat > 0
        return self._metered_flow.step(heat / spread if known else math.nan, tick.dt)

    def forgive(self, pump: str) -> None:
        """A person has acknowledged the failure of a pump: it may try again."""
        self.circulation.forgive(pump)
        if self.pressure_holding is not None:
            self.pressure_holding.forgive(pump)
        if self.primary_pump is not None and pump == self.primary_pump.drive.name:
            self.primary_pump.drive.forgive()

    def explain(self, output: Output) -> Term:
        """Why this output asks for what it asks."""
        if output is self.valve:
            if not self.plan.heat:
                return self._no_heat()
            loop = self.control.explain()
            if self.control.led and self._leader is not None:
                led = (*self.mode.remarks(), self._leader.explain())
                return Term(loop.code, loop.values, (*loop.children, *led))
            wanted = (*self.setpoint.explain_probing(), self.setpoint.explain())
            return Term(loop.code, loop.values, (*loop.children, *self.mode.remarks(), *wanted))
        for element in self.elements:
            if output in element.outputs:
                return element.explain(output)
        holding = self.pressure_holding
        if holding is not None and (
            output is holding.relief or any(output in (p.run, p.speed) for p in holding.pumps)
        ):
            return self._allowed(self.plan.makeup, holding.explain(output))
        return self._allowed(
            self.plan.circulation or self.valve_exercise.active, self.circulation.explain(output)
        )

    def explain_point(self, point: Point) -> Term | None:
        """Why the mode, what it goes by, or the number of exchangers is as it is; None for any other."""
        if point is self.mode.point:
            return self.mode.explain()
        staging = self.staging
        if staging is not None and point in (staging.wanted_point, staging.open_point):
            return staging.explain_number()
        if point is self.flow_setpoint and self.control.led and self._leader is not None:
            return self._leader.explain()
        return self.setpoint.explain() if point in self.setpoint.points else None

    def power_is_back(self) -> None:
        """What stopped without power was not the pumps' fault."""
        primary = [self.primary_pump.drive] if self.primary_pump is not None else []
        for pump in (*self.circulation.pumps, *primary):
            if not pump.locked_out:
                pump.let_try()
                pump.forgive_row()

    @property
    def exercises(self) -> bool:
        """A pump or the valve is being exercised."""
        return self.valve_exercise.active or self.circulation.exercise.active is not None

    @property
    def pressed(self) -> bool:
        """Pressure is there, or nobody holds it or can see it."""
        holding = self.pressure_holding
        if holding is None or not holding.pressure.usable:
            return True
        return holding.pressure.value >= holding.settings.setpoint - holding.settings.low_alarm

    def _no_heat(self) -> Term:
        """The season keeps the valve shut, or exercises it."""
        state = (("why", self.plan.state, "text"),)
        if self.valve_exercise.active:
            return Term("season_valve_exercise", state)
        return Term("season_waits_for_power" if self.plan.waits else "season_no_heat", state)

    def _allowed(self, wanted: bool, reason: Term) -> Term:
        """A reason with the season's word before it, where the season does not want it."""
        if wanted:
            return reason
        code = "season_waits_for_power" if self.plan.waits else "season_not_wanted"
        return Term(code, (("why", self.plan.state, "text"),), (reason,))

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "setpoint": self.setpoint.state(),
            "control": self.control.state(),
            "constant_flow": self.constant_flow.state() if self.constant_flow is not None else {},
            "relays": self.relays.state() if self.relays is not None else {},
            "primary_pump": self.primary_pump.state() if self.primary_pump is not None else {},
            "valve_exercise": self.valve_exercise.state(),
            "circulation": self.circulation.state(),
            "pressure_holding": self.pressure_holding.state() if self.pressure_holding else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        parts = (
            (self.setpoint, "setpoint"),
            (self.control, "control"),
            (self.constant_flow, "constant_flow"),
            (self.relays, "relays"),
            (self.primary_pump, "primary_pump"),
            (self.valve_exercise, "valve_exercise"),
            (self.circulation, "circulation"),
            (self.pressure_holding, "pressure_holding"),
        )
        for part, key in parts:
            remembered = state.get(key)
            if part is not None and isinstance(remembered, dict):
                part.restore(remembered)
