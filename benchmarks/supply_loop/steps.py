"""Set-point and load steps against the bound of the identified loop; what remains at low load.

The network is still (no noise of the primary), outdoors constant, the sensors are as they are. Temperature
here is what the supply sensor would show without noise: the true supply behind its lag of 12 s. That is the
loop that the model describes, by open-loop steps of the valve of ± 5 % at the same load, means of both
ways.

Set-point steps: 5 K down from the curve and back up, the ramp taken out. Load steps: the wish of the linear
programme is the plant's own answer to the disturbance with the valve held, upside down; its valve rests
until the sensor's deviation is more than SEEN_K. A controller with feed-forward sees a disturbance before
that, so its ratio may fall below one. What the loop leaves at rest (tolerance, dead band, steps of the
sensor) is in every integral; it is told for the same time without a step, as K·s too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp

import numpy as np

from controller.commands import Command, CommandKind
from controller.cycle import scan
from sim.weather import Weather
from supply_loop.bench import ZONE, Bench
from supply_loop.bound import GRID_S, HORIZON_S, Model, identify, least

LOADS = (0.3, 0.6, 1.0)
LOW_LOAD = 0.1
DESIGN_OUTDOOR, ROOM = -24.2, 20.0
SETTLE_S = 1.5 * 3600.0
OPEN_STEP, OPEN_S = 5.0, 300.0
STEP_K = 5.0
SEEN_K = 0.1
SENSOR_LAG_S = 12.0
NO_RAMP = {"supply.ramp": 1e7}
Change = Callable[[Bench], None]


class Trace:
    """The noise-free sensor and the valve, a value a scan."""

    def __init__(self, bench: Bench) -> None:
        self.shown = bench.zone.supply
        self.temperature = [self.shown]
        self.position = [100.0 * bench.valve.position]
        self._keep = exp(-bench.rig.dt / SENSOR_LAG_S)

    def __call__(self, bench: Bench) -> None:
        """Note this scan."""
        self.shown = bench.zone.supply + (self.shown - bench.zone.supply) * self._keep
        self.temperature.append(self.shown)
        self.position.append(100.0 * bench.valve.position)

    def since(self, start: float) -> np.ndarray:
        """Temperature less `start`."""
        return np.array(self.temperature) - start


def outdoor(load: float) -> float:
    """Outdoor temperature with this share of the design load."""
    return ROOM - load * (ROOM - DESIGN_OUTDOOR)


def steady(load: float, settings: Mapping[str, float]) -> Bench:
    """A bench in steady state at a share of the design load, under its own control."""
    bench = Bench(Weather.constant(outdoor(load)), settings={**settings, **NO_RAMP}, seed=5)
    bench.plant.primary.disturbance = 0.0
    bench.run(SETTLE_S)
    return bench


def held(load: float, settings: Mapping[str, float]) -> Bench:
    """The same, the valve held for half an hour."""
    bench = steady(load, settings)
    bench.held = 100.0 * bench.valve.motor
    bench.run(1800.0)
    return bench


def shift(bench: Bench, value: float) -> None:
    """A person shifts the heat curve by `value` K."""
    command = Command(CommandKind.WRITE, f"{ZONE}.heat_curve.shift", value, "bench", "bench")
    answer = bench.rig.station.check(command)
    assert answer.accepted, answer
    now = bench.plant.time
    scan(bench.rig.station, now, now, bench.rig.readings, [command])


def open_loop(load: float, settings: Mapping[str, float]) -> Model:
    """The loop at a load, from a step of the valve up and one down."""
    models = []
    for sign in (1.0, -1.0):
        bench = held(load, settings)
        trace = Trace(bench)
        assert bench.held is not None
        bench.held += sign * OPEN_STEP
        bench.run(OPEN_S, trace)
        models.append(identify(np.array(trace.position), trace.since(trace.temperature[0]), bench.rig.dt))
    return Model(*(float(np.mean([getattr(m, name) for m in models])) for name in Model.__slots__))


def primary_colder(bench: Bench) -> None:
    """Primary supply 15 K colder at once."""
    bench.plant.fault("station", "temperature_step", -15.0)


def pressure_doubled(bench: Bench) -> None:
    """Twice the primary pressure difference at once."""
    bench.plant.fault("station", "pressure_step", 1.0)


def flow_less(bench: Bench) -> None:
    """Secondary flow 30 % less at the same pump head: all resistance behind the pumps by 1/0.49."""
    network = bench.zone.network
    whole = bench.zone.exchanger_resistance + network.resistance  # type: ignore[attr-defined]
    network.main += whole * (1.0 / 0.7**2 - 1.0)
    network.renew()


LOAD_STEPS: dict[str, Change] = {
    "primary -15 K": primary_colder,
    "pressure x 2": pressure_doubled,
    "flow -30 %": flow_less,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One step: K·s of the run, K·s of the bound, overshoot in % of the step (NaN for a load step), whether
    the valve was at an end."""

    load: float
    what: str
    integral: float
    least: float
    overshoot: float
    at_end: bool

    @property
    def ratio(self) -> float:
        """IAE over IAE_LP."""
        return self.integral / self.least if self.least > 0.0 else float("nan")


def integral(errors: np.ndarray, dt: float) -> float:
    """Trapezoidal ∫|e| dt."""
    size = np.abs(errors)
    return float(dt * (size.sum() - 0.5 * (size[0] + size[-1])))


def setpoint_steps(load: float, model: Model, settings: Mapping[str, float]) -> list[Row]:
    """5 K down and, an hour later, back up."""
    bench = steady(load, settings)
    rows = []
    for what, value, sign in (("set-point -5 K", -STEP_K, -1.0), ("set-point +5 K", 0.0, 1.0)):
        before = bench.setpoint.value
        stood = 100.0 * bench.valve.position
        trace = Trace(bench)
        shift(bench, value)
        bench.run(HORIZON_S, trace)
        size = bench.setpoint.value - before
        answer = trace.since(before)
        wish = np.full(round(HORIZON_S / GRID_S) + 1, size)
        bound = least(model, bench.valve.stroke_time, wish, room=(-stood, 100.0 - stood))
        over = 100.0 * max(0.0, float((sign * (answer - size)).max())) / abs(size)
        rows.append(Row(load, what, integral(answer - size, bench.rig.dt), bound, over, _at_end(trace)))
        bench.run(3600.0)
    return rows


def load_steps(load: float, model: Model, settings: Mapping[str, float]) -> list[Row]:
    """The three disturbances, each from steady state."""
    rows = []
    for what, change in LOAD_STEPS.items():
        still = held(load, settings)
        answer = Trace(still)
        change(still)
        still.run(HORIZON_S, answer)
        drift = answer.since(answer.temperature[0])
        seen = float(np.argmax(np.abs(drift) > SEEN_K)) * still.rig.dt
        bench = steady(load, settings)
        stood = 100.0 * bench.valve.position
        trace = Trace(bench)
        change(bench)
        bench.run(HORIZON_S, trace)
        bound = least(model, bench.valve.stroke_time, -drift, seen, (-stood, 100.0 - stood), bench.rig.dt)
        errors = trace.since(bench.setpoint.value)
        rows.append(Row(load, what, integral(errors, bench.rig.dt), bound, float("nan"), _at_end(trace)))
    return rows


def at_rest(load: float, settings: Mapping[str, float]) -> float:
    """K·s over the horizon with nothing happening."""
    bench = steady(load, settings)
    trace = Trace(bench)
    bench.run(HORIZON_S, trace)
    return integral(trace.since(bench.setpoint.value), bench.rig.dt)


def low_load(settings: Mapping[str, float]) -> tuple[float, float]:
    """(± K, strokes a day) that remain at a tenth of the load, over two hours."""
    bench = steady(LOW_LOAD, settings)
    errors: list[float] = []
    travel = bench.valve.travel
    bench.run(7200.0, lambda b: errors.append(b.error))
    return 0.5 * (max(errors) - min(errors)), (bench.valve.travel - travel) * 12.0


def _at_end(trace: Trace) -> bool:
    return max(trace.position) > 99.9 or min(trace.position) < 0.1


def steps(sets: Mapping[str, Mapping[str, float]], loads: tuple[float, ...] = LOADS) -> None:
    """Run and print for every set of settings."""
    models = {load: open_loop(load, {}) for load in loads}
    for load, model in models.items():
        print(
            f"load {100 * load:3.0f} %: {model.gain:.3f} K/%, lag {model.lag:.0f} s, dead {model.dead:.1f} s"
            f" (fit {model.error:.3f} K)"
        )
    for name, settings in sets.items():
        print(f"{name}; targets: set-point steps 1.25 (aim 1.10) and 5 % overshoot, load steps 2.0 (aim 1.5)")
        print("load   step              IAE K·s   IAE_LP   ratio   overshoot")
        for load, model in models.items():
            print(f"{100 * load:3.0f} %  {'at rest':16} {at_rest(load, settings):8.0f}")
            for row in [*setpoint_steps(load, model, settings), *load_steps(load, model, settings)]:
                over = "" if row.overshoot != row.overshoot else f"{row.overshoot:8.1f} %"
                end = "  valve at its end" if row.at_end else ""
                print(
                    f"{100 * load:3.0f} %  {row.what:16} {row.integral:8.0f} {row.least:8.0f}"
                    f" {row.ratio:7.2f}   {over}{end}"
                )
        swing, strokes = low_load(settings)
        print(f"load {100 * LOW_LOAD:.0f} %: ± {swing:.2f} K (target 0.5), {strokes:.1f} strokes a day")
