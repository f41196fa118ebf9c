"""Who may speak to the server: pages that it served itself, under a name of its own.

A page of another site can send requests here from a visitor's browser. It cannot change what the browser says of it:
`Host` is the name that the page asked for, `Origin`, `Referer` and `Sec-Fetch-Site` say whose page it is. A stranger's
name that leads here (DNS rebinding) is refused by `Host`, a stranger's page by the others.

It stands before Streamlit, which would take any name, and look up this machine's address on the internet to compare
a foreign origin with.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

READS = ("GET", "HEAD", "OPTIONS")  # methods that change nothing here
STRANGER = "Not served under this name. Whoever runs it can allow the name: --server.allowedHosts NAME\n"
FOREIGN = "Asked for by a page of another site.\n"


class Guard:
    """ASGI middleware: refuses strangers' names, and other sites' pages where something would be begun or changed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begins = scope["type"] == "websocket" or scope["method"] not in READS
        server = (scope.get("server") or ("",))[0]
        if not is_own(headers.getlist("host"), server):
            await _refuse(STRANGER, scope, receive, send)
        elif begins and "origin" in headers and not fits(headers["origin"], headers["host"]):
            await _refuse(FOREIGN, scope, receive, send)
        else:
            await self.app(_settled(scope, headers) if scope["type"] == "websocket" else scope, receive, send)


def middleware() -> list[Middleware]:
    """Returns what stands before Streamlit."""
    return [Middleware(Guard)]


def is_own(hosts: Iterable[str], server: str) -> bool:
    """Says whether a request's `Host` headers are one name that this server has.

    Own names are those of this machine to itself, the address that the request came in at, and what is configured as
    `browser.serverAddress` or `server.address`; or, where they are set, those of `server.allowedHosts` alone, as
    Streamlit reads them.

    Arguments:
        hosts: The headers, one as a rule; with a port or without.
        server: The address of the socket.
    """
    names = [_name(host) for host in hosts]
    if len(names) != 1 or not names[0]:
        return False
    (name,) = names
    if allowed := st.get_option("server.allowedHosts"):
        return any(_matches(name, _plain(pattern)) for pattern in allowed)
    address = _address(name)
    here = name == server or (address is not None and address == _address(server))
    return here or _is_local(name) or name in _configured()


def fits(origin: str, host: str) -> bool:
    """Says whether a page's origin is this server, asked for as `host`, or is allowed by Streamlit's own options."""
    if not st.get_option("server.enableCORS") or origin in st.get_option("server.corsAllowedOrigins"):
        return True
    return _netloc(origin) == host.lower() or _name(_netloc(origin)) in _configured()


def is_asked_here(headers: Headers) -> bool:
    """Says whether a request comes from a page of this server, or from no page at all.

    Browsers tell a page's site from `https` and from this machine alone; elsewhere `Referer` does, unless it is
    switched off. One that tells nothing cannot be told from an image on another site.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    if origin is not None and not fits(origin, host):
        return False
    site, referer = headers.get("sec-fetch-site"), headers.get("referer")
    if site is not None:
        return site in ("same-origin", "none")
    if referer is not None:
        return fits(referer, host)
    return origin is not None or "mozilla" not in headers.get("user-agent", "").lower()


def beside_pages(name: str) -> str:
    """Returns a route's path where the pages lie, which ask for it by a relative address."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}/{name}".replace("//", "/")


def _settled(scope: Scope, headers: Headers) -> Scope:
    """Returns the request without its origin where that was compared here: Streamlit would look up addresses for it."""
    if "origin" not in headers or _netloc(headers["origin"]) == headers["host"]:
        return scope
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"origin"]}


async def _refuse(words: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": words.strip()})
    else:
        await PlainTextResponse(words, 403)(scope, receive, send)


def _configured() -> set[str]:
    """Returns the names that the server was given, but for those of this machine to itself."""
    names = {_name(_netloc(str(st.get_option(option) or ""))) for option in ("browser.serverAddress", "server.address")}
    return {name for name in names if name and not _is_local(name)}


def _netloc(address: str) -> str:
    """Returns name and port of an address, which may lack its scheme; nothing where it makes no sense."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    """Returns the name of `name:port`, or nothing where it is more, or less, than that."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    return "" if more or parts.netloc != host else _plain(parts.hostname or "")


def _plain(name: str) -> str:
    return name.strip().lower().rstrip(".")


def _matches(name: str, pattern: str) -> bool:
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_local(name: str) -> bool:
    address = _address(name)
    loopback = address is not None and address.is_loopback
    return loopback or name == "localhost" or name.endswith(".localhost")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns a number as an address, those of both protocols alike."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
