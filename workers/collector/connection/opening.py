"""Connects a session, and says goodbye to one, beside the thread that reads."""

import threading

import structlog

from workers.collector.connection.session import Session
from workers.model.errors import TransportError
from workers.transport.connects import Connects

log = structlog.get_logger(__name__)


class Opening(threading.Thread):
    """Connects a session; it is its reader's once this thread has ended.

    Args:
        session: not connected yet.
        connects: where the attempt was taken from.

    Attributes:
        session: to be used after `result`.
    """

    def __init__(self, session: Session, connects: Connects) -> None:
        super().__init__(name="opening", daemon=True)
        self.session, self._connects = session, connects
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._connected = self._unwanted = False
        self.start()

    def run(self) -> None:
        """Connect."""
        try:
            self._connects.connect(self.session.websocket)
        except Exception as error:  # for `result`, which the reader calls
            self._error = error
            return
        with self._lock:
            self._connected = True
        if self._unwanted:
            self.session.close()

    def result(self) -> Session:
        """The connected session, once this thread has ended.

        Raises:
            TransportError: it could not be connected.
        """
        if self._error is not None:
            raise self._error
        return self.session

    def give_up(self) -> None:
        """Nobody waits for it any more: it ends, now or as soon as it is connected."""
        with self._lock:
            self._unwanted, connected = True, self._connected
        self.session.websocket.abort()
        if connected:
            Closing(self.session)


class Closing(threading.Thread):
    """Says goodbye on a session nobody reads any more, which may take a second."""

    def __init__(self, session: Session) -> None:
        super().__init__(name="closing", daemon=True)
        self._session = session
        self.start()

    def run(self) -> None:
        """Close."""
        try:
            self._session.close()
        except TransportError as error:
            log.debug("goodbye failed", error=str(error))
