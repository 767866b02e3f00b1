"""The reference page of control: every block and circuit with its own text and its settings.

What a block does, its formulas and their source stand in its docstring; ranges, units and defaults on its
settings model. This page only puts them side by side, in the order in which a value passes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controller.control import blocks, circuits
from controller.fields import Settings
from controller.settings.load import alternatives
from controller.settings.reference import Row, models_of, row_of, table_of
from controller.settings.station import StationFile, TankSettings

_HEAD = """\
# Control, block by block

Made by `station show control` from the docstrings and the settings models of the blocks; a test keeps both
alike. The order is that in which a value passes: what a block writes, a later one reads. Keys are those of
the station file; what is **adjustable** can also be changed while the station runs. All keys on one page:
[settings.md](settings.md); why it is built this way: [architecture.md](architecture.md).
"""
_ORDER: dict[str, tuple[str, ...]] = {
    "The circuits": ("heating", "exchanger", "mixing", "circuit_mode"),
    "Set-point": (
        "supply_setpoint",
        "damped_outdoor",
        "forecast",
        "heat_curve",
        "mean_temperature",
        "learned_curve",
        "house_day",
        "house_model",
        "day_offsets",
        "schedule",
        "room_sensors",
        "room_influence",
        "wind_sun",
        "remote",
        "fade",
    ),
    "Limits of the set-point": (
        "return_limit",
        "meter_limit",
        "meter_age",
        "shortage",
        "ramp",
        "supply_rate",
    ),
    "Exchangers in parallel": (
        "exchanger_settings",
        "exchanger_staging",
        "isolation_valve",
        "exchanger_load",
    ),
    "Loop": (
        "supply_settings",
        "supply_control",
        "supply_limiter",
        "fixed_opening",
        "flow_control",
        "heat_transfer",
        "pid_loop",
        "supply_estimate",
    ),
    "Valve, three-point valve, primary pump": (
        "characteristic",
        "three_point",
        "primary_pump",
        "pump_assist",
    ),
    "Circulation pumps": (
        "pump_settings",
        "pump_group",
        "pump_speed",
        "drive",
        "pump_turns",
        "pump_exercise",
    ),
    "Pressure holding": (
        "pressure_holding",
        "makeup_blind",
        "makeup_guard",
        "makeup_meter",
        "leak_balance",
    ),
    "Tank": ("tank",),
    "Tuning": (
        "tuning",
        "tuning_experiment",
        "relay_experiment",
        "identification",
        "relay_point",
        "tuning_rules",
    ),
    "Monitor": ("loop_monitor", "half_waves", "slowness", "valve_stick", "loop_points"),
}
_ELSEWHERE: dict[str, tuple[type[Settings], ...]] = {"tank": (TankSettings,)}
"""Settings of a block that do not stand in its own module."""
_REST = "Parts that several of them use"


def control_page() -> str:
    """Markdown: a section for each stage, a block each with its docstring and a table of its own keys."""
    modules = {name: module for package in (circuits, blocks) for name, module in _modules(package)}
    listed = {name for names in _ORDER.values() for name in names}
    order = {**_ORDER, _REST: tuple(sorted(modules.keys() - listed))}
    places = dict(_places(StationFile, ""))
    parts = [_HEAD]
    for title, names in order.items():
        parts.append(f"## {title}\n")
        for name in (name for name in names if name in modules):
            parts += _block(name, modules[name], places)
    return "\n".join(parts).rstrip() + "\n"


def _modules(package: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.ispkg:
            yield found.name.rpartition(".")[2], importlib.import_module(found.name)


def _block(name: str, module: ModuleType, places: dict[type[BaseModel], str]) -> Iterator[str]:
    """The text as it stands in the code: its formulas are set in columns."""
    yield f"### {name}\n\n```text\n{inspect.getdoc(module)}\n```\n"
    for model in (*_defined(module), *_ELSEWHERE.get(name, ())):
        rows = list(_own_rows(model, places.get(model, "")))
        if rows:
            about = (inspect.getdoc(model) or "").split("\n")[0]
            yield f"{about}\n\n{table_of(rows)}"


def _defined(module: ModuleType) -> list[type[Settings]]:
    found = [
        value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Settings)
    ]
    return [model for model in found if model.__module__ == module.__name__]


def _places(model: type[BaseModel], prefix: str) -> Iterator[tuple[type[BaseModel], str]]:
    """Where each model stands in the station file, and of what it inherits; the last found counts."""
    for name, info in model.model_fields.items():
        path = _path(prefix, name, info)
        for inner in models_of(info.annotation):
            yield from ((base, path) for base in inner.__mro__ if base in _bases(inner))
            yield inner, path
            yield from _places(inner, path)


def _bases(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [base for base in model.__mro__[1:] if issubclass(base, Settings) and base is not Settings]


def _path(prefix: str, name: str, info: FieldInfo) -> str:
    path = f"{prefix}.{info.alias or name}" if prefix else info.alias or name
    kind = get_origin(alternatives(info.annotation)[0])
    if kind is list and models_of(info.annotation):
        return f"{path}.<n>"
    return f"{path}.<name>" if kind is dict else path


def _own_rows(model: type[BaseModel], prefix: str) -> Iterator[Row]:
    """The keys that this model adds; a model within is a row that says where its keys are."""
    inherited = {name for base in _bases(model) for name in base.model_fields}
    for name, info in model.model_fields.items():
        inner = models_of(info.annotation)
        if name in inherited:
            continue
        path = f"{prefix}.{info.alias or name}" if prefix else info.alias or name
        if not inner:
            yield row_of(path, info)
            continue
        homes = dict.fromkeys(one.__module__.rpartition(".")[2] for one in inner)
        keys = "keys of " + ", ".join(f"[{home}](#{home})" for home in homes)
        about = info.description or (inspect.getdoc(inner[0]) or "").split("\n")[0]
        yield Row(path, about.strip("."), keys, "", _whether(info), False)


def _whether(info: FieldInfo) -> str:
    if info.is_required():
        return "must be given"
    return "none" if info.default is None else "those of its keys"
