"""Bus masters: they own the wires to the field devices and hand out readings.

Nothing here knows what a circuit or a point of the station is: a reading is the value of one
register of one device in the unit of its profile, with the time at which it was read.
"""
