"""How large uploads are cut."""

from __future__ import annotations

import pytest

from parley.recordings import media_types

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "part", "count"),
    [
        (64 * MIB, 8 * MIB, 8),
        (64 * MIB + 1, 8 * MIB, 9),
        (80_000 * MIB, 8 * MIB, 10_000),
        (80_000 * MIB + 1, 9 * MIB, 8889),
        (50 * 1024 * MIB, 8 * MIB, 6400),
        (5 * 1024 * 1024 * MIB, 525 * MIB, 9987),
    ],
)
def test_parts_are_as_small_as_the_storage_allows(size: int, part: int, count: int) -> None:
    assert (media_types.part_size(size), media_types.part_count(size)) == (part, count)
    assert sum(media_types.size_of_part(size, number) for number in range(1, count + 1)) == size


@pytest.mark.parametrize("size", [64 * MIB, 64 * MIB + 1, 10**9, 10**10, media_types.LARGEST_BYTES - 1, media_types.LARGEST_BYTES])
def test_every_part_fits(size: int) -> None:
    count = media_types.part_count(size)
    sizes = [media_types.size_of_part(size, number) for number in range(1, count + 1)]
    assert count <= media_types.MOST_PARTS
    assert all(5 * MIB <= part_size <= 5 * 1024 * MIB for part_size in sizes[:-1])
    assert 1 <= sizes[-1] <= sizes[0]


def test_the_threshold() -> None:
    assert not media_types.is_multipart(64 * MIB - 1)
    assert media_types.is_multipart(64 * MIB)


def test_every_type_has_an_ending_that_a_key_may_have() -> None:
    assert set(media_types.EXTENSIONS) == set(media_types.MediaType)
    assert all(ending.isalnum() and len(ending) <= 5 for ending in media_types.EXTENSIONS.values())
