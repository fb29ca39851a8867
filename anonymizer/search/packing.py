"""How tuples are packed for the compiled search: columns in chunks of 16 bits, chunks in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from anonymizer.hierarchies.encoding import Ladder
from anonymizer.search.rollup import BLOCK, Packing

_CHUNKS = (256, 512, 1024, 2048, 4096)
"""How large a chunk's lookup may be: small if possible, since it is written anew for every node."""
_KEY_SPACE = 2**62


def pack(ladders: Sequence[Ladder]) -> Packing | None:
    """How tuples are packed; None where two keys are too few for the widest node."""
    values = [ladder.label_codes.shape[1] for ladder in ladders]
    chunks = _chunks(values)
    depth = max(len(ladder.labels) for ladder in ladders)
    sizes = np.ones((len(ladders), depth), np.int64)
    for j, ladder in enumerate(ladders):
        sizes[j, : len(ladder.labels)] = ladder.label_codes.max(axis=1) + 1
    widest = sizes.max(axis=1).tolist()
    halves = _halves(chunks, widest)
    rest = [_space(chunks, widest, block) for block in range(halves, len(chunks) // BLOCK)]
    if halves == 0 or prod(rest) > _KEY_SPACE:
        return None
    return Packing(
        chunk_starts=np.cumsum([0, *(prod(values[j] for j in chunk) for chunk in chunks)]),
        column_starts=np.cumsum([0, *map(len, chunks)]),
        order=np.array([j for chunk in chunks for j in chunk], np.int64),
        values=np.array(values, np.int64),
        sizes=sizes,
        offsets=np.cumsum([0, *(ladder.label_codes.size for ladder in ladders)])[:-1],
        labels=np.concatenate([ladder.label_codes.ravel() for ladder in ladders]),
        halves=halves,
    )


def _chunks(values: Sequence[int]) -> list[list[int]]:
    """Columns in chunks, in whole blocks: the smallest lookups among those that take the fewest blocks."""
    packed = [_first_fit(values, largest) for largest in _CHUNKS]
    fewest = min(-(-len(chunks) // BLOCK) for chunks in packed)
    chunks = next(chunks for chunks in packed if len(chunks) <= fewest * BLOCK)
    return chunks + [[] for _ in range(fewest * BLOCK - len(chunks))]


def _first_fit(values: Sequence[int], largest: int) -> list[list[int]]:
    """Columns in chunks whose lookup takes ``largest`` numbers at most, unless a column alone takes more."""
    chunks: list[list[int]] = []
    for j in sorted(range(len(values)), key=lambda column: -values[column]):
        fitting = (chunk for chunk in chunks if prod(values[i] for i in chunk) * values[j] <= largest)
        chunk = next(fitting, None)
        if chunk is None:
            chunks.append([j])
        else:
            chunk.append(j)
    return chunks


def _halves(chunks: Sequence[Sequence[int]], sizes: Sequence[int]) -> int:
    """How many blocks fit into one key."""
    space, blocks = 1, len(chunks) // BLOCK
    for block in range(blocks):
        space *= _space(chunks, sizes, block)
        if space > _KEY_SPACE:
            return block
    return blocks


def _space(chunks: Sequence[Sequence[int]], sizes: Sequence[int], block: int) -> int:
    return prod(sizes[j] for chunk in chunks[block * BLOCK : (block + 1) * BLOCK] for j in chunk)
