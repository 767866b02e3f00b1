"""Tables between our words and OPC UA's: quality and reason → status code, answer → status code.

The reason itself travels in `station.reasons`; a status code is its coarse translation for clients
that know nothing of us. What is in no table falls to the general code of its quality.
"""

from __future__ import annotations

from asyncua.ua.status_codes import StatusCodes as Codes

from controller.points import Quality

_UNCERTAIN: dict[str, int] = {
    "held": Codes.UncertainLastUsableValue,
    "jump": Codes.UncertainLastUsableValue,
    "stale": Codes.UncertainLastUsableValue,
    "no_reply": Codes.UncertainLastUsableValue,
    "substituted": Codes.UncertainSubstituteValue,
    "second_sensor": Codes.UncertainSubstituteValue,
    "from_supply_pressure": Codes.UncertainSubstituteValue,
    "crossed": Codes.UncertainSubstituteValue,
    "ten_day_mean": Codes.UncertainSubstituteValue,
    "assumed": Codes.UncertainSubstituteValue,
    "upstream": Codes.UncertainSubstituteValue,
    "forecast": Codes.UncertainSubstituteValue,
    "outvoted": Codes.UncertainSubstituteValue,
    "overridden": Codes.UncertainSubstituteValue,
    "restored": Codes.UncertainInitialValue,
    "disagree": Codes.UncertainSensorNotAccurate,
    "colder_of_two": Codes.UncertainSensorNotAccurate,
    "nearer_of_two": Codes.UncertainSensorNotAccurate,
    "rooms_of_two": Codes.UncertainSensorNotAccurate,
    "doubtful": Codes.UncertainSensorNotAccurate,
    "frozen": Codes.UncertainSensorNotAccurate,
    "out_of_range": Codes.UncertainEngineeringUnitsExceeded,
}

_BAD: dict[str, int] = {
    "no_reading": Codes.BadWaitingForInitialData,
    "never_read": Codes.BadWaitingForInitialData,
    "never_written": Codes.BadWaitingForInitialData,
    "not_known_yet": Codes.BadWaitingForInitialData,
    "stale": Codes.BadNoCommunication,
    "no_reply": Codes.BadNoCommunication,
    "bad_reply": Codes.BadNoCommunication,
    "bus_down": Codes.BadNotConnected,
    "out_of_range": Codes.BadSensorFailure,
    "over_range": Codes.BadSensorFailure,
    "under_range": Codes.BadSensorFailure,
    "open_circuit": Codes.BadSensorFailure,
    "short_circuit": Codes.BadSensorFailure,
    "frozen": Codes.BadSensorFailure,
    "recovering": Codes.BadSensorFailure,
    "disagree": Codes.BadSensorFailure,
    "against_two": Codes.BadSensorFailure,
    "device_fault": Codes.BadDeviceFailure,
    "refused": Codes.BadConfigurationError,
    "not_available": Codes.BadNotSupported,
    "out_of_service": Codes.BadOutOfService,
    "no_wish": Codes.BadNoData,
    "not_followed": Codes.BadNoData,
    "no_upstream": Codes.BadNoData,
    "no_forecast": Codes.BadNoData,
    "forecast_incomplete": Codes.BadDataUnavailable,
    "forecast_far": Codes.BadDataUnavailable,
    "forecast_doubted": Codes.BadDataUnavailable,
}

_REFUSED: dict[str, int] = {
    "outside_range": Codes.BadOutOfRange,
    "out_of_range": Codes.BadOutOfRange,
    "override_too_long": Codes.BadOutOfRange,
    "shelf_too_long": Codes.BadOutOfRange,
    "not_allowed": Codes.BadUserAccessDenied,
    "not_adjustable": Codes.BadNotWritable,
    "not_an_output": Codes.BadNotWritable,
    "no_such_point": Codes.BadNodeIdUnknown,
    "no_such_alarm": Codes.BadNotFound,
    "not_overridden": Codes.BadNothingToDo,
    "queue_full": Codes.BadTooManyOperations,
    "stopping": Codes.BadShutdown,
}

SEVERITY: dict[str, int] = {"urgent": 900, "high": 700, "warning": 400}
"""Alarm priority → event severity (1 … 1000)."""


def status_of(quality: Quality, reason: str) -> int:
    """Status code of a point's quality and reason."""
    if quality is Quality.GOOD:
        return Codes.Good
    if quality is Quality.UNCERTAIN:
        return _UNCERTAIN.get(reason, Codes.UncertainSubNormal)
    return _BAD.get(reason, Codes.Bad)


def refusal(code: str) -> int:
    """Status code of a refused command's answer."""
    return _REFUSED.get(code, Codes.BadRequestNotAllowed)
