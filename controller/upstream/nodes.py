"""The address space: one object for the station, one a circuit below it, one variable a point.

NodeIds are the names: `s=low.supply_temperature` below object `s=low` below `s=station`. Units, ranges
and the names of choices are standard properties (OPC 10000-8), so that any client can show them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from controller.points import PointInfo
from controller.quantities import QUANTITIES

NAMESPACE = "urn:heat-station"
STATION = "station"
ALARMS = "station.alarms"
REASONS = "station.reasons"

_UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
_READ = ua.AccessLevel.CurrentRead.mask
_READ_WRITE = _READ | ua.AccessLevel.CurrentWrite.mask


def standard(number: int) -> ua.NodeId:
    """NodeId of the standard's own namespace."""
    return ua.NodeId(ua.Int32(number))


@dataclass(frozen=True)
class Method:
    """A method of the station object: arguments by name, its answer's name, who may call it."""

    name: str
    inputs: tuple[tuple[str, ua.VariantType, str], ...]
    output: str
    operator: bool


_TEXT, _DOUBLE = ua.VariantType.String, ua.VariantType.Double
_ALARM = (("code", _TEXT, "Code of the alarm"), ("subject", _TEXT, "What it is about"))
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("Explain", (("point", _TEXT, "Name of the point"),), "explanation", False),
        Method("Catalogue", (), "catalogue", False),
        Method(
            "Override",
            (
                ("point", _TEXT, "Name of the output"),
                ("value", _DOUBLE, "In the unit of the output"),
                ("minutes", _DOUBLE, "Ends by itself after so many minutes"),
                ("reason", _TEXT, "Why, for those who come after"),
            ),
            "",
            True,
        ),
        Method("Release", (("point", _TEXT, "Name of the output"),), "", True),
        Method("Acknowledge", _ALARM, "", True),
        Method(
            "Shelve",
            (
                *_ALARM,
                ("minutes", _DOUBLE, "Not announced for so many minutes"),
                ("reason", _TEXT, "Why, for those who come after"),
            ),
            "",
            True,
        ),
        Method("Unshelve", _ALARM, "", True),
    )
}


def variant_type(info: PointInfo) -> ua.VariantType:
    """Type of a point's value: a flag is a Boolean, a choice an Int32, the rest Double."""
    return _TYPES.get(info.quantity, ua.VariantType.Double)


_TYPES = {"flag": ua.VariantType.Boolean, "choice": ua.VariantType.Int32}


def variant_of(value: float, kind: ua.VariantType) -> ua.Variant | None:
    """Value in its type, None where it has none."""
    if kind == ua.VariantType.Double:
        return None if math.isnan(value) else ua.Variant(float(value), kind)
    if not math.isfinite(value):
        return None
    if kind == ua.VariantType.Boolean:
        return ua.Variant(value >= 0.5, kind)
    return ua.Variant(round(value), kind)


def moment(wall: float) -> ua.DateTime | None:
    """Unix time as OPC UA wants it; None for never."""
    if not -1e10 < wall < 1e11:
        return None
    when = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=wall)
    return cast(ua.DateTime, when)  # asyncua's own name for a datetime


def engineering_unit(quantity: str) -> ua.EUInformation | None:
    """Unit of a quantity, None where it has none. UnitId: the characters of the UN/ECE code as a number."""
    row = QUANTITIES[quantity]
    if not row.unit:
        return None
    unit_id = int.from_bytes(row.unece.encode("ascii"), "big") if row.unece else -1
    return ua.EUInformation(
        NamespaceUri=_UNECE if row.unece else NAMESPACE,
        UnitId=unit_id,
        DisplayName=ua.LocalizedText(row.unit),
        Description=ua.LocalizedText(row.key),
    )


class AddressSpace:
    """Makes the items that asyncua adds, parents first. `ns` is our namespace's index."""

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def node(self, name: str) -> ua.NodeId:
        """NodeId of a name."""
        return ua.NodeId(ua.String(name), ua.Int16(self.ns))

    def items(self, station_name: str, catalogue: Iterable[PointInfo]) -> list[ua.AddNodesItem]:
        """All nodes of the station."""
        objects = standard(ObjectIds.ObjectsFolder)
        items = [self._object(STATION, objects, ObjectIds.Organizes, "Station", station_name)]
        known = {STATION}
        for info in catalogue:
            circuit, _, role = info.name.partition(".")
            if not role:
                circuit, role = STATION, info.name
            if circuit not in known:
                known.add(circuit)
                items.append(
                    self._object(circuit, self.node(STATION), ObjectIds.HasComponent, circuit, circuit)
                )
            items += self._point(info, self.node(circuit), role)
        for name, what in ((ALARMS, "Alarms as JSON"), (REASONS, "Reasons of values as JSON")):
            items.append(self._variable(name, self.node(STATION), name.partition(".")[2], what, "", _TEXT))
        for method in METHODS.values():
            items += self._method(method)
        return items

    def _point(self, info: PointInfo, parent: ua.NodeId, role: str) -> list[ua.AddNodesItem]:
        kind = variant_type(info)
        unit = engineering_unit(info.quantity)
        has_range = math.isfinite(info.low) and math.isfinite(info.high) and kind == ua.VariantType.Double
        start: float | bool | int = False if kind == ua.VariantType.Boolean else 0
        if kind == ua.VariantType.Double:
            start = 0.0
        definition = ObjectIds.BaseDataVariableType
        if has_range:
            definition = ObjectIds.AnalogItemType
        elif unit is not None:
            definition = ObjectIds.AnalogUnitType
        elif info.choices:
            definition = ObjectIds.MultiStateDiscreteType
        access = _READ_WRITE if info.writable else _READ
        variable = self._variable(
            info.name,
            parent,
            role,
            info.name,
            start,
            kind,
            definition,
            access,
        )
        items, owner = [variable], self.node(info.name)
        if unit is not None:
            items.append(self._property(owner, "EngineeringUnits", unit, ObjectIds.EUInformation))
        if has_range:
            span = ua.Range(Low=info.low, High=info.high)
            items.append(self._property(owner, "EURange", span, ObjectIds.Range))
        if info.choices:
            names = [ua.LocalizedText(choice) for choice in info.choices]
            items.append(self._property(owner, "EnumStrings", names, ObjectIds.LocalizedText))
        return items

    def _method(self, method: Method) -> list[ua.AddNodesItem]:
        name = f"{STATION}.{method.name}"
        attributes = ua.MethodAttributes()
        attributes.DisplayName = ua.LocalizedText(method.name)
        attributes.Description = ua.LocalizedText(method.name)
        attributes.WriteMask = attributes.UserWriteMask = 0
        attributes.Executable = attributes.UserExecutable = True
        item = self._item(name, self.node(STATION), ObjectIds.HasComponent, method.name)
        item.NodeClass = ua.NodeClass.Method
        item.NodeAttributes = attributes
        items = [item]
        inputs = [_argument(*row) for row in method.inputs]
        outputs = [_argument(method.output, _TEXT, "As JSON")] if method.output else []
        for title, arguments in (("InputArguments", inputs), ("OutputArguments", outputs)):
            if arguments:
                items.append(self._property(self.node(name), title, arguments, ObjectIds.Argument))
        return items

    def _object(
        self, name: str, parent: ua.NodeId, reference: int, browse: str, display: str
    ) -> ua.AddNodesItem:
        attributes = ua.ObjectAttributes()
        attributes.DisplayName = ua.LocalizedText(display)
        attributes.Description = ua.LocalizedText(display)
        attributes.EventNotifier = 0
        attributes.WriteMask = attributes.UserWriteMask = 0
        item = self._item(name, parent, reference, browse)
        item.NodeClass = ua.NodeClass.Object
        item.TypeDefinition = standard(ObjectIds.BaseObjectType)
        item.NodeAttributes = attributes
        return item

    def _variable(
        self,
        name: str,
        parent: ua.NodeId,
        browse: str,
        display: str,
        start: float | bool | int | str,
        kind: ua.VariantType,
        definition: int = ObjectIds.BaseDataVariableType,
        access: int = _READ,
    ) -> ua.AddNodesItem:
        item = self._item(name, parent, ObjectIds.HasComponent, browse)
        item.NodeClass = ua.NodeClass.Variable
        item.TypeDefinition = standard(definition)
        item.NodeAttributes = _variable_attributes(
            display, ua.Variant(start, kind), standard(kind.value), access
        )
        return item

    def _property(self, owner: ua.NodeId, title: str, value: object, data_type: int) -> ua.AddNodesItem:
        item = self._item(f"{owner.Identifier!s}/{title}", owner, ObjectIds.HasProperty, title)
        item.BrowseName = ua.QualifiedName(title, 0)
        item.NodeClass = ua.NodeClass.Variable
        item.TypeDefinition = standard(ObjectIds.PropertyType)
        kind = ua.VariantType.ExtensionObject
        if data_type == ObjectIds.LocalizedText:
            kind = ua.VariantType.LocalizedText
        item.NodeAttributes = _variable_attributes(title, ua.Variant(value, kind), standard(data_type), _READ)
        return item

    def _item(self, name: str, parent: ua.NodeId, reference: int, browse: str) -> ua.AddNodesItem:
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = self.node(name)
        item.BrowseName = ua.QualifiedName(browse, self.ns)
        item.ParentNodeId = parent
        item.ReferenceTypeId = standard(reference)
        return item


def _variable_attributes(
    display: str, value: ua.Variant, data_type: ua.NodeId, access: int
) -> ua.VariableAttributes:
    attributes = ua.VariableAttributes()
    attributes.DisplayName = ua.LocalizedText(display)
    attributes.Description = ua.LocalizedText(display)
    attributes.DataType = data_type
    attributes.Value = value
    if isinstance(value.Value, list):
        attributes.ValueRank = ua.ValueRank.OneDimension
        attributes.ArrayDimensions = [0]
    else:
        attributes.ValueRank = ua.ValueRank.Scalar
    attributes.AccessLevel = attributes.UserAccessLevel = access
    attributes.WriteMask = attributes.UserWriteMask = 0
    attributes.Historizing = False
    return attributes


def _argument(name: str, kind: ua.VariantType, description: str) -> ua.Argument:
    return ua.Argument(
        Name=name,
        DataType=standard(kind.value),
        ValueRank=-1,
        ArrayDimensions=[],
        Description=ua.LocalizedText(description),
    )
