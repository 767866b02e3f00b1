"""The section `alarms:` as models, and what becomes of it once the points of the station are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from controller.alarms import Values
from controller.fields import Amount, Flag, Settings, Words
from controller.points import Point
from controller.quantities import QUANTITIES, parse
from controller.safety.free_alarms import FORMS, FreeAlarm, difference_of

YES_NO = ("no", "yes")
DEAD_BANDS: Mapping[str, float] = {
    "temperature_difference": 1.0,
    "pressure": 10.0,
    "percent": 2.0,
    "frequency": 0.5,
    "length": 0.05,
}
"""By the quantity of a difference. Of the usual ranges here about what EEMUA 191 starts with: 1 % of a
temperature, 2 % of a pressure, 5 % of a level; anything else gets DEAD_SHARE of its limit."""
DEAD_SHARE = 0.03


def _both(value: Any) -> Any:
    """A plain text stands for both languages."""
    return {"zh": value, "en": value} if isinstance(value, str) else value


class AlarmTextSettings(Settings):
    """Words of an alarm; where one language is missing the other stands for it."""

    zh: Words | None = Field(None, description="In Chinese")
    en: Words | None = Field(None, description="In English")


BothLanguages = Annotated[
    AlarmTextSettings, BeforeValidator(_both, json_schema_input_type=str | AlarmTextSettings)
]


class FreeAlarmSettings(Settings):
    """An alarm of this station's own: a point above or below a limit, apart from another, or in a state."""

    point: Words = Field(description="Any point of the station, such as low.return_temperature")
    above: Words | None = Field(None, description="Comes above this value, in a unit of the point")
    below: Words | None = Field(None, description="Comes below this value, in a unit of the point")
    differs: Words | None = Field(
        None, description="Comes when it is further than this from the point `from`"
    )
    other: Words | None = Field(None, alias="from", description="The other point for `differs`")
    state: Words | None = Field(
        None, alias="is", description="Comes in this state: yes, no or one of a choice"
    )
    dead_band: Words | None = Field(
        None,
        description="Goes only this far back from the limit (none given: 1 K, 10 kPa, 2 %, 0.5 Hz, 0.05 m, "
        "else 3 % of the limit)",
    )
    after: Annotated[float, Amount("time", 0, 7 * 86400)] = Field(
        60.0, alias="for", description="Must hold for so long"
    )
    clear_after: Annotated[float, Amount("time", 0, 86400)] = Field(
        10.0, description="Goes after it has not held for so long"
    )
    text: Annotated[
        AlarmTextSettings, BeforeValidator(_both, json_schema_input_type=str | AlarmTextSettings)
    ] = Field(description="What it says: {zh: …, en: …}, or one text for both")
    priority: Literal["urgent", "high", "warning"] = Field("warning", description="As of the built-in alarms")
    latch: Flag = Field(False, description="Stands until somebody acknowledges it")

    @property
    def forms(self) -> dict[str, str]:
        """Which of above, below, differs, is stand there, with their text."""
        given = dict(zip(FORMS, (self.above, self.below, self.differs, self.state), strict=True))
        return {form: text for form, text in given.items() if text is not None}


def states_of(point: Point) -> tuple[str, ...]:
    """What `is` may say of a point: a contact's yes and no, a choice's names; empty for a number."""
    return YES_NO if point.quantity == "flag" else point.choices


def free_alarm(settings: FreeAlarmSettings, points: Mapping[str, Point]) -> FreeAlarm:
    """The alarm of sound settings. Raises BadQuantity, KeyError or ValueError for others."""
    point = points[settings.point]
    (form, text), *_ = settings.forms.items()
    other = settings.other or ""
    quantity = QUANTITIES[difference_of(point.quantity) if form == "differs" else point.quantity]
    if form == "is":
        limit, shown, dead_band = float(states_of(point).index(text)), text, 0.0
    else:
        limit = parse(text, quantity)
        shown = f"{limit:.10g}{'_' if other else ''}{other}"
        band = QUANTITIES[difference_of(point.quantity)]
        dead_band = DEAD_BANDS.get(band.key, DEAD_SHARE * abs(limit))
        if settings.dead_band is not None:
            dead_band = parse(settings.dead_band, band)
        elif form == "differs":
            dead_band = min(dead_band, limit / 2)
    return FreeAlarm(
        code=f"free_{form}_{shown}",
        point=settings.point,
        form=form,
        limit=limit,
        said=_said(settings.text),
        priority=settings.priority,
        dead_band=dead_band,
        other=other,
        after_s=settings.after,
        clear_after_s=settings.clear_after,
        latch=settings.latch,
    )


def _said(text: AlarmTextSettings) -> Values:
    """Its words, each marked with its language."""
    chinese, english = text.zh or text.en or "", text.en or text.zh or ""
    return (("said", chinese, "zh"), ("said", english, "en"))
