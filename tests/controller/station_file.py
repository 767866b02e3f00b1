"""A small sound station file that the tests of settings break, one place at a time."""

import re
from pathlib import Path

from controller.settings.check import check_file
from controller.settings.messages import line

BASE = """\
station: {name: 香坊三号站}
buses:
  cabinet: {kind: modbus_tcp, host: 127.0.0.1}
  drives: {kind: modbus_rtu, port: /dev/ttyS0}
devices:
  inputs: {profile: advantech/adam-4015, bus: cabinet, address: 1}
  analog: {profile: advantech/adam-4117, bus: cabinet, address: 2}
  contacts: {profile: advantech/adam-4051, bus: cabinet, address: 3}
  relays: {profile: advantech/adam-4068, bus: cabinet, address: 4}
  valve: {profile: belimo/lr24a-mod, bus: cabinet, address: 5}
  pump: {profile: abb/acs580, bus: drives, address: 11}
  makeup: {profile: abb/acs580, bus: drives, address: 21}
points:
  station.outdoor_temperature: {from: inputs.channel_1}
  station.tank_level: {from: analog.channel_3, signal: 4…20 mA, range: 0…3 m}
  low.supply_temperature: {from: inputs.channel_2}
  low.return_pressure: {from: analog.channel_1, signal: 4…20 mA, range: 0…1 MPa}
  low.differential_pressure: {from: analog.channel_2, signal: 4…20 mA, range: 0…0.4 MPa}
  low.suction_switch: {from: contacts.channel_1}
  low.thermostat: {from: contacts.channel_2}
tank: {inlet: relays.channel_2, low: 0.4 m, fill_below: 1.2 m, stop_above: 1.8 m}
circuits:
  low:
    kind: exchanger
    highest_building: 30 m
    heat_curve: {kind: points, points: {-20 °C: 60 °C, 0 °C: 41 °C}, shift: 0 K}
    offset_by_time: {06-08: 1 K}
    supply: {min: 30 °C, max: 65 °C, alarm: 70 °C, trip: 75 °C}
    valve: {command: valve.command, feedback: valve.position}
    circulation: {pumps: [pump], setpoint: 120 kPa, speed: 25…50 Hz}
    makeup:
      pumps: [makeup]
      setpoint: 0.35 MPa
      relief: {valve: relays.channel_1, open: 0.45 MPa, close: 0.41 MPa}
      guard: {loop_volume: 40 m³, nominal_flow: 6 m³/h}
outdoor: {}
"""


def findings(folder: Path, content: str | bytes, language: str = "en") -> list[str]:
    """`LINE:COL: path: text` of everything that is said about a file with this content."""
    path = folder / "station.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    checked = check_file(path)
    assert (checked.file is None) == bool(checked.errors)
    return [line("F", finding, language).removeprefix("F:") for finding in checked.findings]


def broken(folder: Path, *changes: str, language: str = "en") -> list[str]:
    """The same for BASE with `old`, `new`, `old`, `new` … replaced; every `old` stands there once."""
    text = BASE
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
        text = text.replace(old, new)
    return findings(folder, text, language)


def cases(name: str) -> list[tuple[str, list[str], list[str]]]:
    """The cases of `settings/<name>.txt`: what, changes for `broken`, expected lines."""
    text = (Path(__file__).parent / "settings" / f"{name}.txt").read_text(encoding="utf-8")
    found = []
    for block in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        what, *rows = block.rstrip("\n").split("\n")
        sides: list[tuple[str, str]] = []
        expected = []
        for row in filter(None, rows):
            mark, line_ = row[0], _ESCAPE.sub(_plain, row[2:])
            line_ = line_[:-1] if line_.endswith("|") else line_
            if mark == ">":
                expected.append(line_)
            elif sides and sides[-1][0] == mark:
                sides[-1] = mark, f"{sides[-1][1]}\n{line_}"
            else:
                sides += [("+", "")] if mark == "-" and sides and sides[-1][0] == "-" else []
                sides.append((mark, line_))
        sides += [("+", "")] if len(sides) % 2 else []
        found.append((what, [side for _, side in sides], expected))
    return found


_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|t|\\)")


def _plain(match: re.Match[str]) -> str:
    return {"t": "\t", "\\": "\\"}.get(match[1]) or chr(int(match[1][1:], 16))
