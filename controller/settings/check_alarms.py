"""Are the alarms of the file about points that there are, in units that fit, with limits that can be met?

Which points a station has is known only when it is built: a trial one, which no wire ever meets, tells.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterator, Mapping

from controller.points import Point
from controller.quantities import QUANTITIES, BadQuantity, Quantity, parse
from controller.safety.free_alarms import FORMS, difference_of
from controller.settings.case import Case
from controller.settings.free_alarms import FreeAlarmSettings, free_alarm, states_of
from controller.settings.load import Finding
from controller.station import build
from drivers.nodes import Location


def alarm_findings(case: Case) -> Iterator[Finding]:
    """All about the section; the rest of the file must be without errors."""
    if not case.file.alarms:
        return
    bare = case.file.model_copy(deep=True, update={"alarms": []})
    points = build(bare, case.profiles).image.points
    seen: dict[tuple[str, str], int] = {}
    for number, settings in enumerate(case.file.alarms):
        place: Location = ("alarms", number)
        found = list(_one(case, place, settings, points))
        yield from found
        if any(not finding.warning for finding in found):
            continue
        alarm = free_alarm(settings, points)
        first = seen.setdefault((alarm.code, alarm.point), number)
        if first != number:
            line = str(case.tree.values[("alarms", first)][0])
            yield case.find(place, "alarm_twice", value=settings.point, first=line)


def _one(
    case: Case, place: Location, settings: FreeAlarmSettings, points: Mapping[str, Point]
) -> Iterator[Finding]:
    if not (settings.text.zh or settings.text.en):
        yield case.find((*place, "text"), "alarm_no_text")
    point = points.get(settings.point)
    if point is None:
        yield case.unknown((*place, "point"), "unknown_point", settings.point, list(points))
        return
    forms = settings.forms
    if len(forms) != 1:
        spot = (*place, list(forms)[1]) if forms else place
        yield case.find(spot, "alarm_form", allowed=", ".join(FORMS))
        return
    ((form, text),) = forms.items()
    yield from _from(case, place, settings, point, points)
    if form == "is":
        yield from _state(case, place, settings, point, text)
    elif states_of(point):
        yield case.find(
            (*place, form), "alarm_states", value=settings.point, allowed=", ".join(states_of(point))
        )
    else:
        yield from _limit(case, place, settings, point, form, text)


def _from(
    case: Case, place: Location, settings: FreeAlarmSettings, point: Point, points: Mapping[str, Point]
) -> Iterator[Finding]:
    """The other point, which `differs` needs and nothing else."""
    spot = (*place, "from")
    if settings.other is None:
        if settings.differs is not None:
            yield case.find(place, "missing", key="from")
        return
    other = points.get(settings.other)
    if settings.differs is None:
        yield case.find(spot, "alarm_from", at_key=True)
    elif other is None:
        yield case.unknown(spot, "unknown_point", settings.other, list(points))
    elif other is point:
        yield case.find(spot, "alarm_from_itself", value=settings.other)
    elif other.quantity != point.quantity:
        unit, wanted = (QUANTITIES[p.quantity].unit or p.quantity for p in (other, point))
        yield case.find(spot, "wrong_quantity", value=settings.other, unit=unit, wanted=wanted)


def _state(
    case: Case, place: Location, settings: FreeAlarmSettings, point: Point, text: str
) -> Iterator[Finding]:
    states = states_of(point)
    if not states:
        unit = QUANTITIES[point.quantity].unit or "–"
        yield case.find((*place, "is"), "alarm_number", value=settings.point, unit=unit)
    elif text not in states:
        close = difflib.get_close_matches(text, point.choices, 1, 0.6)
        yield case.find(
            (*place, "is"),
            "choice_close" if close else "choice",
            value=text,
            close="".join(close),
            allowed=", ".join(states),
        )
    elif settings.dead_band is not None:
        yield case.find((*place, "dead_band"), "alarm_no_dead_band", at_key=True)


def _limit(
    case: Case, place: Location, settings: FreeAlarmSettings, point: Point, form: str, text: str
) -> Iterator[Finding]:
    """Limit and dead band of a number."""
    difference = QUANTITIES[difference_of(point.quantity)]
    quantity = difference if form == "differs" else QUANTITIES[point.quantity]
    limit = yield from _value(case, (*place, form), text, quantity)
    if limit is not None:
        if form == "differs" and limit <= 0:
            yield case.find((*place, form), "too_low", value=text, allowed=f"> 0 {quantity.unit}".strip())
        elif (form == "above" and limit >= point.high) or (form == "below" and limit <= point.low):
            ends = f"{point.low:g} … {point.high:g} {quantity.unit}".strip()
            yield case.find(
                (*place, form), "alarm_never", warning=True, value=text, allowed=ends, point=point.name
            )
    if settings.dead_band is None:
        return
    spot = (*place, "dead_band")
    band = yield from _value(case, spot, settings.dead_band, difference)
    if band is not None and band < 0:
        yield case.find(spot, "too_low", value=settings.dead_band, allowed=f"≥ 0 {difference.unit}".strip())
    elif band is not None and form == "differs" and limit is not None and band >= limit > 0:
        yield case.find(spot, "too_high", value=settings.dead_band, allowed=f"< {text}")


def _value(
    case: Case, place: Location, text: str, quantity: Quantity
) -> Generator[Finding, None, float | None]:
    """The value of a text; a finding and None where it is none."""
    try:
        return parse(text, quantity)
    except BadQuantity as problem:
        yield case.bad_quantity(place, problem, quantity)
        return None
