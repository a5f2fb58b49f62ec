"""Signatures of files that are unpickled: none but the user's own is.

Unpickling a file runs whatever code its writer put into it. A signature is a keyed hash
of the file's name and content; the key is the user's, made at first use and readable by
nobody else. Without it nobody can make a file that is opened.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from platformdirs import user_data_path

from benchmarks.common.errors import UserError

KEY_VARIABLE = "SKLEARN_SCD_KEY"
SIZE = hashlib.sha256().digest_size


def key_file() -> Path:
    """Return the file of the key, which may not exist yet.

    It is the one that the environment variable ``SKLEARN_SCD_KEY`` names, by default
    ``pieces.key`` where the system keeps the data of a user's programs.
    """
    named = os.environ.get(KEY_VARIABLE)
    folder = user_data_path("sklearn-scd", appauthor=False)
    return Path(named) if named else folder / "pieces.key"


def sign(name: str, content: bytes) -> bytes:
    """Return a file's content with its signature before it."""
    return _hash(name, content) + content


def verify(name: str, signed: bytes) -> bytes | None:
    """Return what was signed under a name with this user's key, None for all else."""
    found, content = signed[:SIZE], signed[SIZE:]
    return content if hmac.compare_digest(found, _hash(name, content)) else None


def have_key() -> bytes:
    """Return the key, made if there is none.

    Raises
    ------
    UserError
        If there is none and none can be made, or the file holds something else.
    """
    path = key_file()
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: can't keep the key of checkpoints ({error.strerror}); name "
            f"another file in the environment variable {KEY_VARIABLE}"
        ) from error
    if len(key) != SIZE:
        raise UserError(
            f"{path}: no key, it has {len(key)} bytes and not {SIZE}; remove it"
        )
    return key


def _hash(name: str, content: bytes) -> bytes:
    digest = hmac.new(have_key(), name.encode() + b"\0", hashlib.sha256)
    digest.update(content)
    return digest.digest()


def _make(path: Path) -> None:
    """Make a key, whole at once; of two runs that do so the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
