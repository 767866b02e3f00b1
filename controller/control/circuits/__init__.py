"""Circuits: compositions of blocks, each readable from top to bottom as the water flows."""
