"""The example files: good, able to stand side by side, read back alike; and the page of all keys."""

from pathlib import Path

import pytest

from controller.settings.check import check_file
from controller.settings.messages import line, summary
from controller.settings.reference import settings_page
from controller.settings.station import RtuBusSettings, StationFile
from controller.settings.wiring import wire
from controller.station import build
from controller.texts import LANGUAGES

ROOT = Path(__file__).parents[2]
CONFIG = sorted((ROOT / "config").glob("*.yaml"))
EXPECTED_WARNINGS = {
    "modes.yaml": ["write_only"],
    "parallel-exchangers.yaml": ["write_only"],
    "primary-pump.yaml": ["write_only"],
    "soft-starter.yaml": ["write_only"],
    "three-point.yaml": ["write_only", "relay_watchdog", "relay_watchdog"],
    "two-exchangers.yaml": ["write_only"],
    "two-zones.yaml": ["write_only"],
}
"""A relay module is set to fall off by hand: no file can say that it was done. What drives show of their
registers is in their profiles."""
WITNESSED = {"demo.yaml"}
"""The other examples have one outdoor sensor, as most stations do, and nobody above them who knows better."""
each_file = pytest.mark.parametrize("path", CONFIG, ids=[path.name for path in CONFIG])


@each_file
def test_example_files_are_good(path: Path) -> None:
    checked = check_file(path)
    assert [line(path.name, finding, "en") for finding in checked.errors] == []
    usual = [] if path.name in WITNESSED else ["witness_outdoor"]
    expected = [*usual, *EXPECTED_WARNINGS.get(path.name, [])]
    assert sorted(finding.code for finding in checked.warnings) == sorted(expected)
    for language in LANGUAGES:
        assert summary(path.name, checked, language).startswith(path.name)


@each_file
def test_a_good_file_round_trips(path: Path) -> None:
    file = check_file(path).file
    assert file is not None
    assert StationFile.model_validate(file.model_dump(by_alias=True)) == file


@each_file
def test_every_point_of_an_example_gets_its_wire(path: Path) -> None:
    checked = check_file(path)
    assert checked.file is not None
    wiring = wire(checked.file, checked.profiles)
    measured = {channel.point for channel in wiring.inputs} | set(wiring.redundant)
    assert set(checked.file.points) <= measured


def test_the_examples_can_run_side_by_side() -> None:
    seen: dict[str, str] = {}
    for path in CONFIG:
        file = check_file(path).file
        assert file is not None
        wires = [
            b.port if isinstance(b, RtuBusSettings) else f"{b.host}:{b.port}" for b in file.buses.values()
        ]
        for one in [*wires, file.door.endpoint]:
            assert seen.setdefault(one, path.name) == path.name, f"{one} is used by two examples"


def test_two_zones_share_the_primary_and_each_has_its_own() -> None:
    checked = check_file(ROOT / "config/two-zones.yaml")
    assert checked.file is not None
    station = build(checked.file, checked.profiles)
    assert [holder.name for holder in station.circuits] == ["low", "high"]
    outputs = set(station.image.outputs)
    assert {"low.valve_command", "high.valve_command", "high.makeup_2_run", "station.tank_inlet"} <= outputs
    assert not any(name.startswith("low.makeup") for name in outputs)


def test_three_zones_have_their_own_makeup_and_one_tank() -> None:
    checked = check_file(ROOT / "config/three-zones.yaml")
    assert checked.file is not None
    outputs = set(build(checked.file, checked.profiles).image.outputs)
    for zone in ("low", "middle", "high"):
        assert {f"{zone}.pump_2_run", f"{zone}.makeup_1_run", f"{zone}.valve_command"} <= outputs
    assert "station.tank_inlet" in outputs


def test_a_starter_gets_a_relay_and_contacts_but_no_speed() -> None:
    checked = check_file(ROOT / "config/soft-starter.yaml")
    assert checked.file is not None
    wiring = wire(checked.file, checked.profiles)
    targets = {channel.output: channel.target for channel in wiring.outputs}
    assert targets["low.pump_2_run"] == ("relays", "channel_4")
    assert "low.pump_2_speed" not in targets
    assert "low.makeup_1_speed" in targets
    sources = {channel.point: (channel.source, channel.invert) for channel in wiring.inputs}
    assert sources["low.pump_1_running"] == (("contacts", "channel_6"), False)
    assert sources["low.pump_1_local"] == (("contacts", "channel_8"), True)


def test_a_pump_without_valve_and_one_that_helps_are_told_apart() -> None:
    checked = check_file(ROOT / "config/primary-pump.yaml")
    assert checked.file is not None
    outputs = {channel.output for channel in wire(checked.file, checked.profiles).outputs}
    assert {"low.booster_speed", "high.booster_speed", "high.valve_command"} <= outputs
    assert "low.valve_command" not in outputs


def test_the_page_of_settings_is_the_committed_one() -> None:
    committed = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert settings_page() == committed, "write it again: station show settings > docs/settings.md"


def test_the_page_of_settings_tells_what_a_technician_asks() -> None:
    page = settings_page()
    for row in (
        "| `circuits.<name>.makeup.setpoint` | Return pressure to hold (**adjustable**) | 50 … 1200 "
        "| kPa, MPa, bar, Pa | must be given |",
        "| `record.keep` | Older samples go | 1 d … 7320 d | s, min, h, d, ms | 400 d |",
        "| `points.<name>.invert` | A contact that opens when it means yes | yes, no |  | no |",
    ):
        assert row in page
    for name in StationFile.model_fields:
        assert f"\n## {name}\n" in page


BARE = {"circuits.<name>.valve.characteristic"}
"""Their models belong to blocks; whoever gives them a description takes them out here."""


def test_every_setting_has_a_meaning() -> None:
    rows = [row.split(" | ") for row in settings_page().split("\n") if row.startswith("| `")]
    bare = {row[0].strip("| `") for row in rows if not row[1].strip()}
    assert {key for key in bare if not key.endswith(".kind")} == BARE


def test_a_relay_that_closes_an_isolation_valve_is_driven_the_other_way_round() -> None:
    checked = check_file(ROOT / "config/parallel-exchangers.yaml")
    assert checked.file is not None
    wiring = wire(checked.file, checked.profiles)
    channel = next(one for one in wiring.outputs if one.output == "low.exchanger_2_open")
    assert (channel.target, channel.invert) == (("relays", "channel_4"), True)
    assert [channel.raw(value) for value in (0.0, 1.0)] == [1.0, 0.0]
    sources = {channel.point: channel.source for channel in wiring.inputs}
    assert sources["low.exchanger_2_closed"] == ("contacts", "channel_8")
    station = build(checked.file, checked.profiles)
    assert {"low.exchanger_1_out", "low.exchangers.open_above"} <= set(station.adjustables)
    assert station.explain("low.exchangers_wanted").code == "exchangers_by_load"
