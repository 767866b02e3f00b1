"""`station tune` at the real door of the running service: to its end, refused, stopped, accepted."""

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.console import Console

from controller.cli.tune import Asked, Tune
from controller.cli.tune_run import Run
from hil_tests.service.test_parts import door_open
from hil_tests.service.world import World, world

pytestmark = pytest.mark.timeout(240)
SETTLES_MIN = 10


class Tool:
    """The command with its two papers, in the world's time."""

    def __init__(self, w: World, language: str = "en", *, terminal: bool = False) -> None:
        self.paper, self.complaints = io.StringIO(), io.StringIO()
        self.tune = Tune(
            w.endpoint,
            w.directory,
            language,
            Console(file=self.paper, width=100, force_terminal=terminal, color_system=None),
            Console(file=self.complaints, width=100),
            w.clock,
        )

    @property
    def said(self) -> str:
        return self.paper.getvalue()

    @property
    def complained(self) -> str:
        return self.complaints.getvalue()


async def test_tunes_shows_and_what_is_accepted_outlives_a_restart(tmp_path: Path) -> None:
    plot = tmp_path / "tuning.svg"
    async with world(tmp_path) as w:
        await w.run(minutes=SETTLES_MIN)
        await door_open(w)
        before = w["low.loop.gain"].value
        tool = Tool(w)
        run = await tool.tune.measure(Asked("low", plot=plot))
        assert isinstance(run, Run), tool.complained
        assert w["low.tuning_state"].show() == "done"
        assert w["low.loop.gain"].value == before, "nothing is written before a person accepts"
        for state in ("waits", "steps", "found at", "gain margin", "Proposed: quick and steady"):
            assert state in tool.said
        drawn = ElementTree.fromstring(plot.read_text())
        assert len(drawn.findall(".//{*}path[@fill='none']")) == 3
        supply = [sample.supply for sample in run.samples]
        assert 2.0 < max(supply) - min(supply) < 8.0, "the steps are in the samples"

        gain, integral_time = run.proposal
        assert gain == pytest.approx(w["low.tuning_gain"].value, rel=0.01)
        assert await tool.tune.accept(run) == 0
        assert w["low.tuning_state"].show() == "accepted"
        assert f"low.loop.gain: {before:g} → {gain:g}" in tool.said
        assert f"loop: {{gain: {gain:g}, integral_time: {integral_time:g} s}}" in tool.said
        assert await tool.tune.accept(run) == 1, "what is accepted already is not accepted again"
        await w.run(20)
    rows = [(e.subject, e.code, e.user) for e in w.events("audit")]
    for point in ("low.loop.gain", "low.loop.integral_time", "low.tuning"):
        assert (point, "write_taken", "local") in rows
        assert (point, "write_done", "local") in rows
    async with world(tmp_path) as w:
        assert w["low.loop.gain"].value == gain
        assert w["low.loop.integral_time"].value == integral_time
        assert w["low.tuning_state"].show() == "idle"


async def test_another_pump_ends_it_with_the_reason_in_one_line(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.run(minutes=SETTLES_MIN)
        await door_open(w)
        tool = Tool(w)

        def trips() -> bool:
            """A look at whether a person has had enough is a place to let something happen."""
            if w["low.tuning_state"].show() == "stepping":
                w.plant.fault("low.pump_1", "trip")
            return False

        tool.tune.asked_to_stop = trips
        assert await tool.tune.measure(Asked("low")) == 1
        assert w["low.tuning_state"].show() == "aborted"
        assert tool.complained.startswith("Tuning ended early: ")
        assert tool.complained.count("\n") == 1
        rest = Tool(w, "zh")
        w.plant.fault("low.pump_2", "trip")
        await w.run(20)
        assert await rest.tune.measure(Asked("low")) == 1
        assert w["low.tuning_state"].show() == "refused"
        assert rest.complained.startswith("整定被拒绝：")


async def test_a_relay_stopped_by_a_person_and_the_regulator_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.run(minutes=SETTLES_MIN)
        await door_open(w)
        tool, other = Tool(w, terminal=True), Tool(w)
        looks: list[int] = []

        def enough() -> bool:
            looks.append(1)
            return w["low.tuning_state"].show() == "stepping"

        tool.tune.asked_to_stop = enough
        assert await tool.tune.measure(Asked("low", method="relay")) == 1
        assert "a person ended it" in tool.complained
        assert "by SIMC, with a relay:" in tool.said
        assert w["low.tuning"].show() == "stop"
        assert "Tuning waits: nothing may move for 4 min more." in tool.said, "the line is renewed"
        assert len(looks) > 300, "it was stepping, not waiting"
        assert w["low.tuning_state"].show() == "aborted"
        await w.run(minutes=10)
        assert w["low.supply_temperature"].value == pytest.approx(w["low.supply_setpoint"].value, abs=1.0)

        assert await other.tune.measure(Asked("tower")) == 2
        assert "(low)" in other.complained
        assert w["low.tuning"].show() == "stop"
