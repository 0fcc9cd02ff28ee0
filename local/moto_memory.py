"""What the emulated AWS remembers between starts: keys, objects and waiting messages.

moto keeps everything in memory, while PostgreSQL keeps its rows: a sealed column whose key is gone would be lost. Keys and objects are
written down before the request that made them is answered, so even a killed process forgets none. Messages are written down twice a second.
"""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from local.cloudformation import ACCOUNT, REGION


def _private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, password=None)


class _Pickler(pickle.Pickler):
    """cryptography's private keys are not picklable by themselves."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            pem = value.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            return _private_key, (pem,)
        return NotImplemented


def messages_of(queue: Any) -> list[Any]:
    """All of a queue's messages; moto shows only those that are visible now."""
    messages: list[Any] = queue._messages  # noqa: SLF001 - see above
    return messages


def _write(path: Path, value: Any) -> None:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(buffer.getvalue())
    aside.rename(path)


def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes())


class Memory:
    """The folder on disk. Its methods are called with the emulator's lock held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._objects: dict[tuple[str, str, str], Any] = {}
        self._queues: dict[str, list[Any]] = {}
        self._written_queues = b""

    def recall(self) -> None:
        """Put back what an earlier process wrote down. Messages wait until their queue is created."""
        keys = self._folder / "keys.pickle"
        if keys.exists():
            kms_backends[ACCOUNT][REGION].__dict__.update(_read(keys))
        for path in sorted((self._folder / "objects").glob("*/*.pickle")):
            bucket = path.parent.name
            store = s3_backends[ACCOUNT]["aws"]
            if bucket not in store.buckets:
                store.create_bucket(bucket, REGION)
            written = _read(path)
            versions = [*store.buckets[bucket].keys.getlist(written.name, []), written]
            store.buckets[bucket].keys.setlist(written.name, sorted(versions, key=lambda version: version.last_modified))
            self._objects[bucket, written.name, written.version_id] = written
        queues = self._folder / "queues.pickle"
        if queues.exists():
            self._queues = _read(queues)

    def note_keys(self) -> None:
        backend = kms_backends[ACCOUNT][REGION]
        _write(self._folder / "keys.pickle", {"keys": backend.keys, "tagger": backend.tagger})

    def note_objects(self) -> None:
        """Write the objects that came, remove the ones that went. An object that is overwritten is a new one to moto."""
        present: dict[tuple[str, str, str], Any] = {}
        for bucket_name, bucket in s3_backends[ACCOUNT]["aws"].buckets.items():
            for key_name, versions in bucket.keys.iterlists():
                for version in versions:
                    present[bucket_name, key_name, version.version_id] = version
        for object_key, version in present.items():
            if self._objects.get(object_key) is not version:
                alone = copy.copy(version)
                if hasattr(alone, "multipart"):
                    alone.multipart = None  # the parts: the same bytes once more
                _write(self._object_path(object_key), alone)
        for object_key in self._objects.keys() - present.keys():
            self._object_path(object_key).unlink(missing_ok=True)
        self._objects = present

    def note_queues(self) -> None:
        waiting = {name: messages_of(queue) for name, queue in sqs_backends[ACCOUNT][REGION].queues.items()}
        text = pickle.dumps(self._queues | waiting)
        if text != self._written_queues:
            _write(self._folder / "queues.pickle", self._queues | waiting)
            self._written_queues = text

    def fill_queues(self) -> None:
        """Give remembered messages to the queues that exist by now. Whoever had received one is gone: it is visible again."""
        for name, queue in sqs_backends[ACCOUNT][REGION].queues.items():
            for message in self._queues.pop(name, []):
                message.visible_at = 0.0
                messages_of(queue).append(message)

    def _object_path(self, object_key: tuple[str, str, str]) -> Path:
        digest = hashlib.sha256("\0".join(object_key[1:]).encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / "objects" / object_key[0] / f"{digest}.pickle"
