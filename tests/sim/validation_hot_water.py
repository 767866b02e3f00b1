"""Hot water: tap temperature against NTU, store against scipy's integration, line and taps in closed form."""

from functools import cache
from math import exp, sqrt

from sim.physics.draw_off import HOUSING, DrawOff
from sim.physics.exchanger import Exchanger
from sim.physics.hot_water import HotWater, Storage
from tests.sim.validation_cases import Comparison, worst

CP1, CP = 4210.0, 4180.0
UA, PRIMARY, SECONDARY = 24.3e3, 2.1, 1.7  # W/K, kg/s: the design point of 200 flats
CIRCULATION, LINE_LOSS = 0.3, 300.0  # kg/s, W/K
COLD, ROOM, HOT = 10.0, 15.0, 70.0
DRAWS = (0.1, 0.3, 0.6, 1.0, 1.4, 1.7)
STORE, STORE_LOSS, LAYERS = 2000.0, 8.0, 12
HOUR = 3600.0


def new_exchanger() -> Exchanger:
    """That of the defaults."""
    return Exchanger(UA, PRIMARY, SECONDARY, CP1, CP, 15.0 * CP, 30e3)


@cache
def taps() -> list[tuple[float, float, float]]:
    """(draw kg/s, model, reference) of the temperature at the taps at rest, primary at 70 °C and 2.1 kg/s."""
    found = []
    for draw in DRAWS:
        water = HotWater(new_exchanger(), None, CIRCULATION, LINE_LOSS, COLD, ROOM)
        water.fill(50.0)
        for _ in range(720):
            water.step(5.0, HOT, PRIMARY, 0.0, draw)
        found.append((draw, water.supply, _tap_by_ntu(draw)))
    return found


def _tap_by_ntu(draw: float) -> float:
    """Exchanger, line and mixing of cold with returning water, solved together."""
    from scipy.optimize import brentq

    flow = draw + CIRCULATION
    film = 2.0 * UA
    ua = 1.0 / (1.0 / film + 1.0 / (film * (flow / SECONDARY) ** 0.8))
    c1, c2 = PRIMARY * CP1, flow * CP
    least, most = min(c1, c2), max(c1, c2)
    ntu, ratio = ua / least, least / most
    fade = exp(-ntu * (1.0 - ratio))
    effectiveness = (1.0 - fade) / (1.0 - ratio * fade)

    def missing(supply: float) -> float:
        back = ROOM + (supply - ROOM) * exp(-LINE_LOSS / (CIRCULATION * CP))
        inlet = (draw * COLD + CIRCULATION * back) / flow
        return inlet + effectiveness * least * (HOT - inlet) / c2 - supply

    return float(brentq(missing, COLD, HOT, xtol=1e-10))


def _plan(hour: float) -> tuple[float, float, float]:
    """Charge kg/s, its °C and draw kg/s: morning draw, charging over it, charging alone, rest."""
    if hour < 1.0:
        return 0.0, 60.0, 0.4
    if hour < 2.0:
        return 0.9, 60.0, 0.5
    return (0.6, 62.0, 0.0) if hour < 3.0 else (0.0, 60.0, 0.0)


@cache
def store() -> list[tuple[float, tuple[float, ...], tuple[float, ...]]]:
    """(hour, model's layers, reference's) every five minutes of six hours, steps of 5 s.

    Reference: the layers as differential equations, integrated by scipy to 1e-8."""
    from scipy.integrate import solve_ivp

    layer = STORE / LAYERS
    tank = Storage(STORE, STORE_LOSS, 60.0, ROOM)
    solved = [60.0] * LAYERS
    found = []

    def slopes(charge: float, hot: float, draw: float) -> object:
        def change(_: float, layers: list[float]) -> list[float]:
            down = charge - draw
            inner = []
            for i, here in enumerate(layers):
                gain = -STORE_LOSS / LAYERS / CP * (here - ROOM)
                if i == 0:
                    gain += charge * (hot - here)
                elif down > 0.0:
                    gain += down * (layers[i - 1] - here)
                if i == LAYERS - 1:
                    gain += draw * (COLD - here)
                elif down < 0.0:
                    gain -= down * (layers[i + 1] - here)
                inner.append(gain / layer)
            return inner

        return change

    for part in range(72):
        charge, hot, draw = _plan(part / 12.0)
        for _ in range(60):
            tank.step(5.0, charge, hot, draw, COLD)
        run = solve_ivp(slopes(charge, hot, draw), (0.0, 300.0), solved, rtol=1e-8, atol=1e-8)
        solved = [float(value) for value in run.y[:, -1]]
        found.append(((part + 1) / 12.0, tuple(tank.layers), tuple(solved)))
    return found


def store_heat() -> float:
    """Heat of the six hours that is not accounted for, as a part of what was charged."""
    tank = Storage(STORE, STORE_LOSS, 60.0, ROOM)
    before, came, went = tank.stored_heat(), 0.0, 0.0
    for step in range(6 * 720):
        charge, hot, draw = _plan(step / 720.0)
        top, bottom = tank.top(), tank.bottom()
        tank.step(5.0, charge, hot, draw, COLD)
        came += 5.0 * CP * charge * (hot - bottom)
        went += 5.0 * (CP * draw * (top - COLD) + tank.loss)
    return abs(came - went - (tank.stored_heat() - before)) / came


def instantaneous() -> list[Comparison]:
    """Tap temperature and a standing line."""
    line = HotWater(new_exchanger(), None, CIRCULATION, LINE_LOSS, COLD, ROOM)
    line.fill(55.0)
    errors = []
    for hour in range(1, 13):
        for _ in range(720):
            line.step(5.0, 55.0, 0.0, 0.0, 0.0, circulating=False)
        errors.append(line.circulation_return - (ROOM + 40.0 * exp(-hour / 6.0)))
    return [
        Comparison(
            "hot water, taps of 0.1–1.7 kg/s with circulation",
            "hot_water.py",
            "ε by NTU, scipy brentq",
            "K",
            0.1,
            worst([model - wanted for _, model, wanted in taps()]),
            0.02,
        ),
        Comparison(
            "hot water, line that stands for 12 h",
            "hot_water.py",
            "closed form, 6 h",
            "K",
            0.1,
            worst(errors),
            1e-6,
        ),
    ]


def storage() -> list[Comparison]:
    """Layers while drawn and charged, heat, and a night of standing."""
    errors = [have - want for _, model, solved in store() for have, want in zip(model, solved, strict=True)]
    standing = Storage(STORE, STORE_LOSS, 60.0, ROOM)
    for _ in range(24 * 60):
        standing.step(60.0, 0.0, 60.0, 0.0, COLD)
    cooled = ROOM + 45.0 * exp(-24.0 * HOUR * STORE_LOSS / (STORE * CP))
    return [
        Comparison(
            "hot water, 12 layers over 6 h of draw and charge, steps of 5 s",
            "hot_water.py",
            "differential equations, scipy solve_ivp",
            "K",
            0.5,
            worst(errors),
            0.2,
        ),
        Comparison(
            "hot water, heat of these 6 h",
            "hot_water.py",
            "conservation",
            "%",
            0.1,
            100.0 * store_heat(),
            1e-6,
        ),
        Comparison(
            "hot water, store that stands for a day",
            "hot_water.py",
            "closed form",
            "K",
            0.1,
            abs(standing.top() - cooled),
            1e-6,
        ),
    ]


FLATS, DAILY, TAP, DRAW_DAYS = 200, 87.5, 0.1, 30  # -, kg a flat and day, kg/s, -


@cache
def drawn_by_hour() -> list[list[float]]:
    """kg/s of every minute of 30 days that 200 flats draw, by the hour of the day."""
    profile = DrawOff("mean", FLATS, DAILY, hours_ahead=0.0)
    found: list[list[float]] = [[] for _ in range(24)]
    for minute in range(DRAW_DAYS * 1440):
        found[minute // 60 % 24].append(profile.at(60.0 * minute))
    return found


def wanted_by_hour() -> list[float]:
    """kg/s of each hour by the weights of housing."""
    return [FLATS * DAILY * weight / sum(HOUSING) / 3600.0 for weight in HOUSING]


def draw_off() -> list[Comparison]:
    """What 200 flats draw in 30 days, and how it is spread.

    Taps that open by chance are Poisson numbers: their variance is their mean."""
    total, spread, away = 0.0, 0.0, []
    for minutes, want in zip(drawn_by_hour(), wanted_by_hour(), strict=True):
        count = len(minutes)
        mean = sum(minutes) / count
        total += 60.0 * sum(minutes)
        spread += sum((flow - mean) ** 2 for flow in minutes) / (count - 1) / (mean * TAP) / 24.0
        away.append((mean - want) / sqrt(want * TAP / count))

    def row(what: str, reference: str, unit: str, limit: float, reached: float) -> Comparison:
        return Comparison(f"hot water, {what}", "draw_off.py", reference, unit, limit, reached, limit)

    whole = FLATS * DAILY * DRAW_DAYS
    less = 100.0 * abs(total / whole - 1.0)
    return [
        row("what 200 flats draw in 30 days", "30 · 200 · 87.5 kg", "%", 1.0, less),
        row(
            "each hour of these days, worst of 24",
            "weights of the profile",
            "standard errors",
            3.5,
            worst(away),
        ),
        row("spread of the minutes, mean of 24 hours", "Poisson", "%", 5.0, 100.0 * abs(spread - 1.0)),
    ]
