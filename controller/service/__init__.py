"""The service: wires the station to its buses, supervises the parts, stops in order."""
