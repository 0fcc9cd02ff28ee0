"""What the database's errors say of themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from parley.kernel.persistence import transactions
from parley.recordings.models import Meeting
from tests.harness import Member


def test_an_error_that_may_be_logged_holds_no_parameters(acme: Member) -> None:
    with pytest.raises(DBAPIError) as caught, transactions.transaction(acme.caller) as session:
        session.execute(update(Meeting).values(url="https://somebody.example", duration=2**40))
    assert "UPDATE recordings_meetings" in str(caught.value)
    assert "somebody" not in str(caught.value)
