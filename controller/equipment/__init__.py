"""Watching the equipment: advice from what is measured anyway. It tells, and never touches an output."""
