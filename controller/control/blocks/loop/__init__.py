"""From the set-point to the valve: loop, valve, primary pump, tuning, monitor."""
