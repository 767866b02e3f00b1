"""Circulation pumps, pressure holding, tank."""
