"""A JSON body is one flat object of strings, or nothing."""

import pytest

from vault import json_body
from vault.errors import InvalidRequestError


def test_the_members_come_in_their_order() -> None:
    assert list(json_body.parse(b' {"b": "1", "a": "\\u00e9"} ')) == [("b", "1"), ("a", "é")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"a"',
        b"[]",
        b'[["a", "b"]]',
        b'{"a": 1}',
        b'{"a": true}',
        b'{"a": null}',
        b'{"a": ["b"]}',
        b'{"a": {}}',
        b'{"a": {"b": "c"}}',
        b'{"a": NaN}',
        b'{"a": "b", "a": "b"}',
        b'{"a": "b", "\\u0061": "c"}',
        b'{"a": "b",}',
        b'{"a": "b"} {}',
        b"{'a': 'b'}",
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": "b"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": "a"}',
        b'{"a": "line\nbreak"}',
        b'{"a": ' + b"[" * 5000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        json_body.parse(body)
