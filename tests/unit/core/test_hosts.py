import pytest

from rtav.core.hosts import PUBLIC, Hosts
from rtav.errors import ProtocolError


def refused(hosts: Hosts, url: str) -> str:
    with pytest.raises(ProtocolError) as caught:
        hosts.check(url, param="session.tools[0].server_url")
    assert (caught.value.code, caught.value.param) == (
        "invalid_value",
        "session.tools[0].server_url",
    )
    return caught.value.message


def test_public_hosts_are_asked_by_https_and_not_trusted() -> None:
    for url in ("https://tools.example/mcp", "https://8.8.8.8:444/x", "https://[2606:4700::1]/"):
        assert PUBLIC.check(url, param="x") is False
    assert "https://" in refused(PUBLIC, "http://tools.example/mcp")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "tools.localhost",
        "localhost.",
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[fd00::1]",
        "[fe80::1]",
    ],
)
def test_what_is_private_is_refused_and_the_remedy_named(host: str) -> None:
    assert "mcp.allowed_hosts" in refused(PUBLIC, f"https://{host}/mcp")


@pytest.mark.parametrize(
    "url",
    [
        "tools.example",
        "ftp://tools.example/",
        "https:///mcp",
        "https://tools.example:port/",
        "https://[::1/",
        "https://tools.example/a\nb",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    refused(PUBLIC, url)


def test_a_key_in_the_url_is_refused() -> None:
    assert "authorization" in refused(PUBLIC, "https://me:secret@tools.example/mcp")
    assert "secret" not in refused(PUBLIC, "https://me:secret@tools.example/mcp")


def test_a_host_that_the_operator_names_is_trusted_with_its_port_or_any() -> None:
    hosts = Hosts(("127.0.0.1:9000", "Tools.lan", "*.corp"))
    for url in ("http://127.0.0.1:9000/mcp", "http://tools.lan/", "http://a.corp:1/"):
        assert hosts.check(url, param="x") is True
    refused(hosts, "http://127.0.0.1:9001/mcp")
    refused(hosts, "https://tools.example/mcp")


def test_without_any_host_none_is_asked() -> None:
    refused(Hosts(()), "https://tools.example/mcp")
