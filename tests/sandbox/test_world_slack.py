"""A Slack export as the workspace: conversations, threads and apps; and archives that are broken or mean harm."""

import json
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from devcontext.sandbox.app import create_app
from devcontext.sandbox.links import Links
from devcontext.sandbox.slack.shapes import channel_body, message_body
from devcontext.sandbox.types import Snapshot, World
from devcontext.sandbox.world import Sources, WorldError, own_world
from tests.sandbox.harness import BASE_URL

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
ME = "ann@corp.example"
ANN = {"real_name": "Ann Ng", "display_name": "annie", "email": "Ann@corp.example"}
USERS = [
    {"id": "U0ANN", "name": "ann", "profile": ANN},
    {"id": "U0BO", "name": "bo", "real_name": "Bo Li", "profile": {"title": "Lead", "email": "bo@corp.example"}},
]
CHANNELS = [
    {"id": "C0PIER", "name": "pier", "members": ["U0ANN", "U0BO"], "topic": {"value": "Berths"}, "is_archived": False},
    {"id": "C0OTHER", "name": "other", "members": ["U0BO"]},
    {"id": "C0OLD", "name": "old", "members": ["U0ANN"], "is_archived": True},
]


def _ts(text: str, number: int = 100) -> str:
    return f"{int(datetime.fromisoformat(f'{text}+00:00').timestamp())}.{number:06d}"


ROOT, REPLY = _ts("2026-11-17T15:00"), _ts("2026-11-17T15:05", 200)
DAY: list[dict[str, Any]] = [
    {
        "type": "message", "user": "U0BO", "text": "<@U0ANN> can you look?", "ts": ROOT, "thread_ts": ROOT,
        "reply_count": 2, "reactions": [{"name": "eyes", "users": ["U0ANN"], "count": 1}],
    },
    {"type": "message", "user": "U0ANN", "text": "Looking at 1 &lt; 2.", "ts": REPLY, "thread_ts": ROOT,
     "edited": {"user": "U0ANN", "ts": _ts("2026-11-17T15:06")}},
    {"type": "message", "subtype": "thread_broadcast", "user": "U0BO", "text": "Solved.",
     "ts": _ts("2026-11-17T15:09", 300), "thread_ts": ROOT},
    {"type": "message", "subtype": "bot_message", "username": "CI", "bot_id": "B01", "text": "Green.",
     "ts": _ts("2026-11-17T16:00")},
    {"type": "message", "subtype": "channel_join", "user": "U0NEW", "text": "<@U0NEW> has joined the channel",
     "ts": _ts("2026-11-17T17:00")},
    {"type": "message", "user": "U0BO", "hidden": True, "text": "never shown", "ts": _ts("2026-11-17T17:01")},
    {"type": "message", "user": "U0BO", "text": "of no time", "ts": "soon"},
]  # fmt: skip


def _export(folder: Path, files: dict[str, Any] | None = None) -> Path:
    """Write an export; a value None leaves a file out, bytes go in as they are."""
    path = folder / "export.zip"
    standard = {"users.json": USERS, "channels.json": CHANNELS, "pier/2026-11-17.json": DAY}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in (standard | (files or {})).items():
            if value is not None:
                archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def _world(path: Path, me: str = ME) -> World:
    return own_world(Sources(slack_export=path, me=me), clock=lambda: NOW, zone=ZoneInfo("UTC"))


def _snapshot(path: Path, me: str = ME) -> Snapshot:
    return _world(path, me).now()


def _bodies(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [message_body(one, snapshot=snapshot, links=Links(BASE_URL)) for one in snapshot.messages]


def test_messages_are_told_as_slack_tells_them(tmp_path: Path) -> None:
    root, reply, broadcast, app, join = _bodies(_snapshot(_export(tmp_path)))
    assert (root["user"], root["ts"], root["text"]) == ("U0BO", ROOT, "<@U0ANN> can you look?")
    assert (root["thread_ts"], root["reply_count"], root["reply_users"]) == (ROOT, 2, ["U0ANN", "U0BO"])
    assert root["reactions"] == [{"name": "eyes", "count": 1}]
    assert (reply["thread_ts"], reply["edited"]["ts"]) == (ROOT, _ts("2026-11-17T15:06"))
    assert broadcast["subtype"] == "thread_broadcast"
    assert ("user" in app, app["username"], app["subtype"]) == (False, "CI", "bot_message")
    assert (join["subtype"], join["user"]) == ("channel_join", "U0NEW")


def test_i_am_the_member_with_my_address(tmp_path: Path) -> None:
    snapshot = _snapshot(_export(tmp_path))
    assert (snapshot.me.name, snapshot.me.login, snapshot.me.slack_id) == ("Ann Ng", "ann", "U0ANN")
    assert snapshot.messages[1].author == snapshot.me
    invented = [event for event in snapshot.events if snapshot.me in [guest.person for guest in event.attendees]]
    assert invented, "the meetings that stay invented are mine"


def test_only_my_own_conversations_are_there_and_read_up_to_what_i_wrote(tmp_path: Path) -> None:
    (pier,) = _snapshot(_export(tmp_path)).channels
    assert (pier.id, pier.name, pier.topic, pier.kind) == ("C0PIER", "pier", "Berths", "public_channel")
    assert pier.last_read_at == datetime(2026, 11, 17, 15, 5, 0, 200, tzinfo=UTC)


def test_private_channels_and_direct_messages_of_a_whole_export(tmp_path: Path) -> None:
    def said(text: str) -> list[dict[str, Any]]:
        return [{"type": "message", "user": "U0BO", "text": text, "ts": _ts("2026-11-17T18:00")}]

    more = {
        "groups.json": [{"id": "G0WAR", "name": "war-room", "members": ["U0ANN"]}],
        "dms.json": [{"id": "D0BO", "members": ["U0ANN", "U0BO"]}, {"id": "D0ME", "members": ["U0ANN"]}],
        "mpims.json": [{"id": "C0MPIM", "name": "mpdm-ann--bo--cy-1", "members": ["U0ANN", "U0BO", "U0CY"]}],
        "war-room/2026-11-17.json": said("private"),
        "D0BO/2026-11-17.json": said("direct"),
        "mpdm-ann--bo--cy-1/2026-11-17.json": said("group"),
    }
    snapshot = _snapshot(_export(tmp_path, more))
    kinds = {channel.id: channel.kind for channel in snapshot.channels}
    assert kinds == {"C0PIER": "public_channel", "G0WAR": "private_channel", "D0BO": "im", "C0MPIM": "mpim"}
    texts = {message.channel_id: message.text for message in snapshot.messages if message.channel_id != "C0PIER"}
    assert texts == {"G0WAR": "private", "D0BO": "direct", "C0MPIM": "group"}
    direct, group = (channel_body(one, snapshot=snapshot) for one in snapshot.channels if one.kind in ("im", "mpim"))
    assert direct["user"] == "U0BO"
    assert (group["is_mpim"], group["is_private"], group["is_group"]) == (True, True, True)


def test_an_export_packed_with_its_folder_is_read(tmp_path: Path) -> None:
    files = {"users.json": None, "channels.json": None, "pier/2026-11-17.json": None}
    nested = {"export/users.json": USERS, "export/channels.json": CHANNELS, "export/pier/2026-11-17.json": DAY}
    assert len(_snapshot(_export(tmp_path, files | nested)).messages) == 5


def test_two_months_before_the_newest_day_are_read_and_dates_stay(tmp_path: Path) -> None:
    def day(text: str) -> list[dict[str, Any]]:
        return [{"type": "message", "user": "U0BO", "text": text, "ts": _ts(f"{text}T10:00")}]

    days = {f"pier/{text}.json": day(text) for text in ("2026-03-02", "2026-03-03", "2026-05-02")}
    world = _world(_export(tmp_path, days | {"pier/2026-11-17.json": None}))
    assert [message.text for message in world.now().messages] == ["2026-05-02", "2026-03-03"]
    assert world.label == (
        "GitHub: invented; Calendar: invented; Slack: your export export.zip, newest message of 2026-05-02"
    )


def test_a_name_finds_me_where_an_export_tells_no_addresses(tmp_path: Path) -> None:
    users = [{"id": "U0ANN", "name": "ann", "real_name": "Ann Ng"}, {"id": "U0BO", "name": "bo"}]
    path = _export(tmp_path, {"users.json": users})
    with pytest.raises(WorldError, match="it tells no addresses: add your name"):
        _snapshot(path)
    assert _snapshot(path, f"{ME},Ann Ng").me.slack_id == "U0ANN"


async def test_pages_say_that_the_messages_are_mine_and_show_one_by_its_exact_time(tmp_path: Path) -> None:
    app = create_app(data=None, world=_world(_export(tmp_path)), base_url=BASE_URL)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as http:
        for path in ("/", "/archives/C0PIER", f"/archives/C0PIER/p{ROOT.replace('.', '')}"):
            page = (await http.get(f"/slack/web{path}")).text
            assert "Your export export.zip, newest message of 2026-11-17, shown by the sandbox" in page
        assert "can you look?" in page
        assert "Looking at 1 &lt; 2." in page
        # The same last six digits as the first message's: in an export they name nothing.
        other = await http.get(f"/slack/web/archives/C0PIER/p{_ts('2026-11-16T15:00').replace('.', '')}")
        assert other.status_code == 404


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"users.json": None}, "is no Slack export: it has no users.json."),
        ({"users.json": b"{"}, "users.json is no JSON."),
        ({"users.json": b"[" * 100_000}, "users.json is no JSON."),
        ({"users.json": b"\xff\xfe\x00"}, "users.json is no JSON."),
        ({"channels.json": {"id": 1}}, "channels.json is no list of objects."),
        ({"channels.json": None}, "ann@corp.example is in no conversation of"),
        ({"channels.json": [7]}, "channels.json is no list of objects."),
        ({"pier/2026-11-17.json": b"nope"}, "pier/2026-11-17.json is no JSON."),
        ({"pier/2026-02-30.json": [], "pier/2026-11-17.json": None}, "the day 2026-02-30, which does not exist."),
        ({"users.json": [{"id": "U0BO", "profile": {"email": "bo@x.example"}}]}, "ann@corp.example is no member in"),
        ({"../../etc/cron.d/x": b""}, "which leads out of it."),
        ({"/etc/passwd": b""}, "which leads out of it."),
        ({"pier\\..\\x": b""}, "which leads out of it."),
        ({"C:/x": b""}, "which leads out of it."),
    ],
)
def test_a_broken_or_hostile_archive_is_refused_in_one_sentence(
    tmp_path: Path, files: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(WorldError) as refused:
        _snapshot(_export(tmp_path, files))
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = _export(tmp_path)
    link = zipfile.ZipInfo("pier/2026-11-18.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(WorldError, match=r"'pier/2026-11-18.json' in it is a link\."):
        _snapshot(path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = _export(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("users.json", "[]")
    with pytest.raises(WorldError, match="two files of one name"):
        _snapshot(path)


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    """A zip bomb: 33 MiB of spaces are 33 kB here."""
    path = _export(tmp_path, {"pier/2026-11-17.json": b" " * (33 * 1024**2)})
    assert path.stat().st_size < 100_000
    with pytest.raises(WorldError, match=r"pier/2026-11-17.json is too large\."):
        _snapshot(path)


def test_many_files_together_do_not_unpack_to_too_much(tmp_path: Path) -> None:
    day = b"[" + b" " * (20 * 1024**2) + b"]"
    bomb = {f"pier/2026-11-{number:02}.json": day for number in range(1, 15)}
    with pytest.raises(WorldError, match="unpacks to more than is read"):
        _snapshot(_export(tmp_path, bomb))


def test_a_file_that_declares_less_than_it_holds_is_broken(tmp_path: Path) -> None:
    """The reader stops at the declared size, and the checksum no longer fits."""
    path = _export(tmp_path, {"users.json": b"[" + b" " * 5000 + b"]"})
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    assert int.from_bytes(data[at + 24 : at + 28], "little") == 5002
    path.write_bytes(data[: at + 24] + (2).to_bytes(4, "little") + data[at + 28 :])
    with pytest.raises(WorldError, match=r"users.json cannot be unpacked\."):
        _snapshot(path)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = _export(tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WorldError, match="is encrypted"):
        _snapshot(path)


def test_too_many_files_are_refused_by_the_archives_end(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(50_001):
            archive.writestr(f"{number}", b"")
    with pytest.raises(WorldError, match="holds more than 50000 files"):
        _snapshot(path)


def test_a_directory_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    end = b"PK\x05\x06" + bytes(8) + (2**31).to_bytes(4, "little") + bytes(4) + bytes(2)
    path.write_bytes(end)
    with pytest.raises(WorldError, match="holds more than 50000 files"):
        _snapshot(path)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"not a zip" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(data)
    with pytest.raises(WorldError, match="is no ZIP archive, or a broken one"):
        _snapshot(path)
