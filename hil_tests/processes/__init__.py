"""Service and simulator as processes of their own: kill -9, restart, the command line."""
