"""The threads that compute answers: for questions, a batch at a time, other reading, translating, and writing."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, TypeVar

from opticlir.errors import DeadlineError
from opticlir.progress import Check
from opticlir.records import Translation
from opticlir.service.answers import SearchAnswer
from opticlir.service.engine import Question, SearchEngine
from opticlir.service.logs import log
from opticlir.service.metrics import Metrics

T = TypeVar("T")

_NOT_TRANSLATED = "the machine translator failed, so the question is not translated"
"""What a reader sees. The reason could name files of this machine, or hold the question."""


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    answer: "asyncio.Future[SearchAnswer]"
    give_up: float
    """On the monotonic clock."""


class Workers:
    """Computes answers for coroutines. Start and stop it inside the event loop.

    Questions that arrive while a batch is computed form the next batch. No question waits for others to arrive.

    Args:
        engine: what answers.
        batch: questions in a batch.
        deadline: seconds from a call to its answer; then the caller gets `DeadlineError`, and the computing stops.
        metrics: where sizes of batches are counted.
    """

    def __init__(self, engine: SearchEngine, *, batch: int, deadline: float, metrics: Metrics) -> None:
        self._engine, self._batch, self._deadline, self._metrics = engine, batch, deadline, metrics
        self._searching, self._reading, self._translating, self._writing = (
            ThreadPoolExecutor(1, thread_name_prefix=name)
            for name in ("search", "read", "translate", "write")
        )
        self._asked: asyncio.Queue[_Asked] = asyncio.Queue()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to take questions."""
        self._loop = asyncio.create_task(self._answer_batches())

    async def stop(self) -> None:
        """Stop; what is being computed is left to its end."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        for pool in (self._searching, self._reading, self._translating, self._writing):
            pool.shutdown(wait=False, cancel_futures=True)

    async def search(self, question: Question) -> SearchAnswer:
        """Answer a question.

        Raises:
            DeadlineError: the deadline has passed.
            OpticlirError: as `SearchEngine.search`.
        """
        answer: asyncio.Future[SearchAnswer] = asyncio.get_running_loop().create_future()
        await self._asked.put(_Asked(question, answer, monotonic() + self._deadline))
        return await self._in_time(answer)

    async def search_and_translate(self, question: Question) -> SearchAnswer:
        """Answer a question, and translate it meanwhile. Where the translation fails, a note says so.

        Errors are those of `search`.
        """
        answer, translated = await asyncio.gather(
            self.search(question), self._translation(question), return_exceptions=True
        )
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(translated, Exception):
            log("not translated", language=answer.language, error=type(translated).__name__)
            return replace(answer, notes=(*answer.notes, _NOT_TRANSLATED))
        if isinstance(translated, BaseException):
            raise translated
        return replace(answer, translation=translated)

    async def _translation(self, question: Question) -> Translation | None:
        if not self._engine.translators:
            return None
        return await self._in_time(
            asyncio.get_running_loop().run_in_executor(
                self._translating, self._engine.translate, question.text, question.language, question.model
            )
        )

    async def read(self, compute: Callable[[Check], T]) -> T:
        """Compute something else; `compute` gets a check to call now and then. Errors as `search`."""
        check = _check_until(monotonic() + self._deadline)
        return await self._in_time(
            asyncio.get_running_loop().run_in_executor(self._reading, _checked, compute, check)
        )

    async def write(self, change: Callable[[], T]) -> T:
        """Change the index, one change at a time. A change is never cut off: it has no deadline."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, change)

    async def _in_time(self, answer: "asyncio.Future[T]") -> T:
        try:
            return await asyncio.wait_for(answer, self._deadline)
        except TimeoutError:
            raise DeadlineError("the deadline has passed") from None

    async def _answer_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._asked.get()]
            while len(batch) < self._batch and not self._asked.empty():
                batch.append(self._asked.get_nowait())
            batch = [asked for asked in batch if not asked.answer.done()]
            if not batch:
                continue
            self._metrics.batch.observe(len(batch))
            check = _check_until(max(asked.give_up for asked in batch))
            questions = [asked.question for asked in batch]
            try:
                answers: list[Any] = list(
                    await loop.run_in_executor(self._searching, self._engine.search_many, questions, check)
                )
            except Exception as error:  # noqa: BLE001 - whoever asked gets it
                answers = [error] * len(batch)
            for asked, answer in zip(batch, answers, strict=True):
                _settle(asked.answer, answer)


def _settle(future: "asyncio.Future[SearchAnswer]", answer: SearchAnswer | Exception) -> None:
    if future.done():  # given up
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _check_until(give_up: float) -> Check:
    def check() -> None:
        if monotonic() > give_up:
            raise DeadlineError("the deadline has passed")

    return check


def _checked(compute: Callable[[Check], T], check: Check) -> T:
    check()  # it may have waited for long
    return compute(check)
