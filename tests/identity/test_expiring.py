"""The bounded memory: ends, sizes, and who makes room."""

from tests.identity.test_key_cache import Time
from vendor.identity.expiring import Expiring


def test_every_value_has_its_own_end() -> None:
    now = Time()
    table: Expiring[int] = Expiring(10, now)
    table.put(b"a", 1, 10)
    table.put(b"b", 2, 20)
    assert (table.get(b"a"), table.get(b"b"), table.get(b"c")) == (1, 2, None)
    now.now += 10
    assert (table.get(b"a"), table.get(b"b")) == (None, 2)
    assert len(table) == 1
    table.put(b"b", 3, 1)
    now.now += 1
    assert table.get(b"b") is None


def test_what_has_no_time_left_is_not_kept() -> None:
    table: Expiring[int] = Expiring(10, Time())
    table.put(b"a", 1, 10)
    table.put(b"a", 2, 0)
    table.put(b"b", 2, -5)
    assert len(table) == 0


def test_the_longest_unused_makes_room() -> None:
    table: Expiring[int] = Expiring(3, Time())
    for number, key in enumerate((b"a", b"b", b"c")):
        table.put(key, number, 10)
    table.get(b"a")
    table.put(b"d", 4, 10)
    assert (table.get(b"a"), table.get(b"b"), len(table)) == (0, None, 3)
