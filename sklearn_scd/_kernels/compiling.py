"""How kernels are compiled, where they are kept, and what is said of it.

Numba keeps what it compiled on disk. Where it can't, its ``cache=True`` raises: at
import if no folder can be written to, in the middle of a fit if a disk is full or a
file is damaged. Here a kernel that can't be read is compiled, and one that can't be
written is done without, which a warning tells once.
"""

import hashlib
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import event
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    NullCache,
)

from sklearn_scd._kernels.parts import show_part_to_kernels

# Without a handler, as here, Python prints warnings to stderr: what takes so long
# shows, no test that makes warnings errors fails by it, and whoever does not want it
# has the usual means.
_logger = logging.getLogger("sklearn_scd")
_warned = threading.Event()


def _for_reading(locator: type[Any]) -> type[Any]:
    """The same folder, if it can't be written to but has kernels that can be read."""

    class ReadOnly(locator):
        def ensure_cache_path(self) -> None:
            if not any(Path(self.get_cache_path()).glob("*.nbi")):
                raise OSError(f"no kernels in {self.get_cache_path()}")

    return ReadOnly


class _Files(CompileResultCacheImpl):
    """Numba's folders in its order, and those filled before by somebody else.

    A folder that the user named comes before those that numba finds, even if it is
    only for reading.
    """

    _named, _in_package, _of_user, *_others = CompileResultCacheImpl._locator_classes
    _locator_classes = [
        _named,
        _for_reading(_named),
        _in_package,
        _of_user,
        *_others,
        _for_reading(_in_package),
        _for_reading(_of_user),
    ]


class _Cache(FunctionCache):
    """Numba's cache, which neither raises nor reads what other sources compiled."""

    _impl_class = _Files

    def __init__(self, py_func: Callable[..., Any]) -> None:
        super().__init__(py_func)
        # Numba's own stamp is that of the one file, yet what a kernel calls in others
        # is compiled into it.
        stamp = self._impl.locator.get_source_stamp(), _stamp_of_kernels()
        self._cache_file = IndexDataCacheFile(
            self._cache_path, self._impl.filename_base, stamp
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever a damaged file makes of itself
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # of an index that is damaged
                self.flush()
                super().save_overload(sig, data)
        except Exception as error:
            _warn_of_no_cache(error)


class _NoCache(NullCache):
    """What there is where numba finds no folder."""

    def save_overload(self, sig: Any, cres: Any) -> None:
        _warn_of_no_cache("no folder for them can be written to")


def _warn_of_no_cache(reason: object) -> None:
    if _warned.is_set():
        return
    _warned.set()
    warnings.warn(
        f"Compiled kernels of sklearn_scd can't be kept ({reason}), and every process "
        "compiles them anew, a quarter of a minute for each loss. Let the environment "
        "variable NUMBA_CACHE_DIR name a folder that can be written to before Python "
        "starts.",
        stacklevel=2,
    )


@lru_cache(maxsize=1)
def _stamp_of_kernels() -> str:
    """Digest of all files of kernels."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorator that compiles a kernel when it is first called.

    Parameters
    ----------
    **options : dict
        Of :func:`numba.njit`.

    Returns
    -------
    decorator : callable
    """

    def decorate(py_func: Callable[..., Any]) -> Any:
        dispatcher = njit(**options)(py_func)
        if hasattr(dispatcher, "enable_caching"):  # not with NUMBA_DISABLE_JIT
            try:
                dispatcher._cache = _Cache(py_func)
            except (RuntimeError, OSError):
                dispatcher._cache = _NoCache()
            show_part_to_kernels(dispatcher)
        return dispatcher

    return decorate


class _Announcer(event.Listener):
    """Say when kernels begin to be compiled, and when that is done.

    Numba's event comes once for a kernel that is compiled, not for one that is read.
    While :func:`announced_once` is open, all are one compilation. The small kernels of
    certificates and attacks are compiled outside of it, one at a time as they are
    needed, which is told once a process and no more.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._n_open = 0  # of `announced_once`
        self._depth = 0  # kernels that are compiled for a kernel
        self._begun = 0.0
        self._seconds: float | None = None  # spent, since it was said that it begins
        self._told_of_single = False

    @staticmethod
    def _is_ours(compilation: event.Event) -> bool:
        module: str = compilation.data["dispatcher"].py_func.__module__
        return module.partition(".")[0] == "sklearn_scd"

    def on_start(self, event: event.Event) -> None:
        with self._lock:
            if not self._is_ours(event):
                return
            self._depth += 1
            if self._depth > 1:
                return
            self._begun = time.perf_counter()
            if self._n_open == 0:
                self._tell_of_single()
            elif self._seconds is None:
                self._seconds = 0.0
                _logger.warning(
                    "sklearn_scd compiles its kernels, once for each loss; what a fit "
                    "needs takes about a quarter of a minute."
                )

    def on_end(self, event: event.Event) -> None:
        with self._lock:
            if not self._is_ours(event):
                return
            self._depth -= 1
            if self._depth == 0 and self._seconds is not None:
                self._seconds += time.perf_counter() - self._begun
                self._close()

    def _tell_of_single(self) -> None:
        if not self._told_of_single:
            self._told_of_single = True
            _logger.warning(
                "sklearn_scd compiles kernels as they are first used, some seconds in "
                "all."
            )

    def _close(self) -> None:
        if self._n_open == 0 and self._seconds is not None:
            _logger.warning(
                "sklearn_scd compiled its kernels in %.0f s.", self._seconds
            )
            self._seconds = None

    @contextmanager
    def open(self) -> Iterator[None]:
        with self._lock:
            self._n_open += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_open -= 1
                if self._depth == 0:
                    self._close()


_announcer = _Announcer()
event.register("numba:compile", _announcer)
announced_once = _announcer.open
