"""How many people of a class its criteria on one sensitive column allow to be kept: compiled row functions.

``row`` int64 or int32 (values): people of the class per value, missing in last place where the column has
missing values; ``n`` is its sum. ``numbers`` int64: a criterion's parameters as ``Demands`` lays them out.

Every function returns ``n`` where the class meets its criterion, and otherwise fewer: an upper bound of the
people that any partition of the class into subclasses can keep when those that break the criterion are
suppressed. All these criteria are closed under the union of classes, so whatever is kept, taken as one class
m <= row, meets the criterion itself; each bound maximises the size of such an m or relaxes that.

All decisions are made in integers; ``Demands`` refuses parameters whose products could reach 2^62.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.judging.entropy_ties import is_diverse

DISTINCT, ENTROPY, RECURSIVE, EQUAL, ORDERED, HIERARCHICAL, SHARES = range(7)
_ROUNDS = 24
_EPSILON = float(np.finfo(np.float64).eps)
_X_LOG_X = np.concatenate([[0.0], np.arange(1, 4096) * np.log(np.arange(1, 4096))])


@kernel
def kept_at_most(kind, row, n, numbers):  # type: ignore[no-untyped-def]
    """``n`` where the class meets the criterion of ``kind``, else a bound below ``n``; int64."""
    if kind == DISTINCT:
        return distinct_keeps(row, n, numbers)
    if kind == ENTROPY:
        return entropy_keeps(row, n, numbers)
    if kind == RECURSIVE:
        return recursive_keeps(row, n, numbers)
    if kind == SHARES:
        return shares_keep(row, n, numbers)
    if kind == EQUAL:
        return equal_keeps(row, n, numbers)
    if kind == ORDERED:
        return ordered_keeps(row, n, numbers)
    return hierarchical_keeps(row, n, numbers)


@kernel
def lose_rows(layout, held, people, lost):  # type: ignore[no-untyped-def]
    """Raise ``lost`` to what the criteria of a ``Layout`` take of each class at least; (classes), in place.

    ``held`` (classes, values) holds the people per value of all the layout's columns, ``people`` (classes)
    how many there are. Classes of which all is lost are not looked at. What all criteria keep is one part of
    the class, so the largest loss holds, and all is lost if fewer people than ``layout.least`` are kept.
    Criterion by criterion, because a call per class takes several times as long as most decisions.
    """
    for d in range(len(layout.kinds)):
        rows = held[:, layout.offsets[d] : layout.offsets[d] + layout.sizes[d]]
        numbers = layout.numbers[layout.starts[d] : layout.starts[d + 1]]
        _lose_rows_of(layout.kinds[d], rows, people, numbers, lost)
    for c in range(len(lost)):
        if lost[c] and people[c] - lost[c] < layout.least:
            lost[c] = people[c]


@kernel
def _lose_rows_of(kind, rows, people, numbers, lost):  # type: ignore[no-untyped-def]
    if kind == EQUAL:
        for c in range(len(lost)):
            if lost[c] < people[c]:
                lost[c] = max(lost[c], people[c] - equal_keeps(rows[c], people[c], numbers))
    elif kind == ENTROPY:
        for c in range(len(lost)):
            if lost[c] < people[c]:
                lost[c] = max(lost[c], people[c] - entropy_keeps(rows[c], people[c], numbers))
    elif kind == RECURSIVE:
        for c in range(len(lost)):
            if lost[c] < people[c]:
                lost[c] = max(lost[c], people[c] - recursive_keeps(rows[c], people[c], numbers))
    else:
        for c in range(len(lost)):
            if lost[c] < people[c]:
                lost[c] = max(lost[c], people[c] - kept_at_most(kind, rows[c], people[c], numbers))


@kernel
def kept_by_all(layout, row, n):  # type: ignore[no-untyped-def]
    """What ``lose_rows`` leaves of a single class of ``n`` people; int64."""
    kept = np.int64(n)
    for d in range(len(layout.kinds)):
        begin = layout.offsets[d]
        numbers = layout.numbers[layout.starts[d] : layout.starts[d + 1]]
        kept = min(kept, kept_at_most(layout.kinds[d], row[begin : begin + layout.sizes[d]], n, numbers))
    return kept if kept >= min(layout.least, n) else np.int64(0)


@kernel
def kept_per_class(layout, begin, item, number, undecided):  # type: ignore[no-untyped-def]
    """The people of each class over all values, and how many of them are kept; both int64 (classes).

    Of one sensitive column, class c has ``number[i]`` people with value ``item[i]``, i from
    ``begin[c]`` to before ``begin[c + 1]``. Only ``undecided`` classes are looked at; others stay at 0.
    """
    row = np.zeros(layout.sizes[0], np.int64)
    total, kept = np.zeros(len(undecided), np.int64), np.zeros(len(undecided), np.int64)
    for c in range(len(undecided)):
        if not undecided[c]:
            continue
        for i in range(begin[c], begin[c + 1]):
            row[item[i]] = number[i]
            total[c] += number[i]
        kept[c] = kept_by_all(layout, row, total[c])
        for i in range(begin[c], begin[c + 1]):
            row[item[i]] = 0
    return total, kept


@kernel
def distinct_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """``numbers``: known values, l. A subclass has no value that its class lacks: all or nothing."""
    different = 0
    for v in range(numbers[0]):
        different += row[v] > 0
    return np.int64(n) if different >= numbers[1] else np.int64(0)


@kernel
def entropy_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """``numbers``: known values, numerator a and denominator b of l: the entropy is at least ln l.

    Of all m <= row of one size, min(row, w) has the largest entropy, and that falls as the water level w
    rises (a lower level's shares are majorised by a higher one's). Bisection finds the highest level that
    holds, and then how many values can be one higher; people whose value is missing can be kept beside them.
    """
    known, l_top, l_bottom = numbers[0], numbers[1], numbers[2]
    log_l, support, high = np.log(l_top / l_bottom), 0, np.int64(0)
    for v in range(known):
        support += row[v] > 0
        high = max(high, np.int64(row[v]))
    if support == 0 or support * l_bottom < l_top:
        return np.int64(0)
    excess, margin, _, _ = _entropy_excess(row, known, high, log_l)
    if excess < -margin or (excess <= margin and is_diverse(row, known, l_top, l_bottom)):
        return np.int64(n)
    low = np.int64(1)
    while high - low > 1:
        middle = (low + high) // 2
        excess, margin, _, _ = _entropy_excess(row, known, middle, log_l)
        if excess <= margin:
            low = middle
        else:
            high = middle
    return _entropy_reach(row, known, low, log_l) + _missing(row, known)


@kernel
def _entropy_excess(row, known, level, log_l):  # type: ignore[no-untyped-def]
    """sum n_i ln(l n_i / N) for min(row, level), its rounding error at most, N, and how many are above."""
    terms, total, above = 0.0, np.int64(0), np.int64(0)
    for v in range(known):
        held = min(np.int64(row[v]), level)
        terms += _x_log_x(held)
        total += held
        above += row[v] > level
    whole = _x_log_x(total)
    margin = _EPSILON * (known + 16) * (2 * whole + total * abs(log_l) + 1)
    return terms - whole + total * log_l, margin, total, above


@kernel
def _entropy_reach(row, known, level, log_l):  # type: ignore[no-untyped-def]
    """The most people kept at a water level that holds, some values one higher but not all of those above."""
    excess, margin, total, above = _entropy_excess(row, known, level, log_l)
    terms = excess + _x_log_x(total) - total * log_l
    step = _x_log_x(level + 1) - _x_log_x(level)
    low, high = np.int64(0), above
    while high - low > 1:
        middle = (low + high) // 2
        people = total + middle
        # Concave in ``middle``: once it does not hold, no more people do on this level.
        if terms + middle * step - _x_log_x(people) + people * log_l <= 2 * margin:
            low = middle
        else:
            high = middle
    return total + low


@kernel
def _x_log_x(x):  # type: ignore[no-untyped-def]
    return _X_LOG_X[x] if x < len(_X_LOG_X) else x * np.log(x)


@kernel
def recursive_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """``numbers``: known values, l, numerator and denominator of c: r_1 < c (r_l + ... + r_m).

    If no kept frequency exceeds w, the tail r_l + ... is at most that of min(row, w), so w < c tail(w) must
    hold for the largest one kept. tail(w) / w falls with w, so bisection finds the largest such w; people
    whose value is missing can be kept beside it.
    """
    known, least, c_top, c_bottom = numbers[0], numbers[1], numbers[2], numbers[3]
    low, high = np.int64(0), np.int64(0)
    for v in range(known):
        high = max(high, np.int64(row[v]))
    if high > 0 and c_bottom * high < c_top * _tail(row, known, least, high):
        return np.int64(n)
    while high - low > 1:
        middle = (low + high) // 2
        if c_bottom * middle < c_top * _tail(row, known, least, middle):
            low = middle
        else:
            high = middle
    return _filled(row, known, low) + _missing(row, known) if low > 0 else np.int64(0)


@kernel
def _tail(row, known, least, cap):  # type: ignore[no-untyped-def]
    """The sum of min(row, cap) without its ``least`` - 1 largest frequencies."""
    total = _filled(row, known, cap)
    last, position = np.int64(np.iinfo(np.int64).max), -1
    for _ in range(least - 1):
        best, where = np.int64(-1), -1
        for v in range(known):
            # The next in falling order: below the last one, or equal to it and further right.
            if row[v] > best and (row[v] < last or (row[v] == last and v > position)):
                best, where = np.int64(row[v]), v
        if where < 0:
            break
        total -= min(best, cap)
        last, position = best, where
    return total


@kernel
def _filled(row, known, cap):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for v in range(known):
        total += min(np.int64(row[v]), cap)
    return total


@kernel
def _missing(row, known):  # type: ignore[no-untyped-def]
    return np.int64(row[known]) if known < len(row) else np.int64(0)


@kernel
def equal_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """``numbers``: numerator a and denominator b of t, people Q of the input, parts, then q of every value.

    All three distances are means over some partitions (``parts`` of them) of the values of half the sum of
    |p - q|, which is 1 - sum min(p, q). So N' kept people need
    b sum min(n_c Q, q_c N') >= (b - a) parts Q N', the sum over all blocks c of all partitions: for equal
    distance the values themselves, for ordered distance what lies below and above each cut, for hierarchical
    distance each level's labels (moving earth over a tree costs what passes each edge, times its length).
    The left side is concave in N', so Newton's steps from above stay above its root and end there, rounded
    down.
    """
    kept, people = np.int64(n), numbers[2]
    while True:
        full, share = np.int64(0), np.int64(0)
        for v in range(len(row)):
            q = numbers[4 + v]
            scarce = row[v] * people < q * kept
            full += row[v] if scarce else 0
            share += 0 if scarce else q
        fewer = _step(full, share, kept, numbers)
        if fewer == kept:
            return kept
        kept = fewer


@kernel
def _step(full, share, kept, numbers):  # type: ignore[no-untyped-def]
    """One step of Newton's: ``full`` people of scarce parts, ``share`` the q of all others; or ``kept``."""
    wanted = (numbers[1] - numbers[0]) * numbers[2] * numbers[3]
    full, share = numbers[1] * full * numbers[2], numbers[1] * share
    return kept if full + share * kept >= wanted * kept else full // (wanted - share)


@kernel
def ordered_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """As ``equal_keeps``; from 4: the people of the input below each cut."""
    kept, people = np.int64(n), numbers[2]
    while True:
        full, share, below = np.int64(0), np.int64(0), np.int64(0)
        for cut in range(len(row) - 1):
            below += row[cut]
            q = numbers[4 + cut]
            scarce = below * people < q * kept
            full += below if scarce else 0
            share += 0 if scarce else q
            scarce = (n - below) * people < (people - q) * kept
            full += n - below if scarce else 0
            share += 0 if scarce else people - q
        fewer = _step(full, share, kept, numbers)
        if fewer == kept:
            return kept
        kept = fewer


@kernel
def hierarchical_keeps(row, n, numbers):  # type: ignore[no-untyped-def]
    """As ``equal_keeps``, of every label of every level.

    From 4: the values in an order in which every label's are neighbours; then for each level and position
    the people of the input under the label that ends there, 0 where none does.
    """
    kept, people, values = np.int64(n), numbers[2], len(row)
    while True:
        full, share = np.int64(0), np.int64(0)
        for level in range(numbers[3]):
            held = np.int64(0)
            for position in range(values):
                held += row[numbers[4 + position]]
                q = numbers[4 + values * (level + 1) + position]
                if q == 0:
                    continue
                scarce = held * people < q * kept
                full += held if scarce else 0
                share += 0 if scarce else q
                held = np.int64(0)
        fewer = _step(full, share, kept, numbers)
        if fewer == kept:
            return kept
        kept = fewer


@kernel
def shares_keep(row, n, numbers):  # type: ignore[no-untyped-def]
    """``numbers``: for each value the least and the largest share allowed, as four numbers.

    N' kept people hold at most min(n_v, high_v N') of value v, so N' is at most the sum of these, and at most
    n_v / low_v for each v. Both bounds grow with N': put in place of N', what they give is a bound again,
    after any number of rounds.
    """
    kept = np.int64(n)
    for _ in range(_ROUNDS):
        most, reach = kept, np.int64(0)
        for v in range(len(row)):
            held = np.int64(row[v])
            low, low_of, high, high_of = (
                numbers[4 * v],
                numbers[4 * v + 1],
                numbers[4 * v + 2],
                numbers[4 * v + 3],
            )
            if held * low_of < low * kept:
                most = min(most, held * low_of // low)
            reach += held if held * high_of <= high * kept else high * kept // high_of
        if min(most, reach) == kept:
            break
        kept = min(most, reach)
    return kept
