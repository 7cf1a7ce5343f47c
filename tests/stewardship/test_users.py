"""Users become known once, whoever asks first."""

import asyncio

import pytest

from tests.support.callers import caller
from tests.support.house import House
from vendor.errors import AlreadyExists, RoleRequired
from vendor.names import UserName


async def test_a_first_sign_in_makes_a_user_known_once(house: House) -> None:
    before = (await house.kinds()).count("user.created")

    standings = await asyncio.gather(*(house.users.standing(caller("erin")) for _ in range(20)))

    assert all(standing.user is not None for standing in standings)
    assert (await house.kinds()).count("user.created") == before + 1


async def test_an_administrator_makes_a_user_known_before(house: House) -> None:
    carol = caller("carol", admin=True)

    user = await house.users.create(carol, UserName("frank"), "Frank", "frank@example.org")

    assert (user.name, user.display_name, user.disabled) == ("frank", "Frank", False)
    with pytest.raises(AlreadyExists):
        await house.users.create(carol, UserName("frank"), None, None)


async def test_nobody_else_does(house: House) -> None:
    with pytest.raises(RoleRequired):
        await house.users.create(caller("alice"), UserName("frank"), None, None)
