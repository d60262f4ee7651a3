"""Every way to spoil a request, one at a time and by chance.

Text that a mutation adds holds `MARK`, so that a test can look for it where nothing of a request may be.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from urllib.parse import quote_plus, urlencode

from tests.faults.raw import FORM, JSON, Pairs, Raw, pairs_of

MARK = "fuZZ"


def mutate(request: Raw, *, random: Random, foreign: Sequence[str]) -> Raw:
    """Return `request` with one thing about it changed; `foreign` are values that are valid elsewhere."""
    return random.choice(_MUTATIONS)(request, random, foreign)


def _method(request: Raw, random: Random, _foreign: Sequence[str]) -> Raw:
    methods = [
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "post",
        "PO ST",
        MARK,
        "",
        "POST\0",
    ]
    return replace(request, method=random.choice(methods))


def _path(request: Raw, random: Random, _foreign: Sequence[str]) -> Raw:
    path = request.path
    return replace(
        request,
        path=random.choice(
            [
                f"{path}/",
                f"/{path}",
                path.upper(),
                f"{path}/../{MARK}",
                f"{path}\0",
                f"{path}%00",
                f"{path};{MARK}",
                f"{path}\n",
                path.replace("/", "//"),
                path[:-1],
                f"{path}{MARK}",
                f"{path}é\U0001f600",
                "/connect/github/callback",
                f"/connect/{MARK}/callback",
                "/.well-known/jwks.json",
                "/vault/connections/list",
                "/oauth/revoke",
                "/oauth/introspect",
                "/oauth/token",
                "",
                "*",
            ]
        ),
    )


def _query(request: Raw, random: Random, foreign: Sequence[str]) -> Raw:
    queries = [
        f"state={MARK}&code={MARK}",
        f"error={MARK}&state={random.choice(foreign)}",
        f"code={random.choice(foreign)}",
        "state=%00&code=%ff&iss=%0d%0a",
        f"access_token={random.choice(foreign)}",
        "?",
        "&&&==",
        "a=b&" * 500,
        "%",
        f"{MARK}={'x' * 20_000}",
    ]
    return replace(request, query=random.choice(queries).encode())


def _header(request: Raw, random: Random, foreign: Sequence[str]) -> Raw:
    added: list[tuple[bytes, bytes]] = [
        (b"authorization", b"Basic " + quote_plus(random.choice(foreign)).encode()),
        (b"authorization", b"Bearer " + random.choice(foreign).encode()),
        (b"authorization", b"Basic"),
        (b"authorization", b"Basic \xff\xfe=="),
        (b"authorization", b"Basic " + b"QQ" * 4000),
        (b"authorization", b""),
        (b"content-type", FORM.encode()),
        (b"content-type", JSON.encode()),
        (b"content-length", random.choice([b"-1", b"0", b"99999999999", b"x", b"1, 2", b"\xb2"])),
        (b"content-encoding", b"gzip"),
        (b"transfer-encoding", b"chunked, identity"),
        (b"host", random.choice([b"", b"evil.example", b"a b", b"\xff", b"[::1", b"vault.test:99999", MARK.encode()])),
        (b"x-forwarded-host", MARK.encode()),
        (b"x-http-method-override", b"GET"),
        (b"cookie", f'sessionid={MARK}; csrftoken="\\'.encode()),
        (b"accept", b"text/html"),
        (b"expect", b"100-continue"),
        (b"x-" + MARK.encode(), bytes(random.randrange(256) for _ in range(20))),
    ]
    return replace(request, headers=(*request.headers, random.choice(added)))


def _content_type(request: Raw, random: Random, _foreign: Sequence[str]) -> Raw:
    types = [
        b"",
        b"text/plain",
        b"multipart/form-data; boundary=" + MARK.encode(),
        b"multipart/form-data",
        FORM.encode() + b"; charset=utf-16",
        FORM.encode() + b"; charset=utf-8; charset=utf-7",
        FORM.encode() + b"; charset=" + MARK.encode(),
        FORM.encode() + b"\xff",
        FORM.upper().encode(),
        JSON.encode(),
        JSON.encode() + b"; charset=utf-16",
        JSON.encode() + b"+" + MARK.encode(),
        FORM.encode() + b", " + JSON.encode(),
    ]
    others = tuple(header for header in request.headers if header[0] != b"content-type")
    return replace(request, headers=(*others, (b"content-type", random.choice(types))))


def _bytes(request: Raw, random: Random, _foreign: Sequence[str]) -> Raw:
    body = bytearray(request.body or b" ")
    start, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
    match random.randrange(8):
        case 0:
            body[start - 1] ^= 1 << random.randrange(8)
        case 1:
            body[start:start] = bytes(random.randrange(256) for _ in range(random.randrange(1, 9)))
        case 2:
            del body[start:end]
        case 3:
            body[end:end] = body[start:end]
        case 4:
            del body[start:]
        case 5:
            body[:0] = random.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"&", b" ", b"\0", b"\r\n", b"[", b"1"])
        case 6:
            body += random.choice([b"&", b"=", b"%", b"%f", b"%ff", b"\0", b"\n", b"}", b",", b"&" * 40, b"x" * 17_000])
        case _:
            body[start:end] = random.choice([b"%00", b"%0d%0a", b"%c2%85", b"%ed%a0%80", b"\x80", "é".encode(), b"+"])
    return replace(request, body=bytes(body))


def _parameters(request: Raw, random: Random, foreign: Sequence[str]) -> Raw:
    """Change names and values and how often they come, and write the whole as it was, or in the other notation."""
    pairs = pairs_of(request) or [(MARK, MARK)]
    at = random.randrange(len(pairs))
    name, value = pairs[at]
    changes: list[Pairs] = [
        [],
        [(name, value), (name, value)],
        [(name, value), (name, random.choice(foreign))],
        [(name, "")],
        [(name, value), (name, "")],
        [(name.upper(), value)],
        [(f"{name}[]", value)],
        [(f"{name} ", value)],
        [(name, random.choice(foreign))],
        [(name, f"{value}{MARK}")],
        [(name, f"{MARK} {value}")],
        [(name, value.upper())],
        [(name, value.swapcase()), (MARK, "x")],
        [(name, f"{value} ")],
        [(name, f"{value}\0")],
        [(name, f"{value}\u2028\u202e{MARK}")],
        [(name, MARK * 3000)],
        [(name, pairs[random.randrange(len(pairs))][1])],
        [(name, value), (random.choice(_NAMES), random.choice([*foreign, MARK, f'"{MARK}\\', "<script>" + MARK]))],
        [(name, value), *((f"{MARK}{number}", "x") for number in range(40))],
    ]
    changed = pairs[:at] + random.choice(changes) + pairs[at + 1 :]
    random.shuffle(changed)
    is_json = JSON.encode() in request.header(b"content-type")
    if random.random() < 0.1:
        is_json = not is_json
        others = tuple(header for header in request.headers if header[0] != b"content-type")
        request = replace(request, headers=(*others, (b"content-type", (JSON if is_json else FORM).encode())))
    return replace(request, body=_json_of(changed).encode() if is_json else urlencode(changed).encode())


def _json_of(pairs: Pairs) -> str:
    """Write an object with its repeated names."""
    return "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs) + "}"


def _json(request: Raw, random: Random, _foreign: Sequence[str]) -> Raw:
    """Give one member a value that is no text, or break the notation."""
    pairs = pairs_of(request) or [(MARK, MARK)]
    name, value = random.choice(pairs)
    values = [
        "1",
        "null",
        "true",
        "-1e999",
        "NaN",
        "[]",
        json.dumps([value]),
        json.dumps({name: value}),
        '"\\ud800"',
        '"\\u0000"',
        "[" * 2000,
        '"' + MARK,
        "{",
        "01",
        json.dumps(value) + ",",
        json.dumps(value) + f"/*{MARK}*/",
    ]
    written = [f"{json.dumps(found)}: {json.dumps(text)}" for found, text in pairs if found != name]
    body = "{" + ", ".join([*written, f"{json.dumps(name)}: {random.choice(values)}"]) + "}"
    return replace(request, body=body.encode(), headers=((b"content-type", JSON.encode()),))


def _token(request: Raw, random: Random, foreign: Sequence[str]) -> Raw:
    """Spoil a token: its parts, its spelling, or whose it is."""
    pairs = pairs_of(request) or []
    found = [at for at, (_, value) in enumerate(pairs) if value.count(".") == 2]
    if not found:
        return _parameters(request, random, foreign)
    at = random.choice(found)
    name, token = pairs[at]
    head, body, signature = token.split(".")
    others = [value.split(".") for value in foreign if value.count(".") == 2] or [[head, body, signature]]
    other = random.choice(others)
    where = random.randrange(len(token))
    spoiled = [
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.{signature}",
        f"{other[0]}.{body}.{signature}",
        f"{head}.{other[1]}.{signature}",
        f"{head}.{body}.{other[2]}",
        ".".join(other),
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"{token}=",
        f" {token}",
        token[:where] + ("A" if token[where] != "A" else "B") + token[where + 1 :],
        token[:where] + token[where + 1 :],
        token[::-1],
        f"{head}.{body}.{signature[:-1]}",
    ]
    pairs[at] = (name, random.choice(spoiled))
    return replace(request, body=urlencode(pairs).encode(), headers=request.headers)


_NAMES = [
    "access_token",
    "actor_token",
    "actor_token_type",
    "audience",
    "client_assertion",
    "client_id",
    "client_secret",
    "connection",
    "grant_type",
    "is_allowed",
    "login_hint",
    "nonce",
    "provider",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
    "token",
    "user",
]
_MUTATIONS: list[Callable[[Raw, Random, Sequence[str]], Raw]] = [
    _method,
    _path,
    _query,
    _header,
    _content_type,
    *[_bytes] * 3,
    *[_parameters] * 6,
    *[_json] * 2,
    *[_token] * 3,
]
