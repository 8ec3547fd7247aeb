import pytest

from rtav.server.entry import whereabouts


@pytest.mark.parametrize(
    ("engines", "llm_at", "line"),
    [
        (["silero", "demo"], None, "Nothing leaves this machine."),
        (["openai"], "http://localhost:1234/v1", "Nothing leaves this machine."),
        (["openai"], "http://[::1]:1234/v1", "Nothing leaves this machine."),
        (["anthropic"], "http://localhost:1234", "Nothing leaves this machine."),
        (["anthropic"], None, "What is said may leave this machine through: anthropic."),
        (
            ["openai"],
            "https://a:b@llm.example/v1",
            "What is said goes to llm.example to be answered.",
        ),
        (["openai"], None, "What is said may leave this machine through: openai."),
        (["theirs", "demo"], None, "What is said may leave this machine through: theirs."),
    ],
)
def test_the_operator_is_told_where_words_go(engines, llm_at, line):
    assert whereabouts(engines, llm_at=llm_at) == line
