"""Whatever is posted, the answer is JSON below 500 and the server goes on taking calls."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CALLS = "/v1/realtime/calls"
TYPES = (
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=nonsense",
    "application/sdp",
    "application/json",
    "text/plain; charset=utf-16",
    "",
    "/;;=",
)
PIECES = (
    b"--x\r\n", b"--x--\r\n", b"--x--", b"\r\n", b"\r\n\r\n", b"--", b"sdp=v=0", b"&session={}",
    b'Content-Disposition: form-data; name="sdp"\r\n',
    b'Content-Disposition: form-data; name="session"; filename="blob"\r\n',
    b"Content-Disposition: form-data; name*=utf-8''%ff\r\n",
    b"Content-Type: application/sdp; charset=x\r\n", b"v=0\r\n", b"{", b'{"a":', b"\x00", b"%",
    b"%zz", b"\xff\xfe",
)  # fmt: skip
BODIES = st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@pytest.fixture(scope="module")
def lasting(make_server):
    """One server for all examples: making one takes longer than asking it."""
    return make_server()


@settings(max_examples=300)
@given(body=BODIES, kind=st.sampled_from(TYPES), path=st.sampled_from([CALLS, "/secrets"]))
def test_any_body_of_any_type_gets_a_readable_answer(lasting, body, kind, path):
    server = lasting
    server.supervisor.running.clear()
    path = "/v1/realtime/client_secrets" if path == "/secrets" else path

    async def exchange():
        async with server.client() as client:
            headers = {"Authorization": f"Bearer {server.key}", "Content-Type": kind}
            return await client.post(path, content=body, headers=headers)

    response = asyncio.run(exchange())
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        answer = response.json()
        assert answer["error"]["message"] == answer["detail"]
        assert answer["detail"]
        assert server.supervisor.running == {}


@settings(max_examples=150)
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=40),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
)
def test_any_path_gets_an_answer(lasting, path, method):
    server = lasting

    async def exchange():
        async with server.client() as client:
            return await client.request(method, "http://server/" + quote(path))

    response = asyncio.run(exchange())
    assert response.status_code < 500, response.text
