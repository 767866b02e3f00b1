"""What the season and a power cut allow, and the exercise of the valve."""
