"""The command line: the roof over controller and simulator."""
