"""The floor of speed: one station and its building as one plain Python function on float locals.

Nothing in Python without compiled help steps such a plant faster, so other benchmarks report their
time as a multiple of this one, timed in the same run on the same machine. The numbers are those of
the nominal station (2 MW, 50 000 m²); every line of the loop is one of these equations.

    outdoor      To = -10 + 5·cos(2π t/day), by rotating a vector
    demand       Ts* = 60 - 0.8·(To + 24.2), held within 30 … 65 °C
    PI           u = Kp·e + I;  I += Kp/Ti·e·dt, stopped while u is at its end;  Kp 0.02 1/K, Ti 120 s
    valve        y follows u at no more than 1/120 s;  φ = R^(y-1), R 50;  m1 = m10/√(1 - a + a/φ²), a 0.5
    exchanger    UA = 1/(1/hA1 + 1/hA2), hA1 ~ (m1/m10)^0.8;  counter-flow ε(NTU, Z);
                 Q = ε·C1·(T1 - Tr);  the supply sensor follows Tr + Q/C2 with 15 s
    radiators    Qr = G·((Ts + Tr)/2 - Ta)^1.3;  return loop of V = 36 m³:  dTr/dt = (C2·(Ts - Tr) - Qr)/Cw
    building     air node:    Ca·dTa/dt = Qr + Gm·(Tm - Ta) - Gv·(Ta - To)
                 mass node:   Cm·dTm/dt = Gm·(Ta - Tm) - Gw·(Tm - To)

Sources: exchanger and valve as in the Modelica Buildings library (DHC/ETS), EN 442 (exponent 1.3), a
nominal station of 40 W/m² with 110/60 and 60/45 °C; the capacities give a time constant of about 100 h.
"""

import argparse
import math
from time import process_time


def simulate(days: float, dt: float) -> tuple[float, float, float, float]:
    """Steps the plant and returns the last supply, return, room (°C) and valve position (0 … 1)."""
    steps = round(days * 86400 / dt)
    turn_cos = math.cos(2 * math.pi * dt / 86400)
    turn_sin = math.sin(2 * math.pi * dt / 86400)
    wave_cos, wave_sin = 1.0, 0.0

    primary_temperature = 110.0  # °C
    primary_nominal = 9.5  # kg/s
    secondary_capacity = 31.9 * 4180.0  # W/K
    film = 138e3  # W/K each side, 69 kW/K together
    secondary_resistance = 1 / film
    rangeability, authority = 50.0, 0.5
    gain, integral_time = 0.02, 120.0  # 1/K, s
    travel = dt / 120.0
    supply_lag = dt / 15.0
    loop_capacity = 36e3 * 4.18e3  # J/K
    radiator = 2.0e6 / 32.5**1.3  # W/K^1.3
    air_capacity, mass_capacity = 1.0e9, 16.0e9  # J/K
    air_to_mass, air_to_outdoor, mass_to_outdoor = 400e3, 20e3, 25e3  # W/K

    supply, back, air, mass = 49.0, 39.0, 20.0, 18.0
    position, integral = 0.5, 0.5

    for _ in range(steps):
        wave_cos, wave_sin = (
            wave_cos * turn_cos - wave_sin * turn_sin,
            wave_sin * turn_cos + wave_cos * turn_sin,
        )
        outdoor = -10.0 + 5.0 * wave_cos

        demand = 60.0 - 0.8 * (outdoor + 24.2)
        if demand > 65.0:
            demand = 65.0
        elif demand < 30.0:
            demand = 30.0

        error = demand - supply
        command = gain * error + integral
        if command > 1.0:
            command = 1.0
        elif command < 0.0:
            command = 0.0
        else:
            integral += gain / integral_time * error * dt

        move = command - position
        if move > travel:
            move = travel
        elif move < -travel:
            move = -travel
        position += move

        opening = rangeability ** (position - 1.0)
        relative = 1.0 / math.sqrt(1.0 - authority + authority / (opening * opening))
        primary_capacity = relative * primary_nominal * 4210.0
        transfer = 1.0 / (1.0 / (film * relative**0.8) + secondary_resistance)
        if primary_capacity < secondary_capacity:
            least, ratio = primary_capacity, primary_capacity / secondary_capacity
        else:
            least, ratio = secondary_capacity, secondary_capacity / primary_capacity
        decay = math.exp(-transfer / least * (1.0 - ratio))
        heat = (1.0 - decay) / (1.0 - ratio * decay) * least * (primary_temperature - back)

        radiated = radiator * max((supply + back) * 0.5 - air, 0.0) ** 1.3
        to_mass = air_to_mass * (air - mass)
        supply += (back + heat / secondary_capacity - supply) * supply_lag
        back += (secondary_capacity * (supply - back) - radiated) / loop_capacity * dt
        air += (radiated - to_mass - air_to_outdoor * (air - outdoor)) / air_capacity * dt
        mass += (to_mass - mass_to_outdoor * (mass - outdoor)) / mass_capacity * dt

    return supply, back, air, position


def run(days: float, dt: float) -> float:
    """Seconds of one core per simulated step of `dt` seconds."""
    begin = process_time()
    simulate(days, dt)
    return (process_time() - begin) / round(days * 86400 / dt)


def main() -> None:
    """Prints the unit of speed: the best of three, for other work on the machine only slows it."""
    parser = argparse.ArgumentParser(description="The floor of speed of a simulated station.")
    parser.add_argument("--days", type=float, default=3.0, help="simulated days of each round (3)")
    parser.add_argument("--dt", type=float, default=1.0, help="step in seconds (1)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, the best counts (3)")
    options = parser.parse_args()

    best = min(run(options.days, options.dt) for _ in range(options.rounds))
    supply, back, room, position = simulate(options.days, options.dt)
    print(f"{best * 1e6:.3f} µs a step, {options.dt / best:,.0f} × real time")
    print(f"a season of 183 days: {best * 183 * 86400 / options.dt:.1f} s")
    print(f"ends at supply {supply:.1f} °C, return {back:.1f} °C, room {room:.1f} °C, valve {position:.0%}")


if __name__ == "__main__":
    main()
