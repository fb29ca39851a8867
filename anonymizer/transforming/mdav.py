"""Kernels of MDAV, maximum distance to average vector: points into groups of k to 2 k - 1 near ones.

Domingo-Ferrer and Mateo-Sanz, IEEE TKDE 14(1), 2002; Domingo-Ferrer and Torra, Data Mining and Knowledge
Discovery 11(2), 2005, algorithm MDAV-generic. Of several points equally far or near, the first one counts.
Distances are summed from the first coordinate to the last, so that every machine gets the same groups.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel


@kernel
def mdav(points, k):  # type: ignore[no-untyped-def]
    """Return the number of each point's group, int64 (n); ``points`` float64 (n, d), finite, n >= k >= 1."""
    group = np.full(len(points), -1, np.int64)
    alive = np.arange(len(points))
    number = 0
    while len(alive) >= 3 * k:
        far = _farthest(points, alive, _average(points, alive))
        alive = _gather(points, alive, points[far], k, group, number)
        opposite = _farthest(points, alive, points[far])
        alive = _gather(points, alive, points[opposite], k, group, number + 1)
        number += 2
    if len(alive) >= 2 * k:
        far = _farthest(points, alive, _average(points, alive))
        alive = _gather(points, alive, points[far], k, group, number)
        number += 1
    for point in alive:
        group[point] = number
    return group


@kernel
def _average(points, alive):  # type: ignore[no-untyped-def]
    average = np.zeros(points.shape[1])
    for point in alive:
        for j in range(points.shape[1]):
            average[j] += points[point, j]
    return average / len(alive)


@kernel
def _distance(point, centre):  # type: ignore[no-untyped-def]
    """Return the squared Euclidean distance."""
    total = 0.0
    for j in range(len(centre)):
        total += (point[j] - centre[j]) * (point[j] - centre[j])
    return total


@kernel
def _farthest(points, alive, centre):  # type: ignore[no-untyped-def]
    best, largest = alive[0], -1.0
    for point in alive:
        distance = _distance(points[point], centre)
        if distance > largest:
            best, largest = point, distance
    return best


@kernel
def _gather(points, alive, centre, k, group, number):  # type: ignore[no-untyped-def]
    """Give the ``k`` living points nearest to ``centre`` the group ``number``; return those that are left."""
    nearest = np.empty(k, np.int64)
    distances = np.full(k, np.inf)
    for point in alive:
        distance = _distance(points[point], centre)
        place = k
        while place > 0 and distance < distances[place - 1]:
            place -= 1
        if place < k:
            distances[place + 1 :] = distances[place : k - 1].copy()
            nearest[place + 1 :] = nearest[place : k - 1].copy()
            distances[place], nearest[place] = distance, point
    for point in nearest:
        group[point] = number
    return alive[group[alive] < 0]
