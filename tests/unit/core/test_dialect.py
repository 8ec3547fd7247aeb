import pytest

from rtav.core.dialect import Dialect, Signs, decide

NESTED = {"audio": {"output": {"voice": "alloy"}}}
FLAT = {"voice": "alice"}


@pytest.mark.parametrize(
    ("signs", "dialect"),
    [
        # 1: named by the client
        (Signs(named="rtav", beta=True, label="oai-events"), Dialect.RTAV),
        (Signs(named="beta"), Dialect.BETA),
        (Signs(sessions=({"dialect": "openai"},), label="realtime"), Dialect.OPENAI),
        (Signs(sessions=({}, {"dialect": "rtav"}), beta=True), Dialect.RTAV),
        (Signs(named="klingon"), None),
        (Signs(sessions=({"dialect": {}},)), None),
        # 2: the beta
        (Signs(beta=True, agents_header=True), Dialect.BETA),
        (Signs(subprotocol="openai-beta.realtime-v1"), Dialect.BETA),
        # 3: OpenAI
        (Signs(agents_header=True, label="realtime"), Dialect.OPENAI),
        (Signs(subprotocol="openai-insecure-api-key.k"), Dialect.OPENAI),
        (Signs(label="oai-events", key="rtav_sk"), Dialect.OPENAI),
        (Signs(sessions=(NESTED,), label="realtime"), Dialect.OPENAI),
        (Signs(sessions=({"output_modalities": ["audio"]},)), Dialect.OPENAI),
        # 4: rtAV
        (Signs(label="realtime"), Dialect.RTAV),
        (Signs(auth_message=True), Dialect.RTAV),
        (Signs(key="rtav_sk"), Dialect.RTAV),
        (Signs(rest_session=True), Dialect.RTAV),
        (Signs(query=frozenset({"model", "voice"})), Dialect.RTAV),
        (Signs(query=frozenset({"voice_id"})), Dialect.RTAV),
        (Signs(query=frozenset({"face_id"})), Dialect.RTAV),
        (Signs(query=frozenset({"video"})), Dialect.RTAV),
        (Signs(sessions=(FLAT,)), Dialect.RTAV),
        (Signs(sessions=({"modalities": ["audio", "text"]},)), Dialect.RTAV),
        (Signs(first_update={"instructions": "Be brief."}), Dialect.RTAV),
        (Signs(first_update={"type": "realtime"} | FLAT), Dialect.RTAV),
        (Signs(first_update={"type": "realtime"} | NESTED), Dialect.OPENAI),
        # 5: nothing decides
        (Signs(), None),
        (Signs(label="chat", subprotocol="realtime", key="ek"), None),
        (Signs(query=frozenset({"model"})), None),
        (Signs(first_update={"type": "realtime", "instructions": "Hi."}), None),
        (Signs(sessions=({"audio": None},)), None),
    ],
)
def test_the_first_line_that_matches_decides(signs: Signs, dialect: Dialect | None) -> None:
    assert decide(signs) is dialect


@pytest.mark.parametrize(
    "field",
    [
        {"face": "face1"},
        {"driving": "Wink"},
        {"target_fps": 25},
        {"upsample_factor": 2},
        {"video_codec": "vp8"},
        {"tts_source": "x"},
        {"include": ["avatar.state"]},
        {"auto_response": True},
    ],
)
def test_what_any_client_may_use_decides_nothing(field: dict[str, object]) -> None:
    assert decide(Signs(sessions=(field,))) is None


def test_what_the_call_shows_outranks_what_its_secret_shows() -> None:
    assert decide(Signs(sessions=({}, NESTED))) is Dialect.OPENAI
    assert decide(Signs(label="realtime", sessions=({}, NESTED))) is Dialect.RTAV
    assert decide(Signs(agents_header=True, sessions=({}, FLAT))) is Dialect.OPENAI
    assert decide(Signs(sessions=(FLAT, NESTED))) is Dialect.RTAV
