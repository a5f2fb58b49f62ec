"""Attempts side by side, whose questions are answered in one batch.

Nine of ten predictions that a decision-based attack asks for are of single points, and
a single point costs most models nearly as much as ten: a pass over all weights, or the
overhead of a forest. So attempts run in threads of one process; all wait until each has
asked or ended, and the model answers all of them at once, in the order of the attempts.
Nothing depends on which thread is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from threading import Semaphore, Thread
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_scd.robustness._attacks.sample import AttackedModel

_FEW = 64  # points; more of them a model answers by themselves as fast
_Result = TypeVar("_Result")


class AbandonedError(BaseException):
    """Raised in an attempt at its next question, when another one has failed."""


class _Member(Generic[_Result]):
    """One of the attempts: its question, and the answer that it waits for."""

    def __init__(self, settled: Semaphore) -> None:
        self.settled = settled  # released when a member has asked or ended
        self.answered = Semaphore(0)
        self.question: NDArray[Any] | None = None
        self.answer: NDArray[np.intp] | None = None
        self.result: _Result | None = None
        self.error: BaseException | None = None
        self.ended = self.abandoned = False

    def run(
        self, attempt: Callable[[AttackedModel], _Result], model: AttackedModel
    ) -> None:
        """Run the attempt to its end, whatever that is."""
        try:
            self.result = attempt(_SharedModel.of(model, self))
        except BaseException as error:
            self.error = error
        self.ended = True
        self.settled.release()

    def ask(self, points: NDArray[Any]) -> NDArray[np.intp]:
        """Wait for the answer."""
        self.question = points
        self.settled.release()
        self.answered.acquire()
        if self.abandoned:
            raise AbandonedError
        assert self.answer is not None
        return self.answer


@dataclass(frozen=True)
class _SharedModel(AttackedModel):
    """The model as a member sees it.

    Attributes
    ----------
    member : _Member
    """

    member: _Member[Any]

    @classmethod
    def of(cls, model: AttackedModel, member: _Member[Any]) -> _SharedModel:
        parts = {part.name: getattr(model, part.name) for part in fields(model)}
        return cls(**parts, member=member)

    def predict(self, points: NDArray[Any]) -> NDArray[np.intp]:
        """Class codes of points, shape (n,)."""
        return self.member.ask(points)


def run_together(
    attempts: Sequence[Callable[[AttackedModel], _Result]], model: AttackedModel
) -> list[_Result]:
    """Run attempts in lockstep.

    Parameters
    ----------
    attempts : sequence of callables
        Each takes a model, asks it one question after another, and returns a result.
    model : AttackedModel
        Asked by the calling thread alone.

    Returns
    -------
    results : list
        In the order of the attempts.

    Raises
    ------
    BaseException
        What an attempt or the model raises, the first attempt's first. In the others
        :class:`AbandonedError` is raised; what they return all the same is the error's
        attribute `results_so_far`: a list of (place, whether to its end, result).
    """
    settled = Semaphore(0)
    members: list[_Member[_Result]] = [_Member(settled) for _ in attempts]
    threads = [
        Thread(target=member.run, args=(attempt, model), daemon=True)
        for member, attempt in zip(members, attempts, strict=True)
    ]
    running = members
    failure: BaseException | None = None
    try:
        for thread in threads:
            thread.start()
        while running:
            for _ in running:
                settled.acquire()
            for member in running:
                if member.error is not None:
                    raise member.error
            running = [member for member in running if not member.ended]
            _answer(running, model)
    except BaseException as error:
        failure = error
        raise
    finally:
        for member in running:  # none, unless an error ends it
            member.abandoned = not member.ended
            member.answered.release()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        if failure is not None:
            failure.results_so_far = [  # type: ignore[attr-defined]
                (place, not member.abandoned, member.result)
                for place, member in enumerate(members)
                if member.result is not None
            ]
    return [member.result for member in members]  # type: ignore[misc] # all have one


def _answer(members: Sequence[_Member[Any]], model: AttackedModel) -> None:
    """Answer all questions, those about few points at once."""
    few = [m for m in members if m.question is not None and len(m.question) <= _FEW]
    if few:
        questions = [m.question for m in few if m.question is not None]
        answers = model.predict(np.concatenate(questions))
        ends = np.cumsum([len(question) for question in questions])
        for member, answer in zip(few, np.split(answers, ends[:-1]), strict=True):
            member.answer = answer
    for member in members:
        if member not in few and member.question is not None:
            member.answer = model.predict(member.question)
    for member in members:
        member.question = None
        member.answered.release()
