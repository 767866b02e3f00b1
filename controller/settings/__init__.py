"""The configuration: models, loading with positions, checks of meaning, messages."""
