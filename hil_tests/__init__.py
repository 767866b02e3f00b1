"""Tests that close the loop through the simulated plant."""
