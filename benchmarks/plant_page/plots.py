"""The plots of docs/plant.md: each function draws one figure from the runs that the comparisons use.

Figures are PNG with few colours and no date, so that the same run gives the same file on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.plant_page.station_plots import contacts, hot_water, mixing, plant, primary, sensors
from benchmarks.plant_page.style import COLOURS, DPI, OURS, REFERENCE, SECOND, STYLE, THIRD
from sim.physics.building import Building
from sim.physics.exchanger import effectiveness
from sim.physics.pressure import ElasticLoop
from sim.physics.pump import Pump, PumpCurve
from sim.physics.riser import Riser
from sim.physics.water import density, heat_capacity, saturation_pressure
from tests.sim import validation_dymola as dymola
from tests.sim import validation_exchanger as exchanger
from tests.sim import validation_floors as floors
from tests.sim import validation_heat as heat
from tests.sim import validation_hydraulics as hydraulics
from tests.sim import validation_pongau as pongau
from tests.sim import validation_vdi6007 as vdi6007


def vdi() -> Figure:
    """Cases 1 to 4: model and table in the first row, difference in the second."""
    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    axes = figure.subplots(2, 4, sharex=True, height_ratios=(2, 1))
    for column, number in enumerate(sorted(vdi6007.CASES)):
        top, bottom = axes[0][column], axes[1][column]
        found = list(vdi6007.hourly(number).values())
        top.plot([wanted for _, wanted in found], ".", color=REFERENCE, ms=3, label="VDI 6007-1")
        for day, begin in enumerate((0, 25, 49)):
            hours = range(begin, min(len(found), 25 + 24 * day))
            models = [found[hour][0] for hour in hours]
            top.plot(hours, models, color=OURS, label=None if day else "model")
            bottom.plot(hours, [found[hour][0] - found[hour][1] for hour in hours], color=OURS)
        for limit in (-vdi6007.TOLERANCE, vdi6007.TOLERANCE):
            bottom.axhline(limit, color=SECOND, ls="--", lw=0.9)
        bottom.set_ylim(-0.16, 0.16)
        top.set_title(f"case {number}")
        bottom.set_xticks((1, 25, 49), ("day 1", "day 10", "day 60"), ha="left")
    axes[0][0].set_ylabel("air, °C")
    axes[1][0].set_ylabel("difference, K")
    axes[0][0].legend(loc="lower right")
    return figure


def station_day() -> Figure:
    """The Dymola station: supply, return and heat of 24 h."""
    figure = Figure(figsize=(8.6, 5.4), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    compared = dymola.run(dymola.NTU)
    hours = [one.row["t_s"] / 3600.0 for one in compared]
    rows = (
        (
            "secondary supply, °C",
            [one.row["T2_out_C"] for one in compared],
            [one.outlet2 for one in compared],
        ),
        ("primary return, °C", [one.row["T1_out_C"] for one in compared], [one.outlet1 for one in compared]),
        (
            "heat, kW",
            [1e-3 * one.reference_heat() for one in compared],
            [1e-3 * one.heat() for one in compared],
        ),
    )
    for axis, (label, reference, ours) in zip(axes, rows, strict=True):
        axis.plot(hours, reference, "o", color=REFERENCE, ms=2.6, label="Dymola")
        axis.plot(hours, ours, color=OURS, label="model")
        axis.set_ylabel(label)
    axes[0].set_ylim(49.0, 51.0)
    axes[0].legend(loc="upper right", ncols=2)
    axes[-1].set_xlabel("hour of the day")
    axes[-1].set_xlim(0, 24)
    return figure


def pipes() -> Figure:
    """The week in Pongau at points 2, 3 and 4."""
    figure = Figure(figsize=(8.6, 6.0), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    written, theirs = pongau.run(coaxial=True), pongau.run(coaxial=False)
    for axis, number in zip(axes, (2, 3, 4), strict=True):
        measured = theirs[number].measured
        days = [(7 * 96 - len(measured) + i) / 96 for i in range(len(measured))]
        axis.plot(days, measured, color=REFERENCE, lw=1.6, label="measured")
        assumed = [value + error for value, error in zip(measured, theirs[number].metered, strict=True)]
        honest = [
            value + error for value, error in zip(written[number].measured, written[number].bare, strict=True)
        ]
        axis.plot(days, assumed, color=SECOND, lw=1.0, label="model, Dymola's two assumptions")
        axis.plot(days, honest, color=OURS, lw=1.0, ls="--", label="model, written geometry")
        axis.set_ylabel(f"point {number}, °C")
    axes[0].legend(loc="lower right", ncols=3)
    axes[-1].set_xlabel("day")
    axes[-1].set_xlim(0, 7)
    return figure


def plates() -> Figure:
    """Effectiveness over NTU with the table's points."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    ntus = [0.05 * i for i in range(121)]
    for ratio, colour, style in ((0.3, OURS, "-"), (0.5, SECOND, "--"), (1.0, THIRD, "-.")):
        axis.plot(
            ntus, [effectiveness(ntu, ratio) for ntu in ntus], style, color=colour, label=f"Z = {ratio:g}"
        )
        points = [(ntu, eps) for ntu, z, eps in exchanger.TABLE if z == ratio]
        axis.plot(*zip(*points, strict=True), "o", color=colour, mec=REFERENCE, ms=5)
    axis.set_xlabel("NTU")
    axis.set_ylabel("effectiveness (points: table)")
    axis.set_ylim(0, 1.02)
    axis.legend(loc="lower right")
    return figure


def valve() -> Figure:
    """Installed characteristic by authority, out of Kv and resistance."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    strokes = [0.01 * i for i in range(101)]
    colours = (REFERENCE, OURS, SECOND, THIRD)
    for (authority, expected), colour in zip(hydraulics.INSTALLED.items(), colours, strict=True):
        flow = [hydraulics.installed_share(authority, stroke) for stroke in strokes]
        axis.plot(strokes, flow, color=colour, label=f"authority {authority:g}")
        axis.plot(hydraulics.STROKES, expected, "o", color=colour, mec=REFERENCE, ms=4.5)
    axis.set_xlabel("stroke")
    axis.set_ylabel("share of the full flow (points: table)")
    axis.legend(loc="upper left")
    return figure


def pumps() -> Figure:
    """Head, shaft and electric power of the demo's pump at five speeds, points by the affinity laws."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    nominal = 116.0 / 3600.0
    curve = PumpCurve(nominal, 200e3)
    # The darker, the faster.
    for hertz, shade in ((25, 0.75), (30, 0.6), (35, 0.45), (40, 0.3), (50, 0.0)):
        speed = hertz / 50.0
        flows = [1.5 * nominal * speed * i / 60.0 for i in range(61)]
        colour = (shade, 0.45 + 0.35 * shade, 0.7 + 0.2 * shade)
        hourly = [3600 * v for v in flows]
        left.plot(hourly, [1e-3 * curve.head(v, speed) for v in flows], color=colour, label=f"{hertz} Hz")
        right.plot(hourly, [1e-3 * curve.shaft_power(v, speed) for v in flows], color=colour)
        right.plot(hourly, [electric_power(curve, v, speed) for v in flows], "--", color=colour, lw=0.9)
        for share in (0.0, 0.5, 1.0, 1.3):
            power = curve.shaft_power(share * nominal, 1.0)
            head = curve.head(share * nominal, 1.0)
            left.plot(3600 * share * nominal * speed, 1e-3 * speed**2 * head, "o", color=REFERENCE, ms=3)
            right.plot(3600 * share * nominal * speed, 1e-3 * speed**3 * power, "o", color=REFERENCE, ms=3)
    for axis, label in ((left, "head, kPa"), (right, "power, kW: shaft, electric (dashed)")):
        axis.set_xlabel("flow, m³/h (points: affinity laws)")
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
    left.legend(loc="upper right")
    return figure


def electric_power(curve: PumpCurve, flow: float, speed: float) -> float:
    """kW that the pump takes from the mains at `flow` m3/s."""
    pump = Pump(curve)
    pump.settle(True, speed)
    pump.load(flow)
    return 1e-3 * pump.power


def loop() -> Figure:
    """Pressure of a closed loop that warms up, and of one that leaks, for three gas contents."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = ((OURS, "-", "no gas"), (SECOND, "--", "0.1 % air"), (THIRD, "-.", "0.75 m³ of vessel gas"))
    for (gas, air, slope), (colour, style, label) in zip(hydraulics.ELASTICITY, styles, strict=True):
        warm = ElasticLoop(40.0, gas, air)
        warm.fill(350e3, 50.0)
        rise = [0.05 * i for i in range(61)]
        pressures = [1e-3 * warm.step(1.0, 0.0, 50.0 + kelvin) for kelvin in rise]
        left.plot(rise, pressures, style, color=colour, label=f"{label} ({slope:g} kPa/K)")
        left.plot(rise[:9], [350.0 + slope * kelvin for kelvin in rise[:9]], ":", color=REFERENCE, lw=1.0)
        leaking = ElasticLoop(40.0, gas, air)
        leaking.fill(350e3, 50.0)
        leak = 0.01 * 40.0 / 3600.0 * density(50.0)
        minutes, falling = [0.0], [350.0]
        while falling[-1] > 50.0:
            minutes.append(minutes[-1] + 0.1)
            falling.append(1e-3 * leaking.step(6.0, -leak, 50.0))
        right.plot(minutes[1:], falling[1:], style, color=colour, label=label)
    for _, minutes_to in hydraulics.LEAKS:
        right.plot(minutes_to, 50.0, "o", color=REFERENCE, ms=5)
    left.set_xlabel("warming, K (dotted: calculated slope)")
    left.set_ylabel("pressure, kPa")
    left.set_ylim(300, 1200)
    left.legend(loc="lower right", bbox_to_anchor=(1.0, 0.1))
    right.set_xlabel("minutes of a leak of 1 %/h (points: calculated)")
    right.set_xscale("log")
    right.set_xlim(0.1, 100)
    right.set_ylim(0, 360)
    return figure


def water() -> Figure:
    """Errors of the three polynomials against IAPWS-97 at 0.6 MPa."""
    import iapws

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axis = figure.subplots()
    celsius = [1, *range(5, 151, 5)]
    exact = [iapws.IAPWS97(T=t + 273.15, P=0.6) for t in celsius]
    boiling = [iapws.IAPWS97(T=t + 273.15, x=0.0) for t in celsius]
    pairs = list(zip(celsius, exact, strict=True))
    rho = [100 * (density(t) / one.rho - 1) for t, one in pairs]
    cp = [100 * (heat_capacity(t) / one.cp / 1e3 - 1) for t, one in pairs]
    boil = [100 * (saturation_pressure(t) / one.P / 1e6 - 1) for t, one in zip(celsius, boiling, strict=True)]
    axis.plot(celsius, rho, color=OURS, label="density")
    axis.plot(celsius, cp, "--", color=SECOND, label="heat capacity")
    axis.plot(celsius, boil, "-.", color=THIRD, label="boiling pressure")
    axis.set_ylim(-0.11, 0.11)
    axis.set_xlabel("°C")
    axis.set_ylabel("error at 0.6 MPa, % (limit 0.1)")
    axis.legend(loc="upper left", ncols=3)
    return figure


def cooling() -> Figure:
    """A day without heat at -24 °C for three time constants."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    for (hours, expected), colour in zip(heat.COOLED, (SECOND, OURS, THIRD), strict=True):
        building: Building = heat.nominal(hours)
        building.settle(-24.0, 20.0, 0.35)
        air, walls = [building.air], [building.interior]
        for _ in range(24 * 6):
            building.step(600.0, -24.0, 0.0, 0.0)
            air.append(building.air)
            walls.append(building.interior)
        times = [i / 6 for i in range(len(air))]
        axis.plot(times, walls, color=colour, label=f"{hours} h: walls")
        axis.plot(times, air, "--", color=colour, label="air")
        axis.plot(12, expected, "o", color=colour, mec=REFERENCE, ms=5)
    axis.set_xlabel("hours without heat (points: one node, calculated)")
    axis.set_ylabel("°C")
    axis.set_xlim(0, 24)
    axis.set_xticks(range(0, 25, 4))
    axis.legend(loc="lower left", ncols=3)
    return figure


def surfaces() -> Figure:
    """Returns of the radiators over the supply of the heat curve, and heat by load."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    supplies, returns, loads, ideal = [], [], [], []
    for outdoor in range(-24, 9):
        q = (20.0 - outdoor) / 44.2
        supply = 20.0 + 32.5 * q ** (1 / 1.3) + 7.5 * q
        heater = heat.radiators()
        supplies.append(supply)
        returns.append(heater.settle(supply, heat.FLOW, 20.0))
        loads.append(100.0 * heater.heat / heat.LOAD)
        ideal.append(100.0 * q)
    outdoors = list(range(-24, 9))
    left.plot(outdoors, supplies, color=SECOND, ls="--", label="supply (given)")
    left.plot(outdoors, returns, color=OURS, label="return, model")
    left.plot(
        [point[0] for point in heat.HEAT_CURVE],
        [point[2] for point in heat.HEAT_CURVE],
        "o",
        color=REFERENCE,
        ms=5,
        label="return, calculated",
    )
    left.set_xlabel("outdoor, °C")
    left.set_ylabel("°C")
    left.legend(loc="upper right")
    errors = [have - want for have, want in zip(loads, ideal, strict=True)]
    right.plot(outdoors, errors, color=OURS)
    right.set_ylim(-2, 2)
    right.set_xlabel("outdoor, °C")
    right.set_ylabel("heat less demand, % of design")
    return figure


def floor_heating() -> Figure:
    """Heat of a floor by its own and by the water's temperature, and a floor that cools in a warm room."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    settled = floors.emission()
    heats = [heat for _, _, heat in settled]
    left.plot([floor for floor, _, _ in settled], heats, color=OURS, label="over the floor, model")
    left.plot([water for _, water, _ in settled], heats, "--", color=SECOND, label="over the water, model")
    excesses = range(1, 12)
    left.plot(excesses, [floors.given(k) for k in excesses], "o", color=OURS, mec=REFERENCE, ms=4.5)
    for load in range(10, 131, 20):
        left.plot(floors.water_excess_for(load), load, "o", color=SECOND, mec=REFERENCE, ms=4.5)
    left.axvline(9.0, color=REFERENCE, ls=":", lw=1.0)
    left.set_xlabel("above the room, K (points: EN 1264; dotted: its 9 K)")
    left.set_ylabel("W/m²")
    left.set_ylim(0, 165)
    left.legend(loc="upper left")
    for exponent, colour, style in ((floors.EXPONENT, OURS, "-"), (1.0, SECOND, "--")):
        rows = floors.cooling(exponent)
        label = f"n = {exponent:g}, model"
        right.plot([h for h, _, _ in rows], [have for _, have, _ in rows], style, color=colour, label=label)
        some = rows[:: 3 * 60]
        right.plot([h for h, _, _ in some], [w for _, _, w in some], "o", color=colour, mec=REFERENCE, ms=4.5)
    right.set_xlabel("hours without flow (points: closed form, RC)")
    right.set_ylabel("floor, °C; room 20 °C")
    right.set_xticks(range(0, floors.HOURS + 1, 6))
    right.legend(loc="upper right")
    return figure


def riser() -> Figure:
    """Standing water in a bare riser at -10 °C: temperature, and ice after it."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (start, minutes), colour in zip(heat.RISER, (OURS, SECOND), strict=True):
        pipe = Riser(temperature=start)
        temperature, ice = [start], [0.0]
        for _ in range(12 * 60):
            for _ in range(12):
                pipe.step(5.0, 0.0, 0.0, -24.0, 20.0)
            temperature.append(pipe.temperature)
            ice.append(100.0 * pipe.ice)
        times = [float(i) for i in range(len(ice))]
        left.plot(times[:180], temperature[:180], color=colour, label=f"from {start:g} °C")
        left.plot(minutes, 0.0, "o", color=colour, mec=REFERENCE, ms=5)
        right.plot([t / 60 for t in times], ice, color=colour)
    left.set_xlabel("minutes (points: calculated)")
    left.set_ylabel("°C")
    left.legend(loc="upper right")
    right.axhline(5.0, color=REFERENCE, ls=":", lw=1.0)
    right.set_xlabel("hours (dotted: blocked from 5 %)")
    right.set_ylabel("ice, %")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "vdi6007": vdi,
    "station": station_day,
    "pipes": pipes,
    "exchanger": plates,
    "valve": valve,
    "pump": pumps,
    "loop": loop,
    "water": water,
    "cooling": cooling,
    "radiator": surfaces,
    "floor_heating": floor_heating,
    "riser": riser,
    "primary": primary,
    "mixing": mixing,
    "sensors": sensors,
    "contacts": contacts,
    "hot_water": hot_water,
    "plant": plant,
}


def draw(folder: Path, names: Iterable[str] = FIGURES) -> None:
    """Write the figures `names` (all) as FOLDER/name.png. Raises KeyError for a name that is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with mpl.rc_context(STYLE):
            figure = FIGURES[name]()
            figure.set_dpi(DPI)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(folder / f"{name}.png", optimize=True)
