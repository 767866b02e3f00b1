"""Centrifugal pump on a frequency converter.

Head  dp(V, r) = r^2*s(V/r),  s(v) = head0 - a*v^2,  r = speed over nominal speed   (affinity laws)
Efficiency  eta(x) = eta_max*x*(2-x),  x = V/(r*V_best), the usual parabola, so that the shaft power
P = dp*V/eta = dp*r*V_best/(eta_max*(2-x)) stays finite at closed valve. Current of the converter's output:
active part P/(sqrt(3)*U*r) (voltage follows speed) and the magnetising part.
Source: Gülich, Centrifugal Pumps (affinity, power).

Electric power adds motor and converter, whose efficiency falls at part load: eta = eta_full*f(y), the load
y = P/(r*P_best) being the share of torque, because losses at low speed go with both (IEC 61800-9-2). f is the
curve of 10 hp in the U.S. DOE's fact sheet "Determining Electric Motor Load and Efficiency" (2014), as read
off by Modelica Buildings (`Fluid.Movers`, generic motor curve), straight between points; a motor of 1 kW
falls off earlier. P_best stands for the motor's rating: motors a size too large are left out.

Cavitation: below the required suction head (NPSH3, ~ speed^2 along a fixed circuit) the head breaks down in
proportion to what is left of it. A failed check valve lets water back through the idle pump, which then
spins backwards as a turbine at no load: V = 0.6*V_best*sqrt(dp/dp_best), speed 1.2*sqrt(dp/dp_best) (Gülich,
chapter 12, runaway of pumps of low specific speed; rounded).
"""

from __future__ import annotations

from math import hypot, inf, isnan, nan, sqrt

_SQRT3 = 1.7320508
FAULTS = (
    "trip",
    "no_start",
    "local",
    "wear",
    "check_valve",
    "dry",
    "mains_bypass",
    "welded",
    "stuck",
    "slow",
)
_WEAR = 0.15  # head that an impeller worn to its repair limit has lost (own judgement)
_SUCTION_HEAD = 30e3  # Pa, required at nominal speed: 3 m, usual for inline pumps of 50 … 200 m3/h
_RUNAWAY_FLOW = 0.6
_RUNAWAY_SPEED = 1.2
_DRY_POWER = 0.3  # an impeller in air takes only friction: the sign of dry running
_STANDING = 1e-9  # share of the nominal speed; a ramp may end in rounding
_SLOW = 0.1  # of its speed of ramping is left to a converter set wrongly
_MAINS_START = 2.0  # s, a motor switched straight to the mains
# Load of the motor as a share of its rating, and efficiency as a share of the best.
MOTOR_CURVE = ((0.0, 0.0), (0.1, 0.50), (0.2, 0.78), (0.3, 0.90), (0.4, 0.96), (0.6, 1.0))


def motor_share(load: float) -> float:
    """Efficiency of motor and converter as a share of its best at this `load` (share of torque, ≥ 0)."""
    low, at_low = MOTOR_CURVE[0]
    for high, at_high in MOTOR_CURVE[1:]:
        if load < high:
            return at_low + (at_high - at_low) * (load - low) / (high - low)
        low, at_low = high, at_high
    return at_low


class PumpCurve:
    """Quadratic curve through a nominal point: Pa and m3/s at nominal speed."""

    __slots__ = ("a", "best_flow", "efficiency", "head0")

    def __init__(
        self, nominal_flow: float, nominal_head: float, shutoff_ratio: float = 1.4, efficiency: float = 0.75
    ) -> None:
        self.head0 = shutoff_ratio * nominal_head
        self.a = (shutoff_ratio - 1.0) * nominal_head / (nominal_flow * nominal_flow)
        self.best_flow = nominal_flow
        self.efficiency = efficiency

    def head(self, flow: float, speed: float) -> float:
        """Pressure rise in Pa at `flow` (m3/s) and `speed` (share of nominal)."""
        return speed * speed * self.head0 - self.a * flow * flow

    def shaft_power(self, flow: float, speed: float) -> float:
        """Shaft power in W."""
        if speed <= _STANDING:
            return 0.0
        load = min(1.6, flow / (speed * self.best_flow))
        head = max(0.0, self.head(flow, speed))
        return head * speed * self.best_flow / (self.efficiency * (2.0 - load))


class Pump:
    """Pump, check valve and converter. Speeds are shares of nominal speed, below 0 when spinning backwards.

    Faults: `tripped` (converter shows a fault), `blocked_start` (does not start, shows nothing), `local`
    (the cabinet's switch: commands have no effect; `local_run` and `local_speed` rule), `dry` (no water),
    `wear` (share of the head that is lost), `leaky_check` (check valve stays open), `bypass` (contactor past
    the converter: nominal speed whatever the converter says, which shows a stopped drive), `welded` (a relay
    that no longer lets go: it runs whatever is commanded), `stuck_speed` (the converter turns at a speed of
    its own while it runs), `slow` (its ramp takes ten times as long). `suction` (0 … 1) is the share of the
    head that cavitation leaves."""

    __slots__ = (
        "air_lock",
        "blocked_start",
        "bypass",
        "current",
        "curve",
        "dry",
        "flow",
        "leaky_check",
        "local",
        "local_run",
        "local_speed",
        "magnetising_current",
        "min_speed",
        "motor_efficiency",
        "power",
        "ramp_down",
        "ramp_up",
        "rated",
        "running",
        "slow",
        "speed",
        "stuck_speed",
        "suction",
        "tripped",
        "voltage",
        "wear",
        "welded",
    )

    def __init__(
        self,
        curve: PumpCurve,
        ramp_time: float = 20.0,
        min_speed: float = 0.3,
        motor_efficiency: float = 0.88,
        voltage: float = 380.0,
    ) -> None:
        self.curve = curve
        self.ramp_up = 1.0 / ramp_time
        # A pump without drive stops within seconds: little inertia, much water.
        self.ramp_down = 1.0 / min(ramp_time, 5.0)
        self.min_speed = min_speed
        self.motor_efficiency = motor_efficiency
        self.voltage = voltage
        self.rated = curve.shaft_power(curve.best_flow, 1.0)
        self.magnetising_current = 0.3 * self.rated / (motor_efficiency * _SQRT3 * voltage)
        self.speed = 0.0
        self.flow = 0.0
        self.power = 0.0
        self.current = 0.0
        self.running = False
        self.tripped = False
        self.blocked_start = False
        self.local = False
        self.local_run = False
        self.local_speed = 1.0
        self.dry = False
        self.air_lock = False
        self.bypass = False
        self.welded = False
        self.slow = False
        self.stuck_speed = nan
        self.leaky_check = False
        self.wear = 0.0
        self.suction = 1.0

    def step(self, dt: float, run: bool, speed: float, powered: bool = True) -> None:
        """Ramp towards the commanded speed for `dt` seconds."""
        if self.local:
            run, speed = self.local_run, self.local_speed
        if self.blocked_start and not self.running:
            run = False
        if self.welded:
            run = True
        self.running = run and powered and not self.tripped and not self.bypass
        if self.bypass and powered:
            self.speed = min(1.0, self.speed + dt / _MAINS_START)
            return
        if not self.running:
            if self.speed > 0.0:
                self.speed = max(0.0, self.speed - self.ramp_down * dt)
            return
        target = min(1.0, max(self.min_speed, speed if isnan(self.stuck_speed) else self.stuck_speed))
        change = self.ramp_up * dt * (_SLOW if self.slow else 1.0)
        if self.speed < target:
            self.speed = min(target, self.speed + change)
        else:
            self.speed = max(target, self.speed - change)

    def settle(self, run: bool, speed: float) -> None:
        """Be at the commanded speed at once."""
        self.running = run
        self.speed = min(1.0, max(self.min_speed, speed)) if run else 0.0

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault of FAULTS. "local": `value` 1 runs at nominal speed, 0 stops, none stays as it is.

        "wear": `value` is the share of the head that is lost. "dry": air in the casing. "stuck": `value` is
        the share of nominal speed at which it turns while it runs, none the present one.
        Raises ValueError with the allowed kinds."""
        if kind == "trip":
            self.tripped = True
        elif kind == "no_start":
            self.blocked_start = True
        elif kind == "wear":
            self.wear = min(1.0, max(0.0, _WEAR if value is None else value))
        elif kind == "check_valve":
            self.leaky_check = True
        elif kind == "dry":
            self.air_lock = True
        elif kind == "mains_bypass":
            self.bypass = self.local = True
        elif kind == "welded":
            self.welded = True
        elif kind == "slow":
            self.slow = True
        elif kind == "stuck":
            self.stuck_speed = self.speed if value is None else value
        elif kind == "local":
            self.local = True
            self.local_run = self.running if value is None else value > 0.5
            self.local_speed = self.speed if value is None else 1.0
        else:
            raise ValueError(f"unknown fault {kind!r} of a pump (allowed: {', '.join(FAULTS)})")

    def repair(self) -> None:
        """End all faults; a pump whose run command still stands starts again."""
        self.tripped = self.blocked_start = self.local = self.bypass = self.welded = False
        self.slow, self.stuck_speed = False, nan
        self.leaky_check = self.air_lock = False
        self.wear = 0.0

    def suction_head(self) -> float:
        """Pressure over boiling in Pa that the impeller's eye needs (NPSH) at the present speed."""
        return _SUCTION_HEAD * self.speed * self.speed

    def breathe(self, suction: float, boiling: float) -> None:
        """Cavitation at the `suction` pressure (Pa, absolute) of water that boils at `boiling` (Pa)."""
        needed = self.suction_head()
        left = suction - boiling
        self.suction = 1.0 if left >= needed or needed <= 0.0 else max(0.0, left) / needed

    def shutoff_head(self) -> float:
        """Head in Pa at zero flow and the present speed; none without water."""
        if self.speed <= 0.0 or self.dry or self.air_lock:
            return 0.0
        return self.speed * self.speed * self.curve.head0 * (1.0 - self.wear) * self.suction

    def backflow_resistance(self) -> float:
        """Pa/(m3/s)^2 against flow back through this pump; infinite while it runs or its check valve
        holds."""
        if not self.leaky_check or self.speed > 0.0:
            return inf
        curve = self.curve
        nominal = curve.head(curve.best_flow, 1.0)
        return nominal / (_RUNAWAY_FLOW * curve.best_flow) ** 2

    def flow_at(self, head: float) -> float:
        """Flow in m3/s against `head` (Pa); the check valve keeps it ≥ 0 while it holds."""
        excess = self.shutoff_head() - head
        if excess > 0.0:
            return sqrt(excess / self.curve.a)
        if self.leaky_check and self.speed <= 0.0:
            return -sqrt(-excess / self.backflow_resistance())
        return 0.0

    def load(self, flow: float) -> None:
        """Set `flow`, `power` (W, electric) and `current` (A of the converter) for this flow in m3/s.

        A pump that is not driven takes the speed that the water gives it."""
        self.flow = flow
        if not (self.running or self.bypass):
            self.power = self.current = 0.0
            if flow < 0.0 or self.speed < 0.0:
                # Runaway speed and flow both go with the root of the head.
                self.speed = min(0.0, flow / (_RUNAWAY_FLOW * self.curve.best_flow) * _RUNAWAY_SPEED)
            return
        shaft = self.curve.shaft_power(flow if flow > 0.0 else 0.0, self.speed)
        if self.dry or self.air_lock:
            shaft *= _DRY_POWER
        elif self.suction < 1.0:
            shaft *= _DRY_POWER + (1.0 - _DRY_POWER) * self.suction
        self.power = self._electric(shaft)
        if self.bypass:
            self.current = 0.0
            return
        active = self.power / (_SQRT3 * self.voltage * max(self.speed, 0.1))
        self.current = hypot(active, self.magnetising_current)

    def _electric(self, shaft: float) -> float:
        """W from the mains for `shaft` W at the present speed."""
        if shaft <= 0.0:
            return 0.0
        load = shaft / (self.speed * self.rated)
        share = motor_share(load) if load < 0.6 else 1.0
        return shaft / (self.motor_efficiency * share)
