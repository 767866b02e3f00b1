"""Tuning of a supply loop on command: wait until nothing moves, step the flow, propose a PI.

The regulator rests while the flow is stepped (`tuning_experiment`) or swung by a relay (`relay_experiment`);
the valve's real position and the unfiltered supply temperature are recorded with what disturbs them, the
model is fitted (`identification`), and the PI comes with the margins it will have (`tuning_rules`). A relay's
swings must also confirm the model by themselves (`relay_point`). Nothing is changed until a person accepts.
Whatever moves in between, or a hand on the valve, ends it: the flow goes back to where it was and the
regulator goes on.

The proposed gain is in the units of the loop's settings, kelvins of lift per kelvin: what fits now in % of
flow per kelvin, divided by the slope of the flow over the lift at this moment (`factor`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from controller.control.blocks.loop.identification import Identified, Recording, Search
from controller.control.blocks.loop.relay_experiment import RelayExperiment
from controller.control.blocks.loop.relay_point import RelayPoint, agrees, relay_point, ultimate
from controller.control.blocks.loop.tuning_experiment import WINDOW_S, Experiment, Room, StepExperiment
from controller.control.blocks.loop.tuning_rules import (
    Lags,
    Margins,
    Pi,
    Rule,
    StepAnswer,
    margins,
    step_answer,
    tuned,
)
from controller.control.tick import Tick
from controller.points import Term

Method = Literal["step", "relay"]
STATES = ("idle", "waiting", "stepping", "calculating", "done", "refused", "aborted", "accepted")
REASONS = (
    "not_automatic",
    "no_measurement",
    "setpoint_moves",
    "primary_moves",
    "pressure_moves",
    "pump_changed",
    "near_limit",
    "too_far",
    "too_long",
    "by_person",
    "no_movement",
    "no_response",
    "wrong_way",
    "poor_fit",
    "out_of_range",
    "not_repeatable",
)
QUIET_S = 300.0
"""So long nothing may have moved before the first step."""
PATIENCE_S = 1200.0
"""So long it waits for that."""
LONGEST_S = 1500.0
"""The experiment itself; with the water's own time constants it is over long before."""
QUIET = (0.5, 1.0, 8.0)
"""Set-point K, primary supply K, secondary differential pressure kPa: ranges while it waits."""
STEADY = (1.0, 2.0, 15.0)
"""And while it steps: the fit explains a primary temperature that moves a little."""
MOVES = ("setpoint_moves", "primary_moves", "pressure_moves")
ABORT_MARGIN_K = 0.5
"""The experiment ends when the supply comes so near to its limits …"""
TOO_FAR_K = 6.0
"""… or goes so far from where it began."""
PAIRS_A_SCAN = 2
"""Candidates of the fit tried in one scan, a few milliseconds each."""
GAIN_RANGE, INTEGRAL_RANGE = (0.02, 10.0), (5.0, 2000.0)
"""What the loop's settings take."""


@dataclass(frozen=True, slots=True)
class LoopView:
    """What a scan shows of the loop; NaN for what is not measured or not usable.

    `share`: flow as the valve stands (its position; without a feedback the command), `asked`: what the
    regulator put out, %; `measured`: supply before the filter, °C; `pressure`: secondary differential, kPa;
    `pumps`: a number that changes when another pump runs; `automatic`: the regulator leads and the valve gets
    what it asks; `factor`: flow for a kelvin of lift, %/K.
    """

    setpoint: float
    measured: float
    share: float
    asked: float
    primary: float
    back: float
    pressure: float
    pumps: int
    automatic: bool
    factor: float
    room: Room


@dataclass(frozen=True, slots=True)
class Proposal:
    """Model, new and old tuning. `pi` and `old` are settings (at a gain schedule of 1); their margins and
    answers are those of the loop as it was, with `factor`. `share`: flow in the middle of the experiment,
    %."""

    found: Identified
    rule: Rule
    pi: Pi
    margins: Margins
    answer: StepAnswer
    old: Pi
    old_margins: Margins
    share: float
    factor: float
    swings: RelayPoint | None = None
    """What a relay's swings were like."""


class Steady:
    """How far some values have moved since `begin`; what is not a number is left out."""

    def __init__(self) -> None:
        self._low: list[float] = []
        self._high: list[float] = []
        self._pumps = 0

    def begin(self, view: LoopView) -> None:
        """Count from here."""
        self._low = list(_watched(view))
        self._high = list(self._low)
        self._pumps = view.pumps

    def moved(self, view: LoopView, allowed: tuple[float, float, float]) -> str:
        """Code of what moved further than `allowed`, or nothing."""
        if view.pumps != self._pumps:
            return "pump_changed"
        for index, value in enumerate(_watched(view)):
            if value == value:
                # The first one may have been no number: min and max keep the value then.
                self._low[index] = min(value, self._low[index])
                self._high[index] = max(value, self._high[index])
            if self._high[index] - self._low[index] > allowed[index]:
                return MOVES[index]
        return ""


class Tuning:
    """State machine of one loop's tuning. `step` once a scan; None means that the regulator works."""

    def __init__(self, lags: Lags, fastest: float = math.inf) -> None:
        """`lags`: what the loop adds to the plant; `fastest`: change of flow in full stroke, %/s."""
        self.lags = lags
        self.fastest = fastest
        self.state = "idle"
        self.why = ""
        self.rule: Rule = "simc"
        self.method: Method = "step"
        self.base = math.nan
        self.recording = Recording(1.0)
        self.proposal: Proposal | None = None
        self._old = Pi(math.nan, math.nan)
        self._steady = Steady()
        self._known: list[bool] = []
        self._experiment: Experiment | None = None
        self._swings: RelayPoint | None = None
        self._search: Search | None = None
        self._asked = 0.0
        self._measured = 0.0
        self._quiet_s = 0.0
        self._elapsed_s = 0.0
        self._factors = 0.0
        self._shares = 0.0

    @property
    def active(self) -> bool:
        """A tuning is under way."""
        return self.state in ("waiting", "stepping", "calculating")

    @property
    def progress(self) -> float:
        """How much of the present part is done, 0 … 1."""
        if self.state == "waiting":
            return min(self._quiet_s / QUIET_S, 1.0)
        if self.state == "stepping" and self._experiment is not None:
            return self._experiment.level / self._experiment.levels
        return 0.0 if self.state == "idle" else 1.0

    def begin(self, old: Pi, rule: Rule = "simc", method: Method = "step") -> bool:
        """A person asks for it; `old`: the settings now. False while one is under way."""
        if self.active:
            return False
        self.state, self.why, self.rule, self._old = "waiting", "", rule, old
        self.method = method
        self.proposal = self._experiment = self._search = self._swings = None
        self._quiet_s = self._elapsed_s = 0.0
        self._steady = Steady()
        return True

    def stop(self) -> None:
        """A person ends it, or forgets the proposal."""
        if self.active:
            self._end("aborted", "by_person")
        else:
            self.state, self.why, self.proposal = "idle", "", None

    def give_up(self) -> None:
        """Another one leads the valve now."""
        if self.active:
            self._end("aborted", "not_automatic")

    def accept(self) -> Pi | None:
        """Gain and integral time to write into the settings; None when nothing is proposed."""
        if self.state != "done" or self.proposal is None:
            return None
        self.state = "accepted"
        return self.proposal.pi

    def step(self, tick: Tick, view: LoopView) -> float | None:
        """Flow to put out, % of the full one; None: the regulator works as always.

        After the last number the regulator goes on from `base`.
        """
        match self.state:
            case "waiting":
                return self._wait(tick, view)
            case "stepping":
                return self._run(tick, view)
            case "calculating":
                self._calculate()
        return None

    def _wait(self, tick: Tick, view: LoopView) -> float | None:
        """What must hold still does; the supply itself need not: a loop that swings is tuned, too."""
        wrong = _unfit(view)
        if wrong:
            self._end("refused", wrong)
            return None
        self._elapsed_s += tick.dt
        if self._quiet_s == 0.0:
            self._steady.begin(view)
            self._asked = self._measured = 0.0
        moved = self._steady.moved(view, QUIET)
        if moved:
            self.why, self._quiet_s = moved, 0.0
            if self._elapsed_s >= PATIENCE_S:
                self._end("refused", moved)
            return None
        self._quiet_s += tick.dt
        self._asked += view.asked * tick.dt
        self._measured += view.measured * tick.dt
        return self._start(tick, view) if self._quiet_s >= QUIET_S else None

    def _start(self, tick: Tick, view: LoopView) -> float | None:
        self.base = self._asked / self._quiet_s
        measured = self._measured / self._quiet_s
        if self.method == "relay":
            self._experiment = RelayExperiment(self.base, measured, view.back, view.room)
        else:
            self._experiment = StepExperiment(self.base, measured, view.back, view.room)
        if self._experiment.impossible:
            self._end("refused", "near_limit")
            return None
        self.state, self.why = "stepping", ""
        self._known = [math.isfinite(value) for value in _explains(view)]
        self.recording = Recording(max(1.0, tick.dt), disturbances=len(self._known))
        self._elapsed_s = self._factors = self._shares = 0.0
        self._steady.begin(view)
        return self._run(tick, view)

    def _run(self, tick: Tick, view: LoopView) -> float | None:
        experiment = self._experiment
        assert experiment is not None
        wrong = _unfit(view) or self._steady.moved(view, STEADY) or self._strays(view)
        self._elapsed_s += tick.dt
        if self._elapsed_s > LONGEST_S:
            wrong = wrong or "too_long"
        if wrong:
            self._end("aborted", wrong)
            return None
        # What is not measured from the start counts as a disturbance that never moves.
        disturbances = [v if known else 0.0 for v, known in zip(_explains(view), self._known, strict=True)]
        self.recording.add(tick.dt, view.share, view.measured, disturbances)
        self._factors += view.factor * tick.dt
        self._shares += view.share * tick.dt
        level = experiment.level
        share = experiment.step(tick.dt, view.measured)
        if level == 0 and experiment.level == 1:
            self.recording.keep(WINDOW_S)
        if isinstance(experiment, RelayExperiment) and experiment.stuck:
            self._end("aborted", "no_response")
            return None
        if share is None:
            self.state = "calculating"
            self._search = Search(self.recording)
            self._swings = self._point(experiment)
        return share

    def _point(self, experiment: Experiment) -> RelayPoint | None:
        """What the swings after the first one were like, which only sized them."""
        if not isinstance(experiment, RelayExperiment):
            return None
        begins = [WINDOW_S + begin for begin in experiment.begins[1:]]
        return relay_point(self.recording, begins[0], begins[-1], len(begins) - 1)

    def _strays(self, view: LoopView) -> str:
        """The supply too near to its limits or too far from where it began."""
        assert self._experiment is not None
        start = self._experiment.start
        if self._experiment.level == 0 and view.measured < view.room.highest:
            return ""  # A loop that swung comes to rest first.
        low = min(view.room.lowest + ABORT_MARGIN_K, start - 1.5)
        high = min(max(view.room.highest - ABORT_MARGIN_K, start + 1.5), view.room.highest + ABORT_MARGIN_K)
        if not low <= view.measured <= high:
            return "near_limit"
        return "too_far" if abs(view.measured - start) > TOO_FAR_K else ""

    def _calculate(self) -> None:
        search = self._search
        assert search is not None
        for _ in range(PAIRS_A_SCAN):
            if search.step():
                break
        else:
            return
        found = search.result()
        why = found.why
        if self.method == "relay" and not why:
            why = "" if self._swings is not None and agrees(self._swings, found.model) else "poor_fit"
        if why:
            self._end("refused", why)
            return
        self.proposal = self._propose(found)
        self.state = "done"

    def _propose(self, found: Identified) -> Proposal:
        factor, share = self._factors / self._elapsed_s, self._shares / self._elapsed_s
        now = tuned(found.model, self.rule, self.lags)
        gain = min(max(now.gain / factor, GAIN_RANGE[0]), GAIN_RANGE[1])
        integral = min(max(now.integral_time_s, INTEGRAL_RANGE[0]), INTEGRAL_RANGE[1])
        pi, acts = Pi(gain, integral), Pi(gain * factor, integral)
        old = Pi(self._old.gain * factor, self._old.integral_time_s)
        return Proposal(
            found,
            self.rule,
            pi,
            margins(found.model, acts, self.lags),
            step_answer(found.model, acts, self.lags, fastest=self.fastest),
            self._old,
            margins(found.model, old, self.lags),
            share,
            factor,
            self._swings,
        )

    def _end(self, state: str, why: str) -> None:
        self.state, self.why = state, why
        self._experiment = self._search = self._swings = None

    def explain(self) -> Term | None:
        """What it does, found, or why it ended; nothing while nobody asked."""
        why = (("why", self.why, "text"),)
        match self.state:
            case "waiting":
                left = ("left", max(QUIET_S - self._quiet_s, 0.0), "time")
                return Term("tuning_waiting", (left,), (Term("tuning_moves", why),) if self.why else ())
            case "stepping":
                return self._explain_level()
            case "calculating":
                return Term("tuning_calculating")
            case "refused":
                return Term("tuning_refused", why)
            case "aborted":
                return Term("tuning_aborted", why)
            case "done" | "accepted":
                return self._explain_proposal()
        return None

    def _explain_level(self) -> Term:
        experiment = self._experiment
        assert experiment is not None
        values: tuple[tuple[str, float | str, str], ...] = (
            ("level", experiment.level + 1.0, "count"),
            ("levels", float(experiment.levels), "count"),
            ("flow", experiment.share, "percent"),
        )
        return Term("tuning_swinging" if self.method == "relay" else "tuning_stepping", values)

    def _explain_proposal(self) -> Term:
        proposal = self.proposal
        assert proposal is not None
        model = Term(
            "tuning_model",
            (
                ("response", 10 * proposal.found.model.gain, "temperature_difference"),
                ("lag", proposal.found.model.lag_s, "time"),
                ("dead_time", proposal.found.model.dead_time_s, "time"),
                ("fit", proposal.found.fit, "percent"),
                ("flow", proposal.share, "percent"),
            ),
        )
        values: tuple[tuple[str, float | str, str], ...] = (
            ("gain", proposal.pi.gain, "number"),
            ("integral_time", proposal.pi.integral_time_s, "time"),
            ("old_gain", proposal.old.gain, "number"),
            ("old_integral_time", proposal.old.integral_time_s, "time"),
        )
        children = (
            model,
            *_explain_swings(proposal),
            _explain_margins(proposal.margins, old=False),
            _explain_margins(proposal.old_margins, old=True),
        )
        code = "tuning_accepted" if self.state == "accepted" else "tuning_done"
        return Term(code, values, children)


def _explain_swings(proposal: Proposal) -> tuple[Term, ...]:
    """What a relay found besides; its ultimate gain in the units of the settings."""
    swings, model = proposal.swings, proposal.found.model
    if swings is None or model.dead_time_s <= 0:
        return ()
    found = ultimate(model)
    values: tuple[tuple[str, float | str, str], ...] = (
        ("period", swings.period_s, "time"),
        ("response", 10 * swings.gain, "temperature_difference"),
        ("ultimate_gain", found.gain / proposal.factor, "number"),
        ("ultimate_period", found.period_s, "time"),
    )
    return (Term("tuning_swings", values),)


def _explain_margins(found: Margins, *, old: bool) -> Term:
    code = "tuning_old_margins" if old else "tuning_margins"
    values: tuple[tuple[str, float | str, str], ...] = (
        ("gain_margin", found.gain_margin, "number"),
        ("phase_margin", found.phase_margin, "number"),
        ("sensitivity", found.sensitivity, "number"),
    )
    return Term(code, values)


def _watched(view: LoopView) -> tuple[float, float, float]:
    return view.setpoint, view.primary, view.pressure


def _explains(view: LoopView) -> tuple[float, float]:
    """Disturbances that the model takes into account: through the exchanger they act like the flow does."""
    return view.primary, view.back


def _unfit(view: LoopView) -> str:
    """Why no experiment can be made, or go on, with a loop like this."""
    if not view.automatic:
        return "not_automatic"
    needed = (view.setpoint, view.measured, view.share, view.asked, view.factor)
    return "" if all(map(math.isfinite, needed)) and view.factor > 0 else "no_measurement"
