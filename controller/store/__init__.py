"""What the station remembers: `history.db` and `state.db`, and the trips in `blackbox/`.

Samples, alarms and audit in the first; settings, overrides and the blocks' state in the second, a file for
each trip in the third.
Two files, so that years of samples on a worn card cannot take the settings with them.
"""
