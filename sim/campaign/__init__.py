"""The fault campaign: every single fault of a station against its plant, judged on the plant.

cells   what a cell is: where it starts, what breaks, what is asked of it
matrix  the cells that follow from a station's file
causes  which alarm names which fault, and how soon; what a fault may bring about
judge   the invariants of the plant, with their margins
run     one cell: warm up, break, watch, mend, watch; beside a twin to which nothing happens
report  table, JUnit, a picture of one cell
"""
