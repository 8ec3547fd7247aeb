import stat
from datetime import UTC, datetime, timedelta

from cryptography import x509

from rtav.server.certificates import own_names, self_signed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("localhost", "192.168.1.5", "::1", "büro")


def names_in(certificate) -> set[str]:
    cert = x509.load_pem_x509_certificate(certificate.cert.read_bytes())
    stated = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in stated}


def test_a_certificate_names_every_address_and_its_key_is_private(tmp_path):
    made = self_signed(tmp_path / "state", NAMES, now=NOW)

    assert names_in(made) == {"localhost", "192.168.1.5", "::1", "xn--bro-hoa"}
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_browsers_accept_its_length_of_life(tmp_path):
    made = self_signed(tmp_path, NAMES, now=NOW)
    cert = x509.load_pem_x509_certificate(made.cert.read_bytes())

    assert cert.not_valid_before_utc < NOW
    assert cert.not_valid_after_utc - cert.not_valid_before_utc < timedelta(days=398)


def test_it_is_kept_while_it_is_good(tmp_path):
    first = self_signed(tmp_path, NAMES, now=NOW).cert.read_bytes()
    later = self_signed(tmp_path, NAMES[:2], now=NOW + timedelta(days=300)).cert.read_bytes()

    assert later == first


def test_it_is_made_anew_before_it_ends_and_for_a_new_address(tmp_path):
    first = self_signed(tmp_path, NAMES, now=NOW).cert.read_bytes()
    late = self_signed(tmp_path, NAMES, now=NOW + timedelta(days=370)).cert.read_bytes()
    moved = self_signed(tmp_path, (*NAMES, "10.0.0.9"), now=NOW + timedelta(days=370))

    assert late != first
    assert moved.cert.read_bytes() != late
    assert "10.0.0.9" in names_in(moved)


def test_a_broken_file_is_replaced(tmp_path):
    made = self_signed(tmp_path, NAMES, now=NOW)
    made.key.write_text("not a key")

    assert b"PRIVATE KEY" in self_signed(tmp_path, NAMES, now=NOW).key.read_bytes()


def test_this_machine_is_at_least_localhost():
    assert {"localhost", "127.0.0.1", "::1"} <= set(own_names())
