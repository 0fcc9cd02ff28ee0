"""Statements that wait for each other, so that they share a round trip."""

from sqlalchemy import Connection, Executable
from sqlalchemy.orm import Session

from parley.kernel.postgres.pipeline import PipelinedConnection


def driver_connection(connection: Connection) -> PipelinedConnection:
    """The driver's connection under SQLAlchemy's."""
    made = connection.connection.dbapi_connection
    assert isinstance(made, PipelinedConnection)
    return made


def execute_later(session: Session, statement: Executable) -> None:
    """Send a statement whose row count nobody asks for together with the next one, at the latest with the commit.

    A SELECT is one that locks: what it would bring is not read. The next statement begins when it has the locks, and sees what was
    committed until then.
    """
    connection = session.connection()
    driver_connection(connection).gathers = ("INSERT", "UPDATE", "DELETE", "SELECT")
    try:
        connection.execute(statement)
    finally:
        driver_connection(connection).gathers = ()
