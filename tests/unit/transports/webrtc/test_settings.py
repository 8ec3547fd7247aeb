import pytest

from rtav.errors import ConfigError
from rtav.transports.webrtc.ice import candidates, local_addresses
from rtav.transports.webrtc.settings import IceSettings


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"vanished_after_s": 0.0}, "ice.vanished_after_s"),
        ({"setup_timeout_s": -1.0}, "ice.setup_timeout_s"),
        ({"udp_port": 65_536}, "ice.udp_port"),
        ({"port_range": (40_100, 40_000)}, "ice.port_range"),
        ({"port_range": (40_000, 40_100), "udp_port": 41_000}, "ice.port_range"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(given, named):
    with pytest.raises(ConfigError) as raised:
        IceSettings(**given)
    assert raised.value.setting == named


def test_named_addresses_are_all_there_is():
    assert local_addresses(IceSettings(bind=("192.0.2.1",))) == ["192.0.2.1"]


@pytest.mark.parametrize("bind", [(), ("0.0.0.0",), ("::",)])
def test_otherwise_every_address_serves_and_loopback_comes_last(bind):
    found = local_addresses(IceSettings(bind=bind))
    assert found[-1] == "127.0.0.1"
    assert found.count("127.0.0.1") == 1


def test_candidates_are_ranked_as_they_are_named():
    first, second = candidates(["192.0.2.1", "127.0.0.1"], 41_000)
    assert (first.host, first.port, first.type) == ("192.0.2.1", 41_000, "host")
    assert first.priority == 2_130_706_431
    assert second.priority == 2_130_706_175
