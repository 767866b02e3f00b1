"""Plots of primary side, mixing, sensors, contacts, hot water and the whole plant, from the runs of their
comparisons."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.plant_page.style import OURS, REFERENCE, SECOND, THIRD
from tests.sim import validation_contacts as contact
from tests.sim import validation_hot_water as hot
from tests.sim import validation_mixing as mixed
from tests.sim import validation_plant as whole
from tests.sim import validation_primary as branch
from tests.sim import validation_sensors as sensor


def primary() -> Figure:
    """The supply that comes late, flow over the stroke, and a valve that chokes."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    late, flow, choke = figure.subplots(1, 3, width_ratios=(1.4, 1, 1))
    rows = branch.late_supply()
    hours = [hour for hour, _, _ in rows]
    at_once = [branch.at_once(3600.0 * hour) for hour in hours]
    late.plot(hours, at_once, ":", color=REFERENCE, lw=1.0, label="without delay")
    late.plot(hours, [model for _, model, _ in rows], color=OURS, label="model")
    late.plot(
        hours[::4], [wanted for _, _, wanted in rows][::4], "o", color=REFERENCE, ms=3, label="closed form"
    )
    late.set_xlabel("hours of ± 8 K outdoors")
    late.set_ylabel("primary supply, °C")
    late.set_xticks((0, 12, 24, 36, 48))
    late.set_ylim(75, 116)
    late.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.4)
    strokes = [0.01 * i for i in range(5, 101)]
    for clogged, colour, style, label in (
        (0.0, OURS, "-", "clean"),
        (0.7, SECOND, "--", "strainer 70 % clogged"),
    ):
        flows = [branch.branch(y, branch.HOT, clogged).flow_at(110e3) for y in strokes]
        flow.plot(strokes, flows, style, color=colour, label=label)
        by_hand = [branch.branch_by_hand(y, branch.HOT, 110e3, clogged) for y in branch.STROKES]
        flow.plot(branch.STROKES, by_hand, "o", color=colour, mec=REFERENCE, ms=4.5)
    flow.set_xlabel("stroke (points: by hand)")
    flow.set_ylabel("flow at 110 kPa, kg/s")
    flow.legend(loc="upper left")
    differences = list(range(10_000, 400_001, 5_000))
    kpa = [1e-3 * dp for dp in differences]
    free = [branch.branch_by_hand(0.6, 120.0, dp) for dp in differences]
    choke.plot(kpa, free, ":", color=REFERENCE, lw=1.0, label="not choking")
    choke.plot(
        kpa, [branch.choking_model(0.6, dp, branch.LOW) for dp in differences], color=OURS, label="model"
    )
    some = differences[2::10]
    by_hand = [branch.choked_by_hand(0.6, dp, branch.LOW) for dp in some]
    choke.plot([1e-3 * dp for dp in some], by_hand, "o", color=OURS, mec=REFERENCE, ms=4.5, label="IEC 60534")
    choke.set_xlabel("difference, kPa, at 120 °C")
    choke.set_ylabel("flow at 60 % of stroke, kg/s")
    choke.legend(loc="lower right")
    return figure


def mixing() -> Figure:
    """Flows of the three-way arrangement over the stroke, and the supply while the valve runs."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for speed, style in ((50.0, "-"), (30.0, "--"), (0.0, ":")):
        rows = mixed.states("three_way", speed)
        strokes = [one.stroke for one in rows]
        ways = (
            ("primary", OURS, [one.primary for one in rows], 0),
            ("bypass", SECOND, [one.bypass for one in rows], 1),
            ("users", THIRD, [one.users for one in rows], 2),
        )
        for name, colour, values, index in ways:
            label = name if speed == 50.0 else None
            left.plot(strokes, values, style, color=colour, label=label)
            left.plot(strokes, [one.solved[index] for one in rows], "o", color=colour, mec=REFERENCE, ms=4)
    left.set_xlabel("stroke; pump at 50, 30 (dashed), 0 Hz (dotted)")
    left.set_ylabel("kg/s (points: equations, fsolve)")
    left.set_ylim(-1, 42)
    left.legend(loc="upper right", ncols=3)
    rows = mixed.moving_valve()
    right.plot([second for second, _, _ in rows], [model for _, model, _ in rows], color=OURS, label="model")
    right.plot(
        [second for second, _, _ in rows][::10],
        [exact for _, _, exact in rows][::10],
        "o",
        color=REFERENCE,
        ms=3,
        label="mix in closed form",
    )
    right.set_xlabel("seconds; valve runs to 90 % and back to 20 %")
    right.set_ylabel("secondary supply, °C")
    right.legend(loc="upper right")
    return figure


def sensors() -> Figure:
    """Step responses by kind, the staircase of a pressure transmitter, and what a heat meter is out."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right, meter = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    _lags(left)
    _staircase(right)
    _meter(meter)
    return figure


def _lags(left: Axes) -> None:
    kinds = (
        ("pressure", THIRD, "-."),
        ("pocket", OURS, "-"),
        ("strapped on", SECOND, "--"),
        ("outdoor", REFERENCE, ":"),
    )
    for kind, colour, style in kinds:
        lag = sensor.LAGS[kind]
        rows = sensor.step_response(lag)
        seconds = [0.0, *(second for second, _, _ in rows)]
        left.plot(
            seconds, [20.0, *(model for _, model, _ in rows)], style, color=colour, label=f"{kind}, {lag:g} s"
        )
        some = rows[::6]
        left.plot(
            [second for second, _, _ in some],
            [want for _, _, want in some],
            "o",
            color=colour,
            mec=REFERENCE,
            ms=3.5,
        )
    left.set_xscale("log")
    left.set_xlabel("seconds after a step (points: closed form)")
    left.set_ylabel("shown after a step from 20 to 60")
    left.set_ylim(top=82)
    left.legend(loc="upper left", ncols=2)


def _staircase(right: Axes) -> None:
    window = [(true, shown) for true, shown in sensor.staircase() if 348.0 <= true <= 352.0]
    right.plot(
        [true for true, _ in window], [true for true, _ in window], ":", color=REFERENCE, lw=1.0, label="true"
    )
    right.plot(
        [true for true, _ in window], [shown for _, shown in window], color=OURS, label="shown, 12 bits"
    )
    some = window[::4]
    right.plot(
        [true for true, _ in some],
        [sensor.nearest_step(true) for true, _ in some],
        "o",
        color=REFERENCE,
        ms=2,
        label="range/2¹²",
    )
    right.set_xlabel("kPa; range −100 … 1600 kPa")
    right.set_ylabel("shown, kPa")
    right.legend(loc="upper left")


def _meter(meter: Axes) -> None:
    for interval, colour, style in zip(sensor.METER_INTERVALS, (OURS, SECOND), ("-", "--"), strict=True):
        counted = sensor.swinging_meter(interval)
        errors = [100.0 * (have / want - 1.0) for _, have, want in counted]
        meter.plot(
            [hour for hour, _, _ in counted], errors, style, color=colour, label=f"every {interval:g} s"
        )
    for limit in (-0.2, 0.2):
        meter.axhline(limit, color=REFERENCE, ls=":", lw=1.0)
    meter.set_ylim(-1.0, 1.4)
    meter.set_xticks((0, 6, 12, 18, 24))
    meter.set_xlabel("hours (dotted: limit of a day)")
    meter.set_ylabel("heat meter less closed form, %")
    meter.legend(loc="upper right")


def contacts() -> Figure:
    """What thermostat, suction switch and flood contact say, over what is true."""
    figure = Figure(figsize=(8.6, 3.2), layout="constrained")
    hot, pressure, flooded = figure.subplots(1, 3)
    for rate, colour, style in zip(contact.RAMPS, (THIRD, OURS, SECOND), ("-.", "-", "--"), strict=True):
        points = contact.thermostat_ramp(rate)
        hot.plot([p[1] for p in points], [p[2] for p in points], style, color=colour, label=f"{rate:g} K/s")
        closes, opens = contact.thermostat_rule(rate)
        hot.plot([closes, opens], [0.5, 0.5], "o", color=colour, mec=REFERENCE, ms=5)
    hot.set_xlabel("true, °C (points: closed form)")
    hot.set_title("thermostat of 80 °C, 10 K")
    hot.legend(loc="upper left", ncols=2)
    swing = [point for point in contact.suction_swing() if point[1] < 100.0]
    pressure.plot([p[1] for p in swing], [p[2] for p in swing], color=OURS)
    pressure.plot([contact.SUCTION, contact.RELEASED], [0.5, 0.5], "o", color=OURS, mec=REFERENCE, ms=5)
    pressure.set_xlabel("at the pumps, kPa (points: its rule)")
    pressure.set_title("suction switch of 50 kPa")
    for axis in (hot, pressure):
        axis.set_yticks((0, 1), ("open", "closed"))
        axis.set_ylim(-0.15, 1.55)
    colours, styles = (REFERENCE, THIRD, OURS, SECOND), (":", "-.", "-", "--")
    for inflow, colour, style in zip(contact.INFLOWS, colours, styles, strict=True):
        minutes = contact.flood(inflow)[::10]
        flooded.plot(
            [p[0] / 60.0 for p in minutes],
            [p[1] for p in minutes],
            style,
            color=colour,
            label=f"{inflow:g} m³/h",
        )
        if inflow > contact.GULLY:
            flooded.plot(contact.flood_rule(inflow) / 60.0, 10.0, "o", color=colour, mec=REFERENCE, ms=5)
    flooded.axhline(10.0, color=REFERENCE, lw=0.7)
    flooded.set_xlim(0, 60)
    flooded.set_ylim(-0.8, 31)
    flooded.set_xlabel("minutes (points: calculated)")
    flooded.set_ylabel("water on the floor, mm")
    flooded.set_title("flood contact at 10 mm")
    flooded.legend(loc="upper right", ncols=2)
    return figure


def hot_water() -> Figure:
    """Tap temperature over the draw, layers of the store, and what people draw."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right, drawn = figure.subplots(1, 3)
    rows = hot.taps()
    left.plot([draw for draw, _, _ in rows], [model for _, model, _ in rows], color=OURS, label="model")
    left.plot(
        [draw for draw, _, _ in rows],
        [wanted for _, _, wanted in rows],
        "o",
        color=OURS,
        mec=REFERENCE,
        ms=5,
        label="ε by NTU",
    )
    left.set_xlabel("draw, kg/s; primary 70 °C, 2.1 kg/s")
    left.set_ylabel("at the taps, °C")
    left.legend(loc="upper right")
    layers = hot.store()
    hours = [hour for hour, _, _ in layers]
    for index, colour, style, label in (
        (0, SECOND, "-", "top"),
        (5, THIRD, "--", "sixth"),
        (11, OURS, "-.", "bottom"),
    ):
        right.plot(hours, [model[index] for _, model, _ in layers], style, color=colour, label=label)
        some = layers[::4]
        right.plot(
            [hour for hour, _, _ in some],
            [solved[index] for _, _, solved in some],
            "o",
            color=colour,
            mec=REFERENCE,
            ms=3.5,
        )
    right.set_xlabel("hours (points: scipy)")
    right.set_ylabel("layers of the store, °C")
    right.legend(loc="lower right")
    minutes = hot.drawn_by_hour()
    drawn.stairs([sum(flows) / len(flows) for flows in minutes], color=OURS, label="30 days, mean")
    day = [minutes[hour][minute] for hour in range(24) for minute in range(60)]
    drawn.plot(
        [i / 60.0 for i in range(1440)], day, color="#e8c4a8", lw=0.4, zorder=0, label="a day, minutes"
    )
    middles = [hour + 0.5 for hour in range(24)]
    drawn.plot(middles, hot.wanted_by_hour(), "o", color=OURS, mec=REFERENCE, ms=3.5, label="weights")
    drawn.set_xlabel("hour of the day, 200 flats")
    drawn.set_ylabel("draw, kg/s")
    drawn.set_xticks((0, 6, 12, 18, 24))
    drawn.set_ylim(0, 1.3)
    drawn.legend(loc="upper left")
    return figure


def plant() -> Figure:
    """A day of the station in which all moves, and what its ledgers of heat and water leave open."""
    figure = Figure(figsize=(8.6, 5.2), layout="constrained")
    (day, error), (heat, water) = figure.subplots(2, 2, sharex=True)
    _, moments = whole.moving_day()
    hours = [moment.hour for moment in moments]
    for label, colour, style, values in (
        ("primary supply", SECOND, "--", [m.primary_supply for m in moments]),
        ("secondary supply", SECOND, "-", [m.supply for m in moments]),
        ("primary return", OURS, "--", [m.primary_return for m in moments]),
        ("secondary return", OURS, "-", [m.back for m in moments]),
        ("outdoor", REFERENCE, ":", [m.outdoor for m in moments]),
    ):
        day.plot(hours, values, style, color=colour, label=label, lw=1.0)
    day.set_ylabel("°C")
    day.set_ylim(-30, 185)
    day.set_yticks((0, 50, 100))
    day.legend(loc="upper left", ncols=2)
    for axis, unit, came, left, held, stays in (
        (heat, "GJ", "heat_came", "heat_lost", "heat_stored", "stored"),
        (water, "m³", "water_came", "water_left", "water_held", "held"),
    ):
        ways = (
            ("in", came, SECOND, "-", 1.0),
            ("out", left, OURS, "--", -1.0),
            (stays, held, THIRD, "-.", -1.0),
        )
        for label, name, colour, style, sign in ways:
            values = [sign * getattr(moment, name) for moment in moments]
            axis.plot(hours, values, style, color=colour, label=label if sign > 0.0 else f"– {label}")
        sums = [getattr(m, came) - getattr(m, left) - getattr(m, held) for m in moments]
        axis.plot(hours[::6], sums[::6], "o", color=REFERENCE, ms=2.6, label="sum")
        axis.set_ylabel(f"since the start, {unit}")
        axis.set_xlabel("hours")
        axis.legend(loc="upper left", ncols=2)
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + 0.25 * (high - low))
    turnovers = (moments[-1].heat_came, moments[-1].water_came)
    heat_left = [100.0 * abs(m.heat_error) / turnovers[0] for m in moments[1:]]
    water_left = [100.0 * abs(m.water_error) / turnovers[1] for m in moments[1:]]
    error.plot(hours[1:], heat_left, color=SECOND, label="heat")
    error.plot(hours[1:], water_left, "--", color=OURS, label="water")
    error.axhline(0.1, color=REFERENCE, ls=":", lw=1.0, label="limit")
    error.set_yscale("log")
    error.set_ylim(1e-15, 1e3)
    error.set_yticks((1e-15, 1e-10, 1e-5, 1))
    error.set_ylabel("sum, % of all that came in")
    error.legend(loc="upper right", ncols=3)
    error.set_xticks((0, 6, 12, 18, 24))
    error.set_xlim(0, 24)
    return figure
