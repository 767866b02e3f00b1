"""The heat-station controller: control, safety, records and the door, above the field buses.

Imports run downward only; `docs/architecture.md` has the map.
"""
