import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rtav.core.catalog import Own
from rtav.errors import ProtocolError
from rtav.server.uploads import receiving
from rtav.server.uploads.library import Library, Maker
from rtav.server.uploads.quota import Quota
from rtav.server.uploads.shelves import Shelves
from rtav.server.uploads.workshop import Task
from rtav.settings import AssetSettings

PATHS = ("/v1/faces", "/v1/voices", "/v1/driving", "/v1/backgrounds")


class FakeWorkshop:
    """Makes an asset of everything but of what says that it is bad, and waits if told to."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.gate: asyncio.Event | None = None

    async def make(self, task: Task) -> dict[str, Any]:
        self.tasks.append(task)
        if self.gate is not None:
            await self.gate.wait()
        content = task.upload.read_bytes()
        if content == b"bad":
            raise ProtocolError("it is bad", code=f"invalid_{task.kind}", param="file")
        (task.folder / "kept").write_bytes(content)
        (task.folder / "preview.png").write_bytes(b"\x89PNG")
        return {"preview": True} if task.kind == "face" else {"duration_seconds": 1.5}


@dataclass
class Shop:
    """A server with a library whose assets are made by the stand-in."""

    server: Any
    root: Path
    workshop: FakeWorkshop
    offered: list[tuple[str, Own]] = field(default_factory=list)
    known: dict[str, Path] = field(default_factory=dict)

    def upload(self, path: str = "/v1/faces", content: bytes = b"good", **more: Any):
        fields = {name: (None, text) for name, text in more.pop("fields", {}).items()}
        file = {"file": (more.pop("filename", "me.zip"), content)}
        return self.server.post(path, files=file | fields, **more)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*.*"))


@pytest.fixture
def make_shop(make_server, tmp_path, monkeypatch):
    def make(
        examine: str | None = None, more: dict[str, Any] | None = None, **settings: int
    ) -> Shop:
        shop = Shop(server=None, root=tmp_path, workshop=FakeWorkshop())
        maker = Maker(
            module="m",
            function="f",
            adopt=lambda asset, folder, _: shop.known.update({asset: folder}),
            forget=lambda asset: shop.known.pop(asset),
            examine=examine,
            more=more or {},
        )

        def library(table: Any) -> Library:
            server = shop.server
            numbers = iter(range(1, 1000))
            return Library(
                table=table,
                shelves=Shelves(tmp_path),
                makers=dict.fromkeys(("face", "voice", "driving", "background"), maker),
                quota=Quota(AssetSettings(**settings), now=lambda: server.now),
                wall=lambda: server.wall(),
                new_id=lambda prefix: f"{prefix}{next(numbers)}",
                workshop=shop.workshop,
                offer=lambda owner, own: shop.offered.append((owner, own)),
            )

        class Stocked(make_server):
            def make_library(self, table: Any) -> Library:
                shop.server = self
                return library(table)

        shop.server = Stocked()
        return shop

    return make


@pytest.fixture
def shop(make_shop) -> Shop:
    return make_shop()


# --- coming -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_an_uploaded_asset_is_listed_found_and_offered(shop, path):
    made = shop.upload(path, fields={"name": "Mine", "description": "A test."})
    assert made.status_code == 201, made.text
    entry = made.json()
    assert entry["name"] == "Mine"
    assert entry["type"] == "custom"
    assert entry["description"] == "A test."
    assert entry["created_at"] == "2026-01-01T00:00:00.000000"
    assert made.headers["location"] == f"{path}/{entry['id']}"

    listed = shop.server.get(path).json()[path.removeprefix("/v1/")]
    assert listed[-1] == entry
    assert [each["type"] for each in listed[:-1]] == ["standard"] * (len(listed) - 1)
    assert shop.server.get(f"{path}/{entry['id']}").json() == entry
    owner, own = shop.offered[-1]
    assert owner == "key_operator"
    assert entry["id"] in (*own.faces, *own.voices, *own.motions, *own.backgrounds)
    assert shop.known[entry["id"]].is_dir()


def test_a_bare_body_is_a_file_and_the_query_names_it(shop):
    made = shop.server.post("/v1/driving?name=Bow", content=b"good")
    assert made.status_code == 201
    assert made.json()["name"] == "Bow"
    assert made.json()["duration_seconds"] == 1.5


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("bow.json", "bow"),
        ("../../etc/passwd.zip", "passwd"),
        ("C:\\faces\\me.zip", "me"),
        ("", "Untitled"),
    ],
)
def test_an_asset_without_a_name_has_that_of_its_file(shop, filename, name):
    made = shop.server.post(
        "/v1/faces", files={"file": (filename, b"good")} if filename else None,
        content=None if filename else b"good",
    )  # fmt: skip
    assert made.json()["name"] == name
    assert shop.files() == ["face/face_1/preview.png"]


def test_what_a_caller_says_reaches_the_maker(shop):
    fields = {"landmarks": '{"points": {"chin": [1, 2]}}', "consent": "myself", "name": "Me"}
    entry = shop.upload(fields=fields).json()
    wish = shop.workshop.tasks[0].wish
    assert wish["landmarks"] == {"points": {"chin": [1, 2]}}
    assert wish["consent"] == entry["consent"] == "myself"
    assert wish["id"] == entry["id"]
    assert "landmarks" not in entry


@pytest.mark.parametrize(
    ("content", "fields", "status", "code", "param"),
    [
        (b"bad", {}, 422, "invalid_face", "file"),
        (b"", {}, 400, "missing_required_parameter", "file"),
        (b"x" * 2_000_001, {}, 413, "file_too_large", "file"),
        (b"good", {"name": "n" * 101}, 400, "invalid_value", "name"),
        (b"good", {"name": "a\x00b"}, 400, "invalid_value", "name"),
        (b"good", {"landmarks": "["}, 400, "invalid_json", "landmarks"),
        (b"good", {"landmarks": "[1]"}, 400, "invalid_json", "landmarks"),
    ],
)
def test_what_cannot_be_an_asset_leaves_nothing(shop, content, fields, status, code, param):
    refused = shop.upload(content=content, fields=fields)
    assert refused.status_code == status
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert shop.files() == []
    assert list((shop.root / "incoming").iterdir()) == []
    assert shop.server.assets.rows == {}
    assert shop.offered == []


def test_a_body_beyond_every_limit_is_refused_before_it_is_a_file(shop):
    refused = shop.upload(content=b"x" * 3_000_000)
    assert refused.status_code == 413


def test_a_form_without_a_file_is_told_what_is_missing(shop):
    refused = shop.server.post("/v1/faces", files={"name": (None, "me")})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "file"


def test_a_form_that_is_none_is_refused(shop):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = shop.server.post("/v1/faces", content=b"--y\r\nnonsense", headers=headers)
    assert refused.status_code == 400


def test_a_file_that_never_arrives_is_given_up(shop, monkeypatch):
    monkeypatch.setattr(receiving, "RECEIVE_S", 0.05)

    async def stuck():
        yield b"go"
        await asyncio.Event().wait()

    refused = shop.server.post("/v1/faces", content=stuck())
    assert refused.status_code == 408
    assert shop.files() == []


def test_a_database_that_is_away_leaves_no_files(shop):
    shop.server.assets.is_away = True
    refused = shop.upload()
    assert refused.status_code == 503
    assert shop.files() == []
    shop.server.assets.is_away = False
    assert shop.upload().status_code == 201


# --- whose it is ------------------------------------------------------------------------------


def test_without_a_key_or_with_a_secret_only_the_standard_assets_are_listed(shop):
    entry = shop.upload().json()
    secret = shop.server.mint()["value"]
    for key in (None, secret):
        listed = shop.server.get("/v1/faces", key=key).json()["faces"]
        assert [each["id"] for each in listed] == ["default", "face1", "face2"]
        assert shop.server.get(f"/v1/faces/{entry['id']}", key=key).status_code == 404
        assert shop.server.get(f"/v1/faces/{entry['id']}/preview", key=key).status_code == 404


def test_another_keys_assets_are_unknown_to_it_and_to_an_admin(shop):
    entry = shop.upload(key=shop.server.give("mine")).json()
    for other in (shop.server.give("other"), shop.server.key):
        assert shop.server.get("/v1/faces", key=other).json()["faces"][-1]["id"] == "face2"
        for method in ("GET", "DELETE"):
            answer = shop.server.request(method, f"/v1/faces/{entry['id']}", key=other)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "asset_not_found"
    assert shop.server.get(f"/v1/faces/{entry['id']}", key="rtav_ak_mine").status_code == 200


def test_an_asset_is_found_among_its_kind_alone(shop):
    entry = shop.upload("/v1/faces").json()
    assert shop.server.get(f"/v1/voices/{entry['id']}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_who_may_not_change_assets_is_told_so(shop, method):
    path = "/v1/faces" if method == "POST" else "/v1/faces/face1"
    secret = shop.server.mint()["value"]
    for key, status in (
        (None, 401),
        ("wrong", 401),
        (secret, 403),
        (shop.server.give("caller", "calls"), 403),
    ):
        assert shop.server.request(method, path, key=key).status_code == status


def test_a_wrong_key_is_told_even_by_a_public_list(shop):
    assert shop.server.get("/v1/faces", key="wrong").status_code == 401


def test_a_call_and_its_secret_may_name_what_the_key_has(shop):
    mine = shop.server.give("mine")
    entry = shop.upload(key=mine).json()
    session = {"session": json.dumps({"face": entry["id"]})}

    secret = shop.server.post(
        "/v1/realtime/client_secrets", key=mine, json={"session": {"face": entry["id"]}}
    )
    assert secret.status_code == 200
    for key in (mine, secret.json()["value"]):
        opened = shop.server.post("/v1/realtime/calls", key=key, data={"sdp": "v=0\r\n", **session})
        assert opened.status_code == 201
        opening = shop.server.supervisor.opened[-1]
        assert opening.owner == "key_mine"
        assert opening.own.faces == (entry["id"],)
    made = shop.server.post("/v1/sessions", key=mine, json={"face": entry["id"]})
    assert made.status_code == 201
    refused = shop.server.post("/v1/realtime/calls", data={"sdp": "v=0\r\n", **session})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "session.face"


# --- pictures ---------------------------------------------------------------------------------


def test_a_face_has_a_picture(shop):
    entry = shop.upload().json()
    shown = shop.server.get(entry["preview_url"])
    assert shown.headers["content-type"] == "image/png"
    assert shown.content == b"\x89PNG"
    assert shown.headers["cache-control"] == "private"


def test_a_standard_face_without_a_picture_has_none(shop):
    assert shop.server.get("/v1/faces/face1/preview", key=None).status_code == 404


# --- going ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_deleted_asset_is_gone_from_every_list(shop, path):
    entry = shop.upload(path).json()
    gone = shop.server.request("DELETE", f"{path}/{entry['id']}")
    assert gone.status_code == 200
    assert gone.json() == {"id": entry["id"], "deleted": True}
    assert shop.server.get(f"{path}/{entry['id']}").status_code == 404
    assert shop.server.request("DELETE", f"{path}/{entry['id']}").status_code == 404
    assert shop.server.library.own("key_operator") == Own()


@pytest.mark.parametrize("path", ["/v1/faces/face1", "/v1/voices/alice", "/v1/driving/Wink"])
def test_a_standard_asset_cannot_be_deleted(shop, path):
    refused = shop.server.request("DELETE", path)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "standard_asset"


def test_files_stay_while_a_call_may_be_using_them_and_go_then(shop):
    entry = shop.upload().json()
    shop.server.request("DELETE", f"/v1/faces/{entry['id']}")

    asyncio.run(shop.server.library.purge())
    assert shop.files() == ["face/face_1/preview.png"]
    assert entry["id"] in shop.known

    shop.server.now += 11
    asyncio.run(shop.server.library.purge())
    assert shop.files() == []
    assert shop.known == {}
    assert shop.server.assets.rows == {}


def test_a_deletion_that_the_database_does_not_take_changes_nothing(shop):
    entry = shop.upload().json()
    shop.server.assets.is_away = True
    assert shop.server.request("DELETE", f"/v1/faces/{entry['id']}").status_code == 503
    assert shop.server.get(f"/v1/faces/{entry['id']}").status_code == 200


# --- how much ---------------------------------------------------------------------------------


def test_a_key_has_no_more_assets_than_it_may(make_shop):
    shop = make_shop(max_per_key=2)
    first = shop.upload().json()
    shop.upload("/v1/voices")
    refused = shop.upload()
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "asset_limit_reached"
    assert shop.upload(key=shop.server.give("other")).status_code == 201
    shop.server.request("DELETE", f"/v1/faces/{first['id']}")
    assert shop.upload().status_code == 201


def test_a_key_has_no_more_bytes_than_it_may(make_shop):
    shop = make_shop(max_bytes_per_key=100)
    assert shop.upload(content=b"x" * 60).status_code == 201
    refused = shop.upload(content=b"x" * 60)
    assert refused.status_code == 409
    assert shop.files() == ["face/face_1/preview.png"]


def test_a_key_uploads_so_many_files_a_minute(make_shop):
    shop = make_shop(uploads_per_minute=2)
    assert [shop.upload().status_code for _ in range(3)] == [201, 201, 429]
    shop.server.now += 59.5
    refused = shop.upload()
    assert refused.headers["retry-after"] == "1"
    shop.server.now += 1
    assert shop.upload().status_code == 201


def test_a_key_uploads_one_file_after_the_other(shop):
    async def both() -> list[int]:
        shop.workshop.gate = asyncio.Event()
        headers = {"Authorization": f"Bearer {shop.server.key}"}
        async with shop.server.client() as client:

            async def send() -> int:
                answer = await client.post(
                    "/v1/faces", files={"file": ("a", b"good")}, headers=headers
                )
                shop.workshop.gate.set()
                return answer.status_code

            return sorted(await asyncio.gather(send(), send()))

    assert asyncio.run(both()) == [201, 429]


# --- over restarts and servers ----------------------------------------------------------------


def test_a_server_that_starts_again_has_what_there_was(shop):
    entry = shop.upload().json()
    shop.known.clear()
    again = shop.server.make_library(shop.server.assets)
    asyncio.run(again.start(unix=shop.server.now))
    assert again.own("key_operator") == Own(faces=(entry["id"],))
    assert shop.known.keys() == {entry["id"]}


def test_what_another_server_takes_in_and_deletes_is_seen_here(shop):
    other = shop.server.make_library(shop.server.assets)
    entry = shop.upload().json()
    asyncio.run(other.refresh())
    assert other.own("key_operator") == Own(faces=(entry["id"],))
    shop.server.request("DELETE", f"/v1/faces/{entry['id']}")
    asyncio.run(other.refresh())
    assert other.own("key_operator") == Own()
    asyncio.run(shop.server.assets.forget([entry["id"]]))
    asyncio.run(other.refresh())
    assert shop.known == {}


def test_what_an_interrupted_server_has_left_is_removed(shop):
    entry = shop.upload().json()
    (shop.root / "incoming" / "face_x.upload").write_bytes(b"half")
    (shop.root / "face" / "face_y").mkdir()
    again = shop.server.make_library(shop.server.assets)
    later = (shop.root / "face" / "face_y").stat().st_mtime + 3601
    asyncio.run(again.start(unix=later))
    assert shop.files() == [f"face/{entry['id']}/preview.png"]
    assert not (shop.root / "face" / "face_y").exists()


def test_a_database_that_is_away_at_the_start_removes_nothing(shop):
    shop.upload()
    shop.server.assets.is_away = True
    again = shop.server.make_library(shop.server.assets)
    asyncio.run(again.start(unix=2e10))
    assert shop.files() == ["face/face_1/preview.png"]


# --- looking ----------------------------------------------------------------------------------


def test_where_a_face_is_says_the_detector_and_nothing_is_kept(make_shop):
    shop = make_shop(examine="look", more={"mediapipe_python": "/opt/python"})
    found = shop.upload("/v1/faces/landmarks", b"a picture")

    assert found.json() == {"preview": True}  # what the stand-in finds
    task = shop.workshop.tasks[0]
    assert (task.function, dict(task.wish)) == ("look", {"mediapipe_python": "/opt/python"})
    assert shop.files() == []
    assert shop.server.get("/v1/faces").json()["faces"][-1]["id"] == "face2"


def test_what_the_operator_set_is_not_for_callers_to_change(make_shop):
    shop = make_shop(more={"mediapipe_python": "/opt/python"})
    fields = {"mediapipe_python": "/bin/sh", "name": "Me"}
    assert shop.upload("/v1/faces", fields=fields).status_code == 201

    assert shop.workshop.tasks[0].wish["mediapipe_python"] == "/opt/python"


def test_a_server_without_a_detector_says_so_at_once(shop):
    refused = shop.upload("/v1/faces/landmarks")

    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "missing_landmarks")
    assert refused.json()["error"]["param"] == "landmarks"
    assert shop.workshop.tasks == []


def test_only_who_may_upload_may_have_pictures_looked_at(shop):
    assert shop.upload("/v1/faces/landmarks", key=None).status_code == 401
