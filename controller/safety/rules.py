"""The safety table: one list of rules in one order, the strongest first (FACTS §8).

    1  emergency stop, cabinet in local, power failure
    2  no proven secondary circulation: the valve closes, and this beats frost
    3  independent thermostat, over-temperature
    4  over-pressure: makeup stops, relief opens
    5  suction pressure too low: pumps stop, and 2 follows; tank empty: makeup stops
    6  frost: pumps first, the valve only with proven flow
    (7 limiters, 8 override, 9 loop: in the circuits and the output stage)

An action that stops heat needs two independent signs, one that only limits needs one. Every rule is
awake in manual, standby and summer. A row with an alarm and no action only tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.alarms import AlarmBook, Values

Condition = Callable[[], bool]
Action = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `when` must hold for `after_s`; then `act(code)` closes limits in every scan until
    `until` (default: `when` no longer holds) has held for `clear_s`. `begin` is called when it starts.

    `override`: a person's override is stronger (it never is for a row that acts);
    `priority`: of the alarm with this code, empty for none; it is raised once the row has been active for
    `tell_after_s`, counted while `tells` holds; `shows`: values of its text.
    """

    code: str
    subject: str
    when: Condition
    after_s: float = 0.0
    act: Action | None = None
    begin: Callable[[], None] | None = None
    until: Condition | None = None
    clear_s: float = 0.0
    priority: str = ""
    tell_after_s: float = 0.0
    tells: Condition | None = None
    shows: Callable[[], Values] = tuple


class SafetyTable:
    """Evaluates the rows in their order and reports their alarms."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._since = [math.inf] * len(self.rules)
        self._ended = [math.inf] * len(self.rules)
        self.active = [False] * len(self.rules)
        self._begun = [math.inf] * len(self.rules)
        self._broken: set[int] = set()

    def step(self, now: float, alarms: AlarmBook) -> None:
        """One scan: limits of the outputs must have been cleared before."""
        for index, rule in enumerate(self.rules):
            try:
                if not self.active[index] and not rule.when():
                    self._since[index] = math.inf
                else:
                    self._row(index, rule, now, alarms)
                if self._broken:
                    self._works(index, rule, alarms)
            except Exception as problem:  # noqa: BLE001  # one broken row must not silence the others
                place = (("place", f"{type(problem).__name__} {rule.code}", "text"),)
                alarms.report("rule_broken", rule.subject, True, "urgent", place)
                self._broken.add(index)

    def _works(self, index: int, rule: Rule, alarms: AlarmBook) -> None:
        """A row came through: its alarm ends, unless another row about the same subject is still broken."""
        if index in self._broken:
            self._broken.discard(index)
            if all(self.rules[other].subject != rule.subject for other in self._broken):
                alarms.report("rule_broken", rule.subject, False, "urgent")

    def _row(self, index: int, rule: Rule, now: float, alarms: AlarmBook) -> None:
        """A row that is active, or whose condition holds."""
        was_active = self.active[index]
        active = self._judge(index, rule, now)
        if active and not was_active:
            self._begun[index] = now
            if rule.begin is not None:
                rule.begin()
        self.active[index] = active
        if active and rule.act is not None:
            rule.act(rule.code)
        if rule.priority:
            tells = rule.tells is None or rule.tells()
            if not tells:
                self._begun[index] = now
            told = active and tells and now - self._begun[index] >= rule.tell_after_s
            alarms.report(rule.code, rule.subject, told, rule.priority, rule.shows() if told else ())

    def _judge(self, index: int, rule: Rule, now: float) -> bool:
        if self.active[index]:
            over = rule.until() if rule.until is not None else not rule.when()
            self._ended[index] = min(self._ended[index], now) if over else math.inf
            if now - self._ended[index] >= rule.clear_s:
                self._since[index] = math.inf
                return False
            return True
        self._since[index] = min(self._since[index], now)
        self._ended[index] = math.inf
        return now - self._since[index] >= rule.after_s

    @property
    def codes(self) -> list[str]:
        """Codes of the rows that act."""
        return [rule.code for rule in self.rules if rule.act is not None]
