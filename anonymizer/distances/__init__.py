"""How far apart two records are, and which of 100,000 lie nearest, exactly.

encoding   a frame as numbers, and the ranges a reference gives them
leaves     the reference cut into small groups of like rows, each in a box
kernels    compiled loops over leaves and rows
nearest    the search: nearest records, and the narrowest cone a record lies in
"""
