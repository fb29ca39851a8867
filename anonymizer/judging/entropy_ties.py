"""Entropy l-diversity where floats cannot tell it: compared as whole numbers of any size, compiled."""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel

_LIMB = np.int64(2**31)
_EPSILON = float(np.finfo(np.float64).eps)


@kernel
def is_diverse(row, known, l_top, l_bottom):  # type: ignore[no-untyped-def]
    """Whether the entropy of the first ``known`` frequencies is at least ln(a / b), exactly.

    That is sum n_i ln(a n_i / (b N)) <= 0. Where a n_i is close to b N the logarithm is small and comes out
    with small error, so a large class that is almost uniform is told from one that is; whole numbers decide
    the rest.
    """
    total = np.int64(0)
    for v in range(known):
        total += row[v]
    excess, size, even = 0.0, 0.0, l_bottom * total
    for v in range(known):
        if row[v]:
            share = l_top * row[v]
            # Near 1 the logarithm of a quotient loses digits, near 0 that of one plus a difference.
            log = np.log(share / even) if 2 * share < even else np.log1p((share - even) / even)
            excess += row[v] * log
            size += row[v] * abs(log)
    if abs(excess) > _EPSILON * (known + 16) * size:
        return excess < 0
    return _is_diverse_exactly(row, known, l_top, l_bottom)


@kernel
def _is_diverse_exactly(row, known, l_top, l_bottom):  # type: ignore[no-untyped-def]
    """Whether a^N prod n_i^n_i <= (b N)^N. A common factor of all n_i cancels: a uniform class has ones."""
    common, total = np.int64(0), np.int64(0)
    for v in range(known):
        common = _greatest_common_divisor(common, np.int64(row[v]))
        total += row[v]
    total //= common
    bits = total * (np.log2(l_top) + np.log2(l_bottom) + np.log2(total) + 1)
    left, right = np.zeros(int(bits / 31) + 4, np.int64), np.zeros(int(bits / 31) + 4, np.int64)
    left[0] = right[0] = 1
    used = _times_power(left, 1, l_top, total)
    for v in range(known):
        used = _times_power(left, used, row[v] // common, row[v] // common)
    used = _times_power(right, 1, l_bottom, total)
    used = _times_power(right, used, total, total)
    for i in range(len(left) - 1, -1, -1):
        if left[i] != right[i]:
            return left[i] < right[i]
    return True


@kernel
def _greatest_common_divisor(a, b):  # type: ignore[no-untyped-def]
    while b:
        a, b = b, a % b
    return a


@kernel
def _times_power(limbs, used, base, exponent):  # type: ignore[no-untyped-def]
    """Multiply a number of ``used`` limbs of 31 bits, lowest first, by base^exponent; its limbs then."""
    factor = np.int64(1)
    for i in range(exponent + 1):
        if i < exponent and factor * base < _LIMB:
            factor *= base
            continue
        carry = np.int64(0)
        for j in range(used):
            carry += limbs[j] * factor
            limbs[j] = carry % _LIMB
            carry //= _LIMB
        if carry:
            limbs[used] = carry
            used += 1
        factor = np.int64(base)
    return used
