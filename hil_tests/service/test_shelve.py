"""`station shelve` and `station unshelve` against a running service, through its encrypted door."""

import asyncio
import io

import pytest
from rich.console import Console

from controller.cli.shelve import Shelf
from controller.settings.free_alarms import FreeAlarmSettings
from hil_tests.service.world import world

pytestmark = pytest.mark.timeout(120)
ALARM = "free_above_10@low.return_temperature"


def edit(file):
    for priority, limit in (("warning", "10 °C"), ("urgent", "11 °C")):
        file.alarms.append(
            FreeAlarmSettings.model_validate(
                {
                    "point": "low.return_temperature",
                    "above": limit,
                    "for": "0 s",
                    "text": {"zh": "太热", "en": "hot"},
                    "priority": priority,
                }
            )
        )


class Shell:
    """What a person types and sees."""

    def __init__(self, w, language="en"):
        self.paper, self.errors = (Console(file=io.StringIO(), width=160) for _ in range(2))
        self.w = w
        self.shelf = Shelf(w.endpoint, w.directory, language, self.paper, self.errors)

    async def do(self, call):
        async with self.w.clock.io():
            code = await call
        await self.w.run(3)
        said = (self.errors if code else self.paper).file.getvalue().replace("\u00a0", " ")
        return code, said


def view(w, name=ALARM):
    return next(a for a in w.service.station.alarms.view() if f"{a.code}@{a.subject}" == name)


async def test_an_alarm_is_shelved_listed_and_taken_off_again(tmp_path):
    async with world(tmp_path, edit=edit) as w:
        async with w.clock.io():
            while ":0/" in w.endpoint:
                await asyncio.sleep(0.05)
        await w.run(5)
        shell = Shell(w)
        code, said = await shell.do(shell.shelf.take_off(ALARM))
        assert (code, "is not shelved" in said) == (1, True)
        shell = Shell(w)
        code, said = await shell.do(shell.shelf.put("free_above_10", "2h", "gauge is being changed"))
        assert code == 0
        assert said.startswith(f"{ALARM} is shelved until ")
        assert view(w).hidden_by == "shelf"
        assert view(w).shelved_until == pytest.approx(w.clock.now() + 7200, abs=30)
        shell = Shell(w, "zh")
        code, said = await shell.do(shell.shelf.list())
        assert code == 0
        assert "local 搁置至" in said
        assert "太热" in said
        assert "不可" in said, "the urgent one"
        shell = Shell(w)
        assert (await shell.do(shell.shelf.take_off(ALARM)))[0] == 0
        assert view(w).hidden_by == ""
        await w.run(15)
        audit = {(e.code, e.user) for e in w.events("audit") if e.subject == ALARM}
        assert {("shelve_taken", "local"), ("shelve_done", "local"), ("unshelve_done", "local")} <= audit
        reasons = [value for e in w.events("audit") for name, value, _ in e.values if name == "reason"]
        assert "gauge is being changed" in reasons


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_what_cannot_be_shelved_is_refused_in_words(tmp_path, language):
    wrong = {
        (ALARM, "2 houres", "x"): (2, "houres"),
        (ALARM, "10 s", "x"): (2, "1 min"),
        (ALARM, "8d", "x"): (2, "7.0 d"),
        (ALARM, "2h", "  "): (2, "--reason"),
        ("free_above_11", "2h", "x"): (2, "free_above_11@low.return_temperature"),
        ("free_abov_10@low.return_temperature", "2h", "x"): (2, ALARM),
    }
    async with world(tmp_path, edit=edit) as w:
        async with w.clock.io():
            while ":0/" in w.endpoint:
                await asyncio.sleep(0.05)
        await w.run(5)
        for (alarm, lasts, reason), (expected, part) in wrong.items():
            shell = Shell(w, language)
            code, said = await shell.do(shell.shelf.put(alarm, lasts, reason))
            assert (code, part in said) == (expected, True), said
            assert len(said.strip().splitlines()) == 1
        assert view(w).hidden_by == ""


async def test_without_a_service_it_says_so(tmp_path):
    errors = Console(file=io.StringIO(), width=160)
    shelf = Shelf("opc.tcp://127.0.0.1:9/heat-station", tmp_path, "en", errors, errors)
    assert await shelf.list() == 1
    assert "not running" in errors.file.getvalue() or "No readable token" in errors.file.getvalue()
