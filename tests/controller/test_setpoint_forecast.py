"""The forecast in a station: a bounded share of the set-point that comes, fades and says why it does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from conftest import Desk
from setpoint_desk import DEMAND, SETPOINT, amount, ask, foretell, sections, terms

from controller.control.blocks.setpoint.forecast import ForecastSettings
from controller.control.circuits.outdoor_written import FORECAST_POINTS

OUTDOOR = "station.outdoor_temperature"
HOUR = 3600.0


def ahead(make_desk: Callable[..., Desk], **settings: float) -> Desk:
    desk = make_desk(sections(forecast=ForecastSettings(**settings)))
    desk.run(30)
    return desk


def test_a_cold_wave_to_come_raises_the_setpoint_before_it_is_here(make_desk: Callable[..., Desk]) -> None:
    """−10 now, −20 from six hours on: the mean of twelve hours is 7.5 K lower, half of it is taken."""
    desk = ahead(make_desk)
    assert desk[DEMAND].value == pytest.approx(49.0)
    foretell(desk, -10.0, -20.0)
    desk.run(1.2 * HOUR, dt=5.0)
    found = terms(desk)
    assert amount(found["forecast"], "outside") == -3.0
    share = amount(found["forecast"], "share")
    assert 2.0 < share <= 3.0
    assert desk[DEMAND].value == pytest.approx(49.0 + share)


def test_the_sensors_own_offset_against_the_forecast_does_not_count(make_desk: Callable[..., Desk]) -> None:
    desk = ahead(make_desk)
    foretell(desk, -13.0, -13.0)
    desk.run(1.2 * HOUR, dt=5.0)
    assert desk[DEMAND].value == pytest.approx(49.0)
    assert "forecast" not in terms(desk)


def test_a_forecast_that_grows_old_fades_back_to_the_stations_own_curve(
    make_desk: Callable[..., Desk],
) -> None:
    """The same warmth to come in every hour, so that only its age takes it away."""
    desk = ahead(make_desk, stale_after=2 * HOUR)
    foretell(desk, -10.0, -20.0)
    desk.run(1.9 * HOUR, dt=5.0)
    before = desk[DEMAND].value
    assert before > 51.0
    rows = [before]
    for _ in range(15):
        desk.run(300.0, dt=5.0)
        rows.append(desk[DEMAND].value)
    assert desk[DEMAND].value == pytest.approx(49.0)
    assert max(abs(b - a) for a, b in pairwise(rows)) < 0.4, "within an hour and not at once"
    assert "forecast_stale" in terms(desk)


def test_without_a_forecast_it_is_said_why(make_desk: Callable[..., Desk]) -> None:
    desk = ahead(make_desk)
    desk.run(61)
    assert [child.code for child in terms(desk)["forecast_none"].children] == ["quality_no_forecast"]
    foretell(desk, -30.0, -30.0)
    desk.run(120)
    assert [child.code for child in terms(desk)["forecast_none"].children] == ["quality_forecast_far"]
    assert desk[DEMAND].value == pytest.approx(49.0)


def test_a_doubted_forecast_fades(make_desk: Callable[..., Desk]) -> None:
    desk = ahead(make_desk)
    foretell(desk, -16.0, -26.0)
    desk.run(1.2 * HOUR, dt=5.0)
    assert desk[OUTDOOR].reason == "doubtful"
    desk.run(1.1 * HOUR, dt=5.0)
    assert "forecast_none" in terms(desk)
    assert amount(terms(desk)["forecast_none"], "share") == pytest.approx(0.0, abs=1e-9)


def test_a_new_forecast_takes_over_without_a_bump(make_desk: Callable[..., Desk]) -> None:
    desk = ahead(make_desk)
    foretell(desk, -10.0, -20.0)
    desk.run(1.2 * HOUR, dt=5.0)
    foretell(desk, -10.0, -4.0)
    rows = [desk[DEMAND].value]
    for _ in range(150):
        desk.run(30.0, dt=5.0)
        rows.append(desk[DEMAND].value)
    assert max(abs(b - a) for a, b in pairwise(rows)) < 0.15
    assert rows[0] - rows[-1] > 2.0
    assert rows[-1] == pytest.approx(49.0), "warmth to come takes no heat"


def test_nothing_odd_reaches_the_setpoint(make_desk: Callable[..., Desk]) -> None:
    desk = ahead(make_desk, gain=100.0, most=6.0)
    for first, later in ((60.0, -60.0), (-10.0, -60.0), (-10.0, 60.0)):
        foretell(desk, first, later)
        desk.run(1.2 * HOUR, dt=5.0)
        assert 49.0 <= desk[DEMAND].value <= 54.6
        assert desk[SETPOINT].value == pytest.approx(desk[DEMAND].value, abs=0.1)
    assert not ask(desk, FORECAST_POINTS[0], 1e6).accepted
