"""Statements that wait for each other, so that they share a round trip."""

from sqlalchemy import Connection, Executable
from sqlalchemy.orm import Session

from parley.kernel.pipeline import PipelinedConnection


def driver(connection: Connection) -> PipelinedConnection:
    """The driver's connection under SQLAlchemy's."""
    made = connection.connection.dbapi_connection
    assert isinstance(made, PipelinedConnection)
    return made


def later(session: Session, statement: Executable) -> None:
    """Send a statement whose row count nobody asks for together with the next one, at the latest with the commit."""
    connection = session.connection()
    driver(connection).gathers = ("INSERT", "UPDATE", "DELETE")
    try:
        connection.execute(statement)
    finally:
        driver(connection).gathers = ()
