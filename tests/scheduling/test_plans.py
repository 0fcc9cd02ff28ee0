"""How the database finds what the routes of bookings ask for, in an organization that is large among others: by index, by the tenant."""

from __future__ import annotations

import pytest

from tests.harness import World
from tests.platform.every_route import Furnished
from tests.scheduling.crowd import Crowd, Model


def test_x(world: World) -> None:
    import time
    house = Furnished(world, world.organization("Large"))
    with world.stack.postgres.superuser("parley") as superuser:
        ids = superuser.run("select id from scheduling_bookings where organization_id=:o limit 1", o=house.member.organization_id)
        model = Model(house.member.organization_id, house.member.user_id, house.event_type, ids[0][0])
        crowd = Crowd(superuser)
        t = time.time()
        crowd.enlarge(model, 40, 600)
        print(time.time() - t); t = time.time()
        crowd.neighbours(model, 300, 50)
        print(time.time() - t); t = time.time()
        crowd.settle()
        print(time.time() - t)
        print(superuser.run("select count(*), min(start_time), max(start_time) from scheduling_bookings"))
