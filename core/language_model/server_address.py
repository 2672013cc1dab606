"""The address of a model server, as the operator wrote it in `llm.url`."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, unquote, urlsplit

from core.errors import ConfigInvalid


def split_address(url: str, default_port: int | None = None) -> SplitResult:
    """Parse the address. `default_port`: of an address without a scheme or port, such as "gpu-box".

    Raises ConfigInvalid if it is invalid."""
    try:
        address = urlsplit(url if "://" in url else f"http://{url}")
        is_without_port = address.port is None  # also raises for an invalid one
        if default_port and is_without_port and "://" not in url:
            address = address._replace(netloc=f"{address.netloc}:{default_port}")
    except ValueError as error:
        raise ConfigInvalid("llm.url", "not an address") from error
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigInvalid("llm.url", "not an address")
    return address


def without_login(address: SplitResult) -> str:
    """Return the address without credentials, to show to users."""
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def login(address: SplitResult) -> tuple[str, str] | None:
    """Return the name and password in the address."""
    if not address.username:
        return None
    return unquote(address.username), unquote(address.password or "")


def is_loopback(address: SplitResult) -> bool:
    """Whether the server runs on this machine."""
    host = address.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
