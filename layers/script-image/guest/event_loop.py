"""`asyncio` without sockets: no self-pipe, waiting is sleeping, and what would go to a thread runs in place."""

import asyncio
import selectors
import time


def install() -> None:
    asyncio.events._set_event_loop_policy(_Policy())


class _NoSockets(selectors._BaseSelectorImpl):
    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("asyncio waits for something that nothing here can bring")
        if timeout > 0:
            time.sleep(timeout)
        return []


class _Loop(asyncio.selector_events.BaseSelectorEventLoop):
    def __init__(self):
        super().__init__(_NoSockets())

    def _make_self_pipe(self):
        self._ssock = self._csock = None

    def _close_self_pipe(self):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, func, *args):
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Policy(asyncio.events._BaseDefaultEventLoopPolicy):
    _loop_factory = _Loop
