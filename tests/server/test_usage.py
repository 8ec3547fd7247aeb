import csv
import io

import pytest

USAGE = "/v1/usage"
CALLS = "/v1/realtime/calls"


def called(server, seconds: float, *, key: str | None = None) -> str:
    """A call of that length; the session's id."""
    opened = server.post(CALLS, data={"sdp": "v=0\r\n"}, key=key or server.key)
    server.now += seconds
    server.post(opened.headers["location"] + "/hangup")
    return opened.headers["x-session-id"]


def test_a_call_that_ended_has_a_row_with_what_it_used(server):
    session_id = called(server, 12.5)

    assert server.get(USAGE).json() == {
        "object": "list",
        "data": [
            {
                "session_id": session_id,
                "key_id": "key_operator",
                "user_id": "user_operator",
                "status": "ended",
                "started_at": "2026-01-01T00:00:00.000000",
                "ended_at": "2026-01-01T00:00:12.500000",
                "duration_seconds": 12.5,
                "audio_input_seconds": 2.0,
                "audio_output_seconds": 1.5,
                "video_seconds": 3.0,
                "input_tokens": 20,
                "output_tokens": 7,
            }
        ],
        "total": {
            "sessions": 1,
            "duration_seconds": 12.5,
            "audio_input_seconds": 2.0,
            "audio_output_seconds": 1.5,
            "video_seconds": 3.0,
            "input_tokens": 20,
            "output_tokens": 7,
        },
    }


def test_a_call_that_goes_on_has_no_row_yet(server):
    server.post(CALLS, data={"sdp": "v=0\r\n"})

    assert server.get(USAGE).json()["data"] == []


def test_a_session_without_a_call_used_nothing_but_time(server):
    server.post("/v1/sessions")
    server.now += 60
    (row,) = server.get(USAGE).json()["data"]

    assert row["duration_seconds"] == 60.0
    assert row["audio_input_seconds"] == row["video_seconds"] == 0.0
    assert row["input_tokens"] is None


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"start": "2026-01-01T00:00:20Z"}, [1, 2]),
        ({"end": "2026-01-01T00:00:20Z"}, [0]),
        ({"start": "2026-01-01T00:00:10", "end": "2026-01-01T00:00:30"}, [0, 1]),
        ({"start": "2026-01-01T01:00:20+01:00"}, [1, 2]),
        ({"start": "2026-01-01", "end": "2026-01-02"}, [0, 1, 2]),
        ({"start": "2026-01-02"}, []),
    ],
)
def test_rows_are_those_that_ended_in_the_period(server, params, expected):
    made = [called(server, 10), called(server, 10)]
    server.storage.write()
    made.append(called(server, 10))
    rows = server.get(USAGE, params=params).json()["data"]

    assert [made.index(row["session_id"]) for row in rows] == expected


def test_a_key_sees_its_own_usage_and_an_admin_everybodys(server):
    shop, app = server.give("shop", "calls"), server.give("app", "calls")
    mine, theirs = called(server, 1, key=shop), called(server, 2, key=app)

    def seen(**more) -> list[str]:
        return [row["session_id"] for row in server.get(USAGE, **more).json()["data"]]

    assert seen(key=shop) == [mine]
    assert seen() == [mine, theirs]
    assert seen(params={"key_id": "key_app"}) == [theirs]
    assert server.get(USAGE, key=shop, params={"key_id": "key_app"}).status_code == 403


@pytest.mark.parametrize(
    "more", [{"headers": {"Accept": "text/csv"}}, {"params": {"format": "csv"}}]
)
def test_usage_comes_as_csv_too(server, more):
    session_id = called(server, 12.5)
    response = server.get(USAGE, **more)

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(response.text))
    assert row["session_id"] == session_id
    assert row["duration_seconds"] == "12.5"
    assert row["audio_input_seconds"] == "2.0"
    assert row["output_tokens"] == "7"
    assert list(row)[:4] == ["session_id", "key_id", "user_id", "status"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"start": "yesterday"}, "start"),
        ({"end": "2026-13-01"}, "end"),
        ({"format": "xml"}, "format"),
    ],
)
def test_a_wrong_query_is_refused_by_name(server, params, param):
    response = server.get(USAGE, params=params)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
