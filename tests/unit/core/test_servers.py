from typing import Any

import pytest

from rtav.core.hosts import PUBLIC
from rtav.core.servers import RemoteTool, Server, read
from rtav.errors import ProtocolError
from rtav.protocol.session import parse_session


def servers(*entries: dict[str, Any], known: tuple[Server, ...] = ()) -> tuple[Server, ...]:
    tools = parse_session({"tools": list(entries)}, strict=True).tools
    assert tools is not None
    return read(tools, known=known, hosts=PUBLIC, prefix="session")[1]


def mcp(**fields: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "a", "server_url": "https://a.example/mcp", **fields}


def refused(*entries: dict[str, Any], known: tuple[Server, ...] = ()) -> tuple[str | None, str]:
    with pytest.raises(ProtocolError) as caught:
        servers(*entries, known=known)
    assert "hush" not in caught.value.message
    return caught.value.code, caught.value.param or ""


def test_functions_and_servers_are_told_apart() -> None:
    tools = parse_session({"tools": [{"name": "f"}, mcp()]}, strict=True).tools
    assert tools is not None
    functions, found = read(tools, known=(), hosts=PUBLIC, prefix="session")
    assert functions == ({"type": "function", "name": "f"},)
    assert [server.url for server in found] == ["https://a.example/mcp"]


def test_keys_become_headers_and_are_never_shown() -> None:
    (server,) = servers(
        mcp(
            server_url="https://a.example/mcp?key=hush#part",
            authorization="hush",
            headers={"X-Team": "hush"},
        )
    )
    assert dict(server.headers) == {"authorization": "Bearer hush", "x-team": "hush"}
    assert server.shown == {
        "type": "mcp",
        "server_label": "a",
        "server_url": "https://a.example/mcp",
    }
    assert "hush" not in repr(server)
    assert server.host == "a.example"


def test_a_patch_with_keys_does_not_print_them() -> None:
    patch = parse_session(
        {"tools": [mcp(authorization="hush", headers={"k": "hush"})]}, strict=True
    )
    assert "hush" not in repr(patch)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"headers": {"Host": "b"}}, "headers.Host"),
        ({"headers": {"content-length": "1"}}, "headers.content-length"),
        ({"headers": {"a b": "1"}}, "headers.a b"),
        ({"headers": {"a": "hush\r\nb: c"}}, "headers.a"),
        ({"headers": {"a": "hushé"}}, "headers.a"),
        ({"authorization": "hush\n"}, "authorization"),
        ({"authorization": "hush", "headers": {"Authorization": "hush"}}, "authorization"),
        ({"connector_id": "connector_gmail"}, "connector_id"),
        ({"tunnel_id": "t"}, "tunnel_id"),
        ({"server_url": "https://127.0.0.1/"}, "server_url"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(fields: dict[str, Any], param: str) -> None:
    assert refused(mcp(**fields)) == ("invalid_value", f"session.tools[0].{param}")


def test_a_server_needs_a_url() -> None:
    missing = {"type": "mcp", "server_label": "a"}
    assert refused(missing) == ("missing_required_parameter", "session.tools[0].server_url")


def test_each_label_is_named_once_and_there_are_at_most_sixteen() -> None:
    assert refused(mcp(), mcp()) == ("invalid_value", "session.tools[1].server_label")
    many = [mcp(server_label=f"s{number}") for number in range(17)]
    assert refused(*many) == ("invalid_value", "session.tools[16]")


def test_a_label_means_the_known_server_with_its_keys() -> None:
    known = servers(mcp(authorization="hush", allowed_tools=["x"], require_approval="never"))
    assert servers({"type": "mcp", "server_label": "a"}, known=known) == known
    assert servers(known[0].shown, known=known) == known


def test_who_asks_for_more_than_is_known_does_not_get_the_keys() -> None:
    known = servers(mcp(authorization="hush", allowed_tools=["x"]))
    (more,) = servers(mcp(allowed_tools=["x", "y"]), known=known)
    assert more.headers == ()
    (elsewhere,) = servers(mcp(server_url="https://b.example/"), known=known)
    assert elsewhere.headers == ()
    wider = {"type": "mcp", "server_label": "a", "require_approval": "never"}
    assert refused(wider, known=known)[0] == "missing_required_parameter"


READS = RemoteTool(name="read", annotations={"readOnlyHint": True})
WRITES = RemoteTool(name="write")


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        (None, (True, True)),
        ("always", (True, True)),
        ("never", (False, False)),
        ({}, (True, True)),
        ({"never": {"tool_names": ["read"]}}, (False, True)),
        ({"never": {"read_only": True}}, (False, True)),
        ({"never": {}}, (True, True)),
        ({"always": {"tool_names": ["write"]}}, (False, True)),
        ({"always": {}}, (True, True)),
        ({"always": {"tool_names": ["read"]}, "never": {"tool_names": ["read"]}}, (True, True)),
        ({"never": {"tool_names": ["read", "write"], "read_only": True}}, (False, True)),
    ],
)
def test_calls_need_approval_unless_it_is_said_otherwise(
    given: object, needed: tuple[bool, bool]
) -> None:
    (server,) = servers(mcp() if given is None else mcp(require_approval=given))
    approval = server.approval
    assert (approval.is_needed(READS), approval.is_needed(WRITES)) == needed


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (["read"], (True, False)),
        ([], (False, False)),
        ({"tool_names": ["write"]}, (False, True)),
        ({"read_only": True}, (True, False)),
        ({"read_only": False}, (False, True)),
        ({}, (True, True)),
    ],
)
def test_allowed_tools_filter(given: object, allowed: tuple[bool, bool]) -> None:
    (server,) = servers(mcp(allowed_tools=given))
    assert (server.allowed.has(READS), server.allowed.has(WRITES)) == allowed
