"""The page docs/plant.md and its plots, made from the simulator's parameters and a run of its comparisons."""
