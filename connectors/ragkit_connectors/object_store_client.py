"""An S3 client of s3fs that takes nothing from its surroundings: no environment, no ``~/.aws``, no metadata service.

botocore looks for credentials, regions, endpoints, proxies, certificates and programs to run in a dozen places. Here it
is given what the configuration of the source says, and each of those places is closed.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from ragkit.errors import MissingDependency, RagkitError

_CHATTY: Final = ("s3fs", "fsspec", "aiobotocore", "botocore", "aiohttp")
_REFUSED: Final = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "401",
     "RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "InvalidSecurity", "AccountProblem", "AllAccessDisabled"}
)  # fmt: skip
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound", "NoSuchVersion", "MethodNotAllowed"})
"""The last is the answer for a delete marker that was asked for by its version."""
_TOLD: Final = _REFUSED | _ABSENT | frozenset(
    {"AccessDenied", "NoSuchBucket", "PermanentRedirect", "InvalidBucketName", "InvalidArgument", "InvalidRequest",
     "InvalidObjectState", "InvalidRange", "KMS.DisabledException", "KMS.NotFoundException", "NotImplemented",
     "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "AuthorizationQueryParametersError",
     "unreachable", "unknown"}
)  # fmt: skip
_PIECE: Final = 1024 * 1024


class StoreFailure(RagkitError):
    """A call failed; ``code`` is S3's, or ``unreachable``. The server's own words are not repeated."""

    def __init__(self, code: str) -> None:
        super().__init__("the object store does not give what was asked for")
        self.code = code

    @property
    def told(self) -> str:
        """The code for a message: one that is known or a number, as a server could write anything there."""
        return self.code if self.code in _TOLD or (self.code.isdecimal() and len(self.code) == 3) else "unknown"

    @property
    def is_absent(self) -> bool:
        """The object is not there."""
        return self.code in _ABSENT

    @property
    def is_refused(self) -> bool:
        """The credentials are not accepted, whatever is asked for."""
        return self.code in _REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the store is and how to enter it; without ``key`` as anybody."""

    endpoint_url: str = ""
    region: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_path: str = ""
    requester_pays: bool = False


class Client:
    """Two calls of S3: a page of a listing, and an object."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem = filesystem

    def __repr__(self) -> str:
        return "Client(…)"

    def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Make a call and return its answer.

        Raises:
            StoreFailure: It failed, also after retries.
        """
        try:
            answer: Mapping[str, Any] = self._filesystem.call_s3(method, **arguments)
        except Exception as failed:
            raise StoreFailure(_code(failed)) from None
        return answer

    def body(self, answer: Mapping[str, Any], limit: int) -> bytes | None:
        """The content of an answer to ``get_object``; ``None`` when it is longer than ``limit`` bytes.

        Raises:
            StoreFailure: It broke off.
        """
        from fsspec.asyn import sync

        stream = answer["Body"]
        try:
            pieces, length = [], 0
            while piece := sync(self._filesystem.loop, stream.read, _PIECE):
                length += len(piece)
                if length > limit:
                    return None
                pieces.append(piece)
        except Exception as failed:
            raise StoreFailure(_code(failed)) from None
        finally:
            self._filesystem.loop.call_soon_threadsafe(stream.close)
        return b"".join(pieces)


@contextmanager
def opened(access: Access) -> Iterator[Client]:
    """A client, closed at the end.

    Raises:
        MissingDependency: s3fs is not installed.
    """
    try:
        import s3fs
        from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped, unused-ignore]
        from aiobotocore.session import AioSession  # type: ignore[import-untyped, unused-ignore]
        from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
        from certifi import where
    except ImportError:
        raise MissingDependency("an object store is read with s3fs", remedy="pip install 'ragkit[s3]'") from None

    class Session(AIOHTTPSession):  # type: ignore[misc, unused-ignore]
        """botocore's own context writes the keys of TLS where ``SSLKEYLOGFILE`` says."""

        def _get_ssl_context(self) -> ssl.SSLContext:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which certificates to trust is `verify`

    for name in _CHATTY:  # their debug lines hold keys and headers
        logging.getLogger(name).setLevel(max(logging.getLogger(name).level, logging.WARNING))
    # (name in a config file, environment variables, default, conversion): the first two are taken away from all.
    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    variables |= dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session = AioSession(session_vars=variables)
    session.register_component("data_loader", _loader())
    # Past fsspec's metaclass, which adds what `FSSPEC_S3_*` and `~/.config/fsspec` say, and keeps instances.
    filesystem: Any = type.__call__(
        s3fs.S3FileSystem,
        anon=not access.key,
        endpoint_url=access.endpoint_url or None,
        key=access.key or None,
        secret=access.secret or None,
        token=access.token or None,
        client_kwargs={"region_name": access.region or "us-east-1", "verify": access.ca_path or where()},
        config_kwargs={
            "ignore_configured_endpoint_urls": True,
            "http_session_cls": Session,
            "proxies": {},
            "connect_timeout": 10,
            "read_timeout": 60,
            "retries": {"total_max_attempts": 2, "mode": "standard"},
            "s3": {"addressing_style": "path" if access.endpoint_url else "auto"},
            # other makers' servers know no newer checksums
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
        requester_pays=access.requester_pays,
        session=session,
        use_listings_cache=False,
    )
    filesystem.retries = 3
    try:
        yield Client(filesystem)
    finally:
        with suppress(Exception):
            filesystem.close_session(filesystem.loop, filesystem._s3)


@cache
def _loader() -> Any:
    """The descriptions of S3 that come with botocore, read once (0.4 s), and none from ``~/.aws/models``."""
    from botocore.loaders import Loader

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _code(failed: BaseException) -> str:
    """S3's code for an error of s3fs, which hides it behind the nearest one of Python."""
    for one in (failed, failed.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, Mapping):
            return str(response.get("Error", {}).get("Code", "unknown"))
    return "unreachable"
