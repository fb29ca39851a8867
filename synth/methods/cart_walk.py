"""The kernel that sends rows down trees; its plain twin stands in the tests."""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel


@kernel
def walked(codes, roots, left, right, axis, offset, threshold, table):  # type: ignore[no-untyped-def]
    """The leaf that each row comes to: int32 (rows,).

    ``codes`` (int32, shape (rows, axes)) are the rows, ``roots`` (int32, shape (rows,)) the nodes that they
    start from. A node asks whether ``table[offset + code of its axis]`` (float32) is at most its threshold
    (float64); the nodes that it leads to are ``left`` (int32; −1 in a leaf) and ``right``.
    """
    found = np.empty(len(roots), np.int32)
    for row in range(len(roots)):
        node = roots[row]
        while left[node] >= 0:
            value = table[offset[node] + codes[row, axis[node]]]
            node = left[node] if value <= threshold[node] else right[node]
        found[row] = node
    return found
