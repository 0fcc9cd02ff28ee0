"""A pg8000 connection with few round trips.

pg8000 sends Parse, Describe and Execute with a Sync after each: three round trips a statement. Nothing in the protocol asks for that
(PostgreSQL, "Extended Query", 54.2.3), so here a statement is one trip, `commit` is one, and INSERTs that return nothing wait and travel
together with whatever is sent next: a flush of ten rows in five tables is one trip. An error among them is raised by the statement that
ended the wait, and PostgreSQL skips everything behind it.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pg8000.converters import TIMESTAMPTZ, TSTZRANGE, _range_in, make_params
from pg8000.core import (
    BIND,
    COMMAND_COMPLETE,
    DESCRIBE,
    EMPTY_QUERY_RESPONSE,
    EXECUTE_MSG,
    NULL_BYTE,
    PARSE,
    READY_FOR_QUERY,
    STATEMENT,
    SYNC_MSG,
    Context,
    H_pack,
    _flush,
    _read,
    _write,
    ci_unpack,
    i_pack,
)
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.legacy import Connection

from parley.kernel.postgres.cursor import BEGIN, QuickCursor, instant

_WAITING_BYTES = 64 * 1024


@contextmanager
def _named_losses() -> Iterator[None]:
    """pg8000 names some losses of the socket and lets others through as they are; SQLAlchemy knows the first kind."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise InterfaceError("network error") from error


class PipelinedConnection(Connection):  # type: ignore[misc]  # pg8000 has no types
    """A pg8000 connection. Statements that begin with a word in `gathers` wait; `round_trips` counts the waits for the server."""

    round_trips = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.gathers: tuple[str, ...] = ()
        self._waiting: list[Context] = []
        self._waiting_bytes = 0
        self._begin = ""
        super().__init__(*args, **kwargs)
        self.register_in_adapter(TIMESTAMPTZ, instant)
        self.register_in_adapter(TSTZRANGE, _range_in(lambda text: instant(text.strip('"'))))
        if self._usock.family != socket.AF_UNIX:
            # A statement larger than one segment would wait 40 ms for the acknowledgement of its first part.
            self._usock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def cursor(self) -> QuickCursor:
        return QuickCursor(self)

    def execute_simple(self, statement: str) -> Context:
        """Send a statement without parameters. The driver's implicit `begin` is kept back and joins the statement behind it."""
        if statement == BEGIN:
            self._begin = f"{BEGIN}; "
            return Context(statement)
        if self._waiting:
            return self._gathered(statement, (), ())
        statement, self._begin = self._begin + statement, ""
        self.round_trips += 1
        with _named_losses():
            return super().execute_simple(statement)

    def execute_unnamed(self, statement: str, vals: Sequence[Any] = (), oids: Sequence[int] = (), stream: Any = None) -> Context:
        """Send a statement with its parameters in one round trip, or keep it waiting: its row count is not known then."""
        if self._begin:
            begin, self._begin = self._begin, ""
            self.round_trips += 1
            super().execute_simple(begin)
        if stream is not None:
            self.round_trips += 3
            return super().execute_unnamed(statement, vals, oids, stream)
        if self.gathers and statement.startswith(self.gathers) and " RETURNING " not in statement and self._waiting_bytes < _WAITING_BYTES:
            context = self._send(statement, vals, oids)
            context.row_count = 1
            return context
        return self._gathered(statement, vals, oids)

    def _send(self, statement: str, vals: Sequence[Any], oids: Sequence[int]) -> Context:
        """Parse, Describe, Bind, Execute; without the Flush that pg8000 puts behind each, so the server answers when it is asked to."""
        context = Context(statement)
        params = make_params(self.py_types, vals)
        types = H_pack(len(oids)) + b"".join(i_pack(max(oid, 0)) for oid in oids)
        # All of it before any of it is written: of what can't be encoded nothing is on its way, and the connection is well.
        parsed = NULL_BYTE + statement.encode(self._client_encoding) + NULL_BYTE + types
        bound = bytearray(NULL_BYTE + NULL_BYTE + H_pack(0) + H_pack(len(params)))
        for value in params:
            if value is None:
                bound += i_pack(-1)
            else:
                raw = value.encode(self._client_encoding)
                bound += i_pack(len(raw)) + raw
        self._send_message(PARSE, parsed)
        self._send_message(DESCRIBE, STATEMENT + NULL_BYTE)
        self._send_message(BIND, bound + H_pack(0))
        _write(self._sock, EXECUTE_MSG)
        self._waiting.append(context)
        self._waiting_bytes += len(statement) + sum(len(value) for value in params if value is not None)
        return context

    def _gathered(self, statement: str, vals: Sequence[Any], oids: Sequence[int]) -> Context:
        """Send the statement behind the waiting ones, and read every answer."""
        last = self._send(statement, vals, oids)
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self.round_trips += 1
        with _named_losses():
            _write(self._sock, SYNC_MSG)
            _flush(self._sock)
            self._read_answers(waiting)
        return last

    def _read_answers(self, contexts: Sequence[Context]) -> None:
        """Read until the server is ready; each statement's messages go to its own context. Raises the first error."""
        following = iter(contexts)
        context = next(following)
        code = None
        while code != READY_FOR_QUERY:
            code, length = ci_unpack(_read(self._sock, 5))
            self.message_types[code](_read(self._sock, length - 4), context)
            if code in (COMMAND_COMPLETE, EMPTY_QUERY_RESPONSE):
                context = next(following, context)
        for context in contexts:
            if context.error is not None:
                raise context.error

    @property
    def has_waiting(self) -> bool:
        """Whether statements wait to be sent with the next one."""
        return bool(self._waiting)

    def settle(self) -> None:
        """Read the answers of the waiting statements, if any wait. Raises the first error among them."""
        if self._waiting:
            self._gathered(";", (), ())

    def commit(self) -> None:
        try:
            self.execute_simple("commit")
        except DatabaseError:
            # An error among the statements that waited: the commit behind them was skipped, the transaction is still there.
            self.rollback()
            raise

    def close(self) -> None:
        stream = self._sock
        with suppress(InterfaceError, OSError):  # the other side is gone already
            super().close()
        with suppress(OSError, AttributeError):  # nor can what was not sent be sent now
            stream.close()

    def rollback(self) -> None:
        self._begin = ""
        self.gathers = ()  # a flush that failed half-way did not come to take it back
        if self._waiting and self._sock is not None:
            with suppress(DatabaseError):  # whatever they said, the next line undoes it
                self.settle()
        if self._in_transaction:
            self.execute_simple("rollback")
