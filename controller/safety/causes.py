"""Which alarm need not be told while another one stands: the table of causes.

A fault is told by its cause; what follows from it stays visible behind it (IEC 62682, suppression by design).
No row hides an alarm of higher priority than its cause, whatever stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controller.alarms import FREE, Cause
from controller.channels import Wiring, bus_part

_STANDING = frozenset(
    {"no_circulation", "circulation_unknown", "supply_low", "pump_failed", "pump_locked_out", "return_cool"}
)
_READINGS = frozenset({"sensor_frozen", "pair_drifts", "sensors_disagree"})
_VALVE_TELLS = frozenset({"valve_stuck", "valve_astray", "valve_not_shut"})
_UNANSWERED = (
    _READINGS
    | {"input_bad", "supply_lost", "outdoor_lost", "valve_astray", "pump_failed", "pump_locked_out"}
    | {"circulation_unknown", "valve_stuck", "meter_stuck", "exchanger_stuck", "alarm_blind", FREE}
    | {"exchanger_no_heat", "mode_left"}
)
"""What follows from a device that does not answer."""

CAUSES: tuple[Cause, ...] = (
    Cause(
        "power_failure",
        _STANDING
        | {"valve_astray", "pressure_low", "suction_low", "device_silent", "input_bad", "supply_lost"}
        | {"outdoor_lost", "tank_fill_long", "valve_stuck", "meter_stuck", "valve_reversed", "valve_not_shut"}
        | {"exchanger_stuck", "exchanger_no_heat"}
        # Water that stands between plates that a valve without power still heats.
        | {"over_temperature", "thermostat", "supply_high"},
        "station",
    ),
    Cause("emergency_stop", _STANDING | _VALVE_TELLS | {"pressure_low"}),
    # The task of a bus is gone: all of its devices are silent.
    Cause("part_down", _UNANSWERED | {"device_silent"}, "device"),
    Cause("device_silent", _UNANSWERED, "device"),
    Cause("device_repeats", _UNANSWERED, "device"),
    Cause("input_bad", _READINGS | {"outdoor_lost", "supply_lost", "alarm_blind"}, "same"),
    # A mode leaves for the heat curve when it loses what it goes by.
    Cause("input_bad", frozenset({"mode_left"})),
    Cause("circuit_broken", frozenset({"supply_low", "return_cool", "mode_left"})),
    Cause("no_circulation", frozenset({"supply_low", "return_cool", "loop_throttled", "mode_left"})),
    Cause("suction_low", frozenset({"no_circulation", "pressure_low", "supply_low"})),
    Cause("suction_sinks", frozenset({"suction_contradicted", "supply_low"})),
    Cause("flood_makeup", frozenset({"flood", "pressure_low", "makeup_warning", "makeup_excess"}), "station"),
    Cause("flood_makeup_stop", frozenset({"flood", "pressure_low", "flood_makeup"}), "station"),
    Cause("flood_primary", frozenset({"flood", "supply_low"}), "station"),
    Cause("flood_high", frozenset({"flood", "supply_low"}), "station"),
    # Learned from the last minutes, and counted over the last hour: the same water.
    Cause("leak_begins", frozenset({"makeup_excess"})),
    # Whoever moves the water explains that it moves: a makeup pump that the cabinet runs, a pump or a relief
    # valve that somebody else commands. What the loop then suffers, pressure or a leak in stages, is told.
    Cause("pump_local", frozenset({"makeup_excess", "makeup_overrun"}), about="makeup_"),
    Cause("other_master", frozenset({"leak_begins", "makeup_excess", "makeup_overrun"}), about="makeup_"),
    Cause("other_master", frozenset({"leak_begins", "makeup_excess", "makeup_overrun"}), about="relief_"),
    Cause("other_master", frozenset({"tank_rises", "tank_fill_long"}), "same"),
    Cause("leak_urgent", frozenset({"pressure_low", "makeup_excess", "leak_begins", "makeup_overrun"})),
    Cause("leak_alarm", frozenset({"makeup_excess", "leak_begins", "makeup_overrun"})),
    # A torn-off main, until the pressure is back: a pump against a loop half empty makes head and no flow,
    # and what stands in the exchanger is heated. What then closes the valve is told all the same.
    Cause(
        "pressure_drops",
        frozenset({"pressure_low", "suction_low", "no_circulation", "supply_high", "supply_low"})
        | {"makeup_excess", "makeup_overrun", "makeup_warning", "leak_begins"}
        | {"return_cool", "frost"},
    ),
    Cause("tank_overflow", frozenset({"flood", "tank_fill_long", "tank_high"}), "station"),
    Cause("tank_rises", frozenset({"flood", "tank_high"}), "station"),
    Cause("tank_low", frozenset({"pressure_low", "makeup_dry"}), "station"),
    Cause("over_temperature", frozenset({"supply_high", "thermostat_contradicted"})),
    Cause("thermostat", frozenset({"over_temperature", "supply_high", "supply_low"})),
    Cause("write_not_confirmed", _VALVE_TELLS, "same"),
    Cause("other_master", _VALVE_TELLS, "same"),
    Cause("pump_locked_out", frozenset({"pump_failed"}), "same"),
    Cause("valve_local", _VALVE_TELLS | {"supply_low"}),
    Cause("valve_stuck", frozenset({"valve_astray", "valve_sticks"})),
    Cause("valve_reversed", frozenset({"valve_astray", "valve_stuck"})),
    Cause("valve_astray", frozenset({"supply_low"})),
    Cause("supply_lost", frozenset({"supply_low", "mode_left"})),
    Cause("exchanger_stuck", frozenset({"supply_low", "exchanger_no_heat"})),
    Cause("exchanger_no_heat", frozenset({"supply_low"})),
    Cause("exchangers_shut", frozenset({"supply_low", "return_cool", "exchanger_no_heat"})),
    Cause("write_not_confirmed", frozenset({"exchanger_stuck"})),
    Cause("other_master", frozenset({"exchanger_stuck"})),
)
"""Rows in no order; a test sees that no chain of them comes back to itself."""


def feeds_by(wiring: Wiring, bus_of: Mapping[str, str]) -> Callable[[str, str], bool]:
    """`feeds(source, subject)`: a point of the source, a device or the task of a bus, is the subject or
    belongs to that pump or circuit; or the subject is a device on that bus. `bus_of`: device → bus."""
    fed: dict[str, list[str]] = {}
    for channel in wiring.inputs:
        fed.setdefault(channel.source[0], []).append(channel.point)
    for output in wiring.outputs:
        fed.setdefault(output.target[0], []).append(output.output)
    for device, bus in bus_of.items():
        fed.setdefault(bus_part(bus), []).extend([device, *fed.get(device, ())])

    def feeds(source: str, subject: str) -> bool:
        beginnings = (f"{subject}_", f"{subject}.")
        return any(name == subject or name.startswith(beginnings) for name in fed.get(source, ()))

    return feeds
