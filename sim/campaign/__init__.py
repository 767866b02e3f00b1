"""The fault campaign: every single fault of a station against its plant, judged on the plant.

cells   what a cell is: where it starts, what breaks, what is asked of it
matrix  the cells that follow from a station's file
upsets  the cells in which only the safety table is left: a person's hand on an output, a broken circuit
causes  which alarm names which fault, and how soon; what a fault may bring about
claims  which alarm says what of the plant, held against what is true there
judge   the invariants of the plant, with their margins
table   what the commands must be, by what is true in the plant
excuses what no controller can prevent, with the reason
likeness when a broken station has long been as its twin
watch   runs a station and keeps what a cell is judged by
run     one cell: warm up, break, watch, mend, watch; beside a twin to which nothing happens
report  table, JUnit, a picture of one cell
"""
