"""The simulated plant and the emulated field devices."""
