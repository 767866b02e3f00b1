"""Parts of `benchmarks/control.py`: rivals, disturbances, bounds, measures."""
