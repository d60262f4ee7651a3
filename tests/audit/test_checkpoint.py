"""Checkpoints as signed notes: what is accepted, and that nothing else is."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.exceptions import ImproperlyConfigured

from audit import checkpoint
from audit.errors import BrokenNoteError
from devcontext.local_keys import public_key_of
from tests.audit.sealing import NAME, PEM, keys

ROOT = bytes(range(32))
# The example of Go's package golang.org/x/mod/sumdb/note, which C2SP's signed-note describes.
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_signature_of_gos_example_is_checked_as_there() -> None:
    (verifier,) = checkpoint.load_verifiers(GO_VERIFIER).verifiers
    assert str(verifier) == GO_VERIFIER
    text, ((signer, signature),) = checkpoint._split(GO_NOTE)
    assert checkpoint._is_signed(text, signature, signer=signer, verifier=verifier)
    with pytest.raises(BrokenNoteError):
        checkpoint._is_signed(text + "x", signature, signer=signer, verifier=verifier)


def test_a_checkpoint_has_three_lines_and_a_signature() -> None:
    """Source: https://c2sp.org/tlog-checkpoint."""
    note = keys().sign(size=7, root=ROOT)
    name, size, root, empty, signature, end = note.split("\n")
    assert (name, size, base64.b64decode(root), empty, end) == (NAME, "7", ROOT, "", "")
    dash, signer, encoded = signature.split(" ")
    assert (dash, signer) == ("—", NAME)
    assert base64.b64decode(encoded)[:4] == keys().verifiers[0].id
    opened = checkpoint.load_verifiers(str(keys().verifiers[0])).open(note)
    assert (opened.name, opened.size, opened.root, opened.signed_by) == (NAME, 7, ROOT, 0)


NOTE = keys().sign(size=7, root=ROOT)
FORGED = {
    "another size": NOTE.replace("\n7\n", "\n8\n"),
    "a size with a zero before it": NOTE.replace("\n7\n", "\n07\n"),
    "another root": NOTE.replace(base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()),
    "another log": NOTE.replace(NAME, "other.example/audit"),
    "one more line": NOTE.replace("\n\n", "\nmore\n\n"),
    "no signature": NOTE.split("—", maxsplit=1)[0],
    "no end": NOTE.removesuffix("\n"),
    "another's signature": checkpoint.load_keys(checkpoint.new_pem(), name=NAME).sign(size=7, root=ROOT),
    "text after it": NOTE + "more\n",
    "nothing": "",
    "a long one": NOTE + NOTE.rpartition("\n\n")[2] * 100,
}


@pytest.mark.parametrize("note", FORGED.values(), ids=FORGED.keys())
def test_what_no_key_of_ours_signed_is_refused(note: str) -> None:
    with pytest.raises(BrokenNoteError):
        keys().open(note)


def test_every_bit_of_a_note_counts() -> None:
    whole = NOTE.encode()
    for number in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[number // 8] ^= 1 << number % 8
        with pytest.raises(BrokenNoteError):
            keys().open(changed.decode(errors="replace"))


def test_a_wrong_signature_in_a_known_keys_name_is_not_outweighed_by_a_right_one() -> None:
    body, _, signature = NOTE.rpartition("\n\n")
    wrong = base64.b64encode(keys().verifiers[0].id + bytes(64)).decode()
    with pytest.raises(BrokenNoteError):
        keys().open(f"{body}\n\n{signature}— {NAME} {wrong}\n")


def test_signatures_of_others_are_passed_over() -> None:
    """A witness may add its own."""
    other = checkpoint.load_keys(checkpoint.new_pem(), name="witness.example").verifiers[0]
    line = f"— witness.example {base64.b64encode(other.id + bytes(64)).decode()}\n"
    assert keys().open(NOTE + line).size == 7


def test_while_a_key_is_replaced_both_sign_and_then_the_old_one_only_checks() -> None:
    new = checkpoint.new_pem()
    both, after = keys(new, PEM), keys(new, public_key_of(PEM))
    assert after.open(NOTE).signed_by == 1
    assert after.open(after.sign(size=8, root=ROOT)).signed_by == 0
    # Who was told only the old key accepts what both signed.
    assert keys(PEM).open(both.sign(size=8, root=ROOT)).size == 8
    with pytest.raises(BrokenNoteError):
        keys(PEM).open(after.sign(size=8, root=ROOT))


def test_keys_that_are_none_are_refused() -> None:
    public = public_key_of(PEM)
    curve = generate_private_key(SECP256R1())
    other = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    other_public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for pem in ("", "key", public, public + PEM, other, PEM + other_public, PEM + PEM):
        with pytest.raises(ImproperlyConfigured):
            checkpoint.load_keys(pem, name=NAME)
    for name in ("", "two words", "a+b", "a\nb"):
        with pytest.raises(ImproperlyConfigured):
            checkpoint.load_keys(PEM, name=name)


def test_public_keys_that_are_none_are_refused() -> None:
    own = str(keys().verifiers[0])
    elsewhere = str(checkpoint.load_keys(PEM, name="other.example").verifiers[0])
    for text in ("", "a", own[:-4], own.replace("+", "+0", 1), f"{own},{own}", f"{own},{elsewhere}"):
        with pytest.raises(ImproperlyConfigured):
            checkpoint.load_verifiers(text)


def test_a_private_key_is_in_no_text() -> None:
    assert "PRIVATE" not in repr(keys())
    assert str(keys().signers[0]) not in repr(keys())
