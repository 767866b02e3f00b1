"""What the station remembers: `history.db` and `state.db`.

Samples, alarms and audit in the first; settings, overrides and the blocks' state in the second.
Two files, so that years of samples on a worn card cannot take the settings with them.
"""
