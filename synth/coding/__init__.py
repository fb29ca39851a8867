"""From a table to codes and back: what fewer than k people have is merged, banded or cut here.

codec       all columns of a table
coder       what turns one column into codes and back
people      how many people have a value
merging     which labels stand for which values
levels      what a hierarchy says of codes
categories  text and truth values
grids       numbers, days and moments as whole numbers of a step
bands       bands of whole numbers
numbers     numbers, days and moments
code_lists  lists of codes
declared    the same of a declared domain, not from data
"""
