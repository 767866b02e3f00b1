"""Sensors, transmitters, thermostat and heat meter against closed forms.

Lags and staircase are exact; the noise is that of a table of 8191 numbers; the meter counts a swinging flow.
"""

from functools import cache
from math import cos, exp, floor, log, pi, sin, sqrt

from sim.physics.heat_meter import HeatMeter
from sim.physics.sensor import Sensor, range_quantum
from sim.physics.terminals import Thermostat
from tests.sim.validation_cases import Comparison, worst

# What each lag stands for, s.
LAGS = {
    "pressure": 0.5,
    "flow": 3.0,
    "pocket": 12.0,
    "strapped on": 40.0,
    "room": 600.0,
    "outdoor": 900.0,
}
LOW, HIGH, BITS = -100.0, 1600.0, 12  # kPa
QUANTUM = 1700.0 / 4096.0
# Water of 60 °C at 1.6 MPa and the mean of 110 and 60 °C: kg/m3, J/(kg·K), IAPWS-97.
DENSITY_60, CAPACITY_85 = 983.86, 4196.7
SWING_PERIOD = 433.0  # s, no multiple of any interval
HOT, COLD = 110.0, 60.0
METER_INTERVALS = (2.0, 60.0)  # s, on mains and on battery


@cache
def step_response(lag: float) -> list[tuple[float, float, float]]:
    """(second, model, closed form) after a step from 20 to 60 °C, steps of a hundredth to a third of the
    lag, unequal."""
    sensor = Sensor("step", lag)
    sensor.settle(20.0)
    seconds, found = 0.0, []
    for i in range(60):
        dt = lag * (0.01 + 0.08 * (i % 5))
        seconds += dt
        found.append((seconds, sensor.step(dt, 60.0), 60.0 - 40.0 * exp(-seconds / lag)))
    return found


@cache
def staircase() -> list[tuple[float, float]]:
    """(true, shown) in kPa of a transmitter without noise, over the range and beyond both ends."""
    sensor = Sensor("steps", quantum=range_quantum(LOW, HIGH, BITS), low=LOW, high=HIGH, scale=1e-3)
    return [
        (0.01 * hundredth, sensor.step(1.0, 10.0 * hundredth)) for hundredth in range(-15_000, 165_001, 7)
    ]


def nearest_step(true: float) -> float:
    """kPa that a converter shows: the nearest whole step, within the range."""
    return min(HIGH, max(LOW, floor(true / QUANTUM + 0.5) * QUANTUM))


@cache
def swinging_meter(interval: float) -> list[tuple[float, float, float]]:
    """(hour, GJ of the meter, GJ in closed form) every ten minutes of a day at 20 m3/h ± 50 %."""
    meter = HeatMeter("swing", interval, noise=0.0)
    mean, turn = 20.0 / 3600.0, 2.0 * pi / SWING_PERIOD
    meter.settle(mean, HOT, COLD)
    found = []
    for second in range(1, 86401):
        meter.step(1.0, mean * (1.0 + 0.5 * sin(turn * (second - 0.5))), HOT, COLD)
        if second % 600 == 0:
            volume = mean * (second + 0.5 * (1.0 - cos(turn * second)) / turn)
            true = volume * DENSITY_60 * CAPACITY_85 * (HOT - COLD)
            found.append((second / 3600.0, 1e-9 * meter.energy, 1e-9 * true))
    return found


def lags() -> list[Comparison]:
    """Every lag of the plant, as a part of the step; what a thermostat makes of its own."""
    errors = [
        100.0 * (model - wanted) / 40.0 for lag in LAGS.values() for _, model, wanted in step_response(lag)
    ]
    thermostat = Thermostat("step", 80.0)
    thermostat.settle(60.0)
    tenths = 1
    while not thermostat.step(0.1, 100.0):
        tenths += 1
    return [
        Comparison(
            "sensors, step responses with lags of 0.5 s to 15 min",
            "sensor.py",
            "1 − e^(−t/T)",
            "%",
            0.1,
            worst(errors),
            1e-6,
        ),
        Comparison(
            "thermostat of 80 °C, 60 to 100 °C at once: acts after 10.4 s",
            "terminals.py",
            "15 s · ln 2",
            "s",
            0.2,
            abs(0.1 * tenths - 15.0 * log(2.0)),
            0.1,
        ),
    ]


def steps() -> list[Comparison]:
    """Staircase, noise and drift."""
    errors = [shown - nearest_step(true) for true, shown in staircase()]
    inside = [shown - true for true, shown in staircase() if LOW <= true <= HIGH]
    noisy = Sensor("noise", noise=0.03)
    shown = [noisy.step(1.0, 50.0) - 50.0 for _ in range(8191)]
    deviation = sqrt(sum(one * one for one in shown) / len(shown))
    drifting = Sensor("drift")
    drifting.settle(50.0)
    drifting.break_down("drift", 0.5)
    away = [drifting.step(60.0, 50.0) - 50.0 - 0.5 * minute / 60.0 for minute in range(1, 601)]

    def row(what: str, source: str, unit: str, limit: float, reached: float, held: float) -> Comparison:
        return Comparison(f"sensors, {what}", "sensor.py", source, unit, limit, reached, held)

    return [
        row("staircase of 12 bits over −100 … 1600 kPa", "range/2^12", "kPa", 1e-3, worst(errors), 1e-9),
        row(
            "its largest error less half a step",
            "range/2^13",
            "kPa",
            1e-3,
            max(0.0, worst(inside) - QUANTUM / 2),
            1e-9,
        ),
        row("deviation of the noise", "0.03 K", "%", 3.0, 100.0 * abs(deviation / 0.03 - 1.0), 3.0),
        row("drift of 0.5 K/h over 10 h", "closed form", "K", 1e-3, worst(away), 1e-9),
    ]


def meter() -> list[Comparison]:
    """A day of swinging flow by a meter on mains and one on battery."""
    found = []
    for interval in METER_INTERVALS:
        _, counted, true = swinging_meter(interval)[-1]
        what = f"heat meter of {interval:g} s, a day at 20 m³/h ± 50 %"
        source = "integral in closed form, IAPWS-97"
        error = 100.0 * abs(counted / true - 1.0)
        found.append(Comparison(what, "heat_meter.py", source, "%", 0.2, error, 0.2))
    return found
