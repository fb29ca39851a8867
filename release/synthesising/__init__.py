"""Synthetic tables: who is held out, what is learned from, and the rows that are drawn.

holding_out   people who have no part in a release
leaves        the values that a hierarchy knows, where they can be counted up
columns       what the synthesiser is told of each column
domains       what a column can hold, without a look at the data
foreseeing    what can be said of a synthesis before a run
learning      the table that is learned from, and the people in it
histories     patients and events, of a release of several tables
making        rows drawn as the config asks
synthesised   the table that is staged and verified, and the twin that is attacked instead
"""
