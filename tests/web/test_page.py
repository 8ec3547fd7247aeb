"""The demo page in a browser, against a server faked inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

Open = Callable[..., Any]

REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s'); };"
IDS = {"response_id": "r1", "item_id": "a1", "output_index": 0, "content_index": 0}
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def answer(*words: str) -> list[dict[str, Any]]:
    deltas = [
        {"type": "response.output_audio_transcript.delta", "delta": word, **IDS} for word in words
    ]
    return [
        {"type": "response.created", "response": {"id": "r1"}},
        {"type": "output_audio_buffer.started", "response_id": "r1"},
        *deltas,
    ]


INTERRUPTION = [
    {"type": "input_audio_buffer.speech_started", "audio_start_ms": 1, "item_id": "u2"},
    {"type": "response.done", "response": {"id": "r1", "status": "cancelled", "output": []}},
    {"type": "output_audio_buffer.cleared", "response_id": "r1"},
    {
        "type": "conversation.item.truncated",
        "item_id": "a1",
        "content_index": 0,
        "audio_end_ms": 500,
    },
]


def test_the_face_is_alive_before_anything_is_pressed(visit: Open) -> None:
    page = visit()
    page.connected()
    page.until("document.querySelector('#frame').dataset.live === 'true'")
    page.until("document.querySelector('#face').videoWidth === 512")
    offer = page.page.evaluate("fake.offers[0]")
    assert offer["authorization"] == "Bearer rtav_sk_1"
    assert offer["session"] == {
        "type": "realtime",
        "voice": "default",
        "face": "default",
        "driving": "default",
    }
    assert offer["sdp"].count("a=sendrecv") == 1
    assert offer["sdp"].count("a=recvonly") == 1
    assert page.text("#status") == "Press Talk, or type"
    assert page.page.url.endswith("/")
    assert page.errors == []


def test_talk_puts_the_microphone_into_the_running_call(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.click("#talk")
    page.shows("#talk", "Mute")
    page.until(
        "fake.peer.getReceivers().find(r => r.track.kind === 'audio').getStats()"
        ".then(s => [...s.values()].some(e => e.type === 'inbound-rtp' && e.packetsReceived > 5))"
    )
    assert page.page.evaluate("fake.offers.length") == 1
    page.page.click("#talk")
    page.shows("#status", "Microphone muted")
    assert page.text("#talk") == "Unmute"
    assert page.errors == []


def test_words_appear_as_they_are_heard_and_said(visit: Open) -> None:
    page = visit()
    page.connected()
    page.server_says(
        {"type": "input_audio_buffer.speech_started", "audio_start_ms": 1, "item_id": "u1"},
        {"type": f"{TRANSCRIPTION}.delta", "item_id": "u1", "content_index": 0, "delta": "How are"},
    )
    page.shows("#messages", "How are")
    page.shows("#status", "Hearing you…")
    page.server_says(
        {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 9, "item_id": "u1"},
        {
            "type": f"{TRANSCRIPTION}.completed",
            "item_id": "u1",
            "content_index": 0,
            "transcript": "How are you?",
        },
        *answer("Fine, ", "thanks."),
    )
    page.shows("#messages", "How are you?")
    page.shows("#messages", "Fine, thanks.")
    page.shows("#caption", "Fine, thanks.")
    page.shows("#status", "Speaking")
    page.server_says(*INTERRUPTION)
    page.shows("#messages", "interrupted")
    page.until("fake.sent('conversation.item.retrieve').length === 1")
    page.shows("#status", "Hearing you…")


def test_what_anyone_says_is_text_and_never_markup(visit: Open) -> None:
    page = visit()
    page.connected()
    page.server_says(*answer("<img src=x onerror='window.bad=1'>"))
    page.shows("#messages", "<img src=x")
    assert page.page.evaluate("document.querySelectorAll('#messages img').length") == 0


def test_everything_can_be_done_with_the_keyboard_alone(visit: Open) -> None:
    page = visit()
    page.connected()
    keys = page.page.keyboard
    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    keys.type("Good morning")
    keys.press("Enter")
    page.until("fake.sent('conversation.item.create').length === 1")
    item = page.client_said("conversation.item.create")[0]["item"]
    assert item["content"] == [{"type": "input_text", "text": "Good morning"}]
    page.shows("#messages", "Good morning")
    assert page.page.input_value("#say") == ""

    page.server_says(*answer("Good morning!"))
    page.shows("#status", "Speaking")
    keys.press("Escape")
    page.until("fake.sent('output_audio_buffer.clear').length === 1")
    assert len(page.client_said("response.cancel")) == 1

    reached = []
    page.page.evaluate("document.activeElement.blur(); document.body.focus()")
    for _ in range(40):
        keys.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.id"))
    assert {"captions", "stop", "talk", "hang-up", "start-over", "messages", "say"} <= set(reached)
    assert {"voices", "motion-loop", "motion-build"} <= set(reached)

    page.page.focus("#hang-up")
    keys.press("Enter")
    page.until("fake.hangUps === 1")
    page.shows("#status", "Not connected")
    assert page.page.evaluate("fake.pathAtHangUp") == "connected"


def test_space_talks_unless_something_has_the_focus(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.focus("#say")
    page.page.keyboard.press("Space")
    assert page.text("#talk") == "Talk"
    page.page.evaluate("document.activeElement.blur()")
    page.page.keyboard.press("Space")
    page.shows("#talk", "Mute")


def test_every_control_has_a_name_and_status_is_announced(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    nameless = page.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')].filter(e =>
            e.id !== 'notice-remedy'  // named when it is shown
            && !e.getAttribute('aria-label') && !e.innerText.trim() && !e.labels?.length
        ).map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert page.page.get_attribute("#status-words", "role") == "status"
    assert page.page.get_attribute("#notice", "role") == "alert"
    page.server_says(
        *answer("Hello."), {"type": "output_audio_buffer.stopped", "response_id": "r1"}
    )
    page.until("document.querySelector('#announcer').textContent === 'Avatar: Hello.'")


def test_choices_act_in_the_running_call(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.get_by_role("radio", name="Leo").check(force=True)
    page.page.select_option("#voices", "alice")
    page.page.get_by_role("button", name="Wink").click()
    page.page.check("#motion-loop")
    page.page.get_by_role("button", name="Smile Teeth").click()
    page.page.uncheck("#motion-loop")
    page.page.check("#motion-build")
    page.page.get_by_role("button", name="Wink").click()
    page.page.get_by_role("button", name="Smile Teeth").click()
    page.page.click("#sequence-play")
    page.page.click("#instructions-panel > summary")
    page.page.fill("#instructions", "Be brief.")
    page.page.get_by_role("button", name="Apply").click()
    page.until("fake.sent('session.update').length === 6")
    assert [event["session"] for event in page.client_said("session.update")] == [
        {"face": "face2"},
        {"voice": "alice"},
        {"driving": ["Wink", "default"]},
        {"driving": "SmileTeeth"},
        {"driving": ["Wink", "SmileTeeth", "default"]},
        {"instructions": "Be brief."},
    ]


def test_a_face_brings_its_voice_until_one_is_picked(visit: Open) -> None:
    page = visit(
        before="fake.faces.forEach((face, i) => { face.voice = ['alice', 'anthony'][i]; });"
    )
    page.connected()
    page.page.get_by_role("radio", name="Leo").check(force=True)
    page.page.select_option("#voices", "default")
    page.page.get_by_role("radio", name="Mia").check(force=True)
    page.until("fake.sent('session.update').length === 3")
    assert [event["session"] for event in page.client_said("session.update")] == [
        {"face": "face2", "voice": "anthony"},
        {"voice": "default"},
        {"face": "face1"},
    ]


def test_a_choice_that_the_server_refuses_is_taken_back(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.get_by_role("radio", name="Leo").check(force=True)
    error = {
        "type": "invalid_request_error",
        "message": "No face named face2",
        "param": "session.face",
    }
    page.server_says({"type": "error", "error": error})
    page.shows("#notice", "No face named face2")
    assert page.page.get_by_role("radio", name="Mia").is_checked()


def test_reconnecting_keeps_the_conversation(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.click("#talk")
    page.shows("#talk", "Mute")
    page.page.fill("#say", "Hello")
    page.page.keyboard.press("Enter")
    page.shows("#messages", "Hello")
    page.server_says(*answer("Hi you"))
    page.shows("#messages", "Hi you")
    page.page.evaluate("fake.hangUpFromServer()")
    page.shows("#notice", "Reconnect goes on with the same conversation")
    assert page.text("#talk") == "Talk"
    page.page.evaluate("fake.received.length = 0")

    page.page.get_by_role("button", name="Reconnect").click()
    page.connected(times=2)
    page.until("fake.received.length >= 4")
    sent = page.page.evaluate("fake.received")
    assert sent[0] == {"type": "session.update", "session": {"auto_response": False}}
    assert [event["item"]["content"] for event in sent[1:3]] == [
        [{"type": "input_text", "text": "Hello"}],
        [{"type": "output_text", "text": "Hi you"}],
    ]
    assert sent[3] == {"type": "session.update", "session": {"auto_response": True}}
    page.shows("#talk", "Mute")
    assert page.page.locator("#messages li").count() == 2


def test_the_wait_for_an_answer_is_measured(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.fill("#say", "Hello")
    page.page.keyboard.press("Enter")
    page.until("fake.sent('conversation.item.create').length === 1")
    page.page.evaluate("fake.voice.gain.value = 0.5")
    page.page.click("#figures-panel > summary")
    page.shows("#waits", "median of 1 typed")
    page.shows("#figures", "fps")


def test_events_are_filtered_and_copied(visit: Open) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.connected()
    page.page.click("#events-panel > summary")
    page.server_says(*answer("Hello."))
    page.shows("#events", "response.output_audio_transcript.delta")
    page.page.fill("#events-text", "transcript hello")
    page.until("document.querySelectorAll('#events li').length === 1")
    page.page.click("#events-copy")
    page.shows("#events-state", "1 copied")
    copied = page.page.evaluate("navigator.clipboard.readText()")
    assert '"direction":"in"' in copied
    assert '"delta":"Hello."' in copied


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "The microphone is blocked"),
        ("NotFoundError", "No microphone found"),
        ("NotReadableError", "The microphone does not answer"),
    ],
)
def test_a_missing_microphone_is_explained_and_typing_goes_on(
    visit: Open, name: str, words: str
) -> None:
    page = visit(before=REFUSED % name)
    page.connected()
    page.page.click("#talk")
    page.shows("#notice", words)
    page.page.fill("#say", "Hello")
    page.page.keyboard.press("Enter")
    page.until("fake.sent('conversation.item.create').length === 1")


def test_an_insecure_page_says_where_the_microphone_works(visit: Open) -> None:
    page = visit(
        before="Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined });"
    )
    page.connected()
    page.page.click("#talk")
    page.shows("#notice", "the https address")


@pytest.mark.parametrize(
    ("refusals", "words"),
    [
        ("{calls: {status: 503, message: 'Full', headers: {'Retry-After': '5'}}}", "Every place"),
        ("{client_secrets: 'unreachable'}", "The server does not answer"),
        ("{calls: {status: 400, message: 'Bad offer'}}", "Bad offer"),
    ],
)
def test_a_refused_call_is_explained_and_can_be_tried_again(
    visit: Open, refusals: str, words: str
) -> None:
    page = visit(before=f"fake.refusals = {refusals};")
    page.shows("#notice", words)
    page.page.evaluate("fake.refusals = {}")
    page.page.click("#notice-remedy")
    page.connected()
    assert not page.page.is_visible("#notice")


def test_a_page_without_a_key_asks_for_one_and_again_for_a_wrong_one(visit: Open) -> None:
    page = visit(fragment="")
    page.shows("#key-dialog", "This server asks for a key")
    page.page.keyboard.type("wrong")
    page.page.keyboard.press("Enter")
    page.shows("#key-dialog", "The key is not accepted")
    page.page.keyboard.type("rtav_ak_test")
    page.page.keyboard.press("Enter")
    page.connected()
    page.page.reload()
    page.connected()


def test_media_that_cannot_get_through_is_explained(visit: Open) -> None:
    page = visit(
        before="""
        const timeout = window.setTimeout;
        window.setTimeout = (act, ms) => timeout(act, ms === 10000 ? 200 : ms);
        const set = RTCPeerConnection.prototype.setRemoteDescription;
        RTCPeerConnection.prototype.setRemoteDescription = function (description) {
          const sdp = description.sdp.replace(/a=candidate.*\\r\\n/g, '');
          return set.call(this, { ...description, type: description.type, sdp });
        };"""
    )
    page.shows("#notice", "UDP port must be open in every firewall")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_never_wider_than_its_window(visit: Open, width: int) -> None:
    page = visit(viewport={"width": width, "height": 740})
    page.connected()
    page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.server_says(*answer("A-word-without-a-blank" * 20))
    page.shows("#messages", "A-word")
    assert page.page.evaluate("document.documentElement.scrollWidth") == width


def test_leaving_the_page_ends_the_call(visit: Open) -> None:
    page = visit()
    page.connected()
    page.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.until("fake.hangUps === 1")


def test_a_voice_that_the_browser_keeps_silent_asks_for_a_press(visit: Open) -> None:
    page = visit(
        before="""
        window.pressed = false;
        HTMLAudioElement.prototype.play = async () => {
          if (!window.pressed) throw new DOMException('', 'NotAllowedError');
        };
        Object.defineProperty(HTMLAudioElement.prototype, 'paused', { get: () => !window.pressed });
        """
    )
    page.connected()
    assert not page.page.is_visible("#sound")
    page.server_says(*answer("Hello."))
    page.until("!document.querySelector('#sound').hidden")
    page.page.evaluate("window.pressed = true")
    page.page.click("#sound")
    page.until("document.querySelector('#sound').hidden")
    assert page.errors == []


def test_an_answer_that_fails_says_why(visit: Open) -> None:
    page = visit()
    page.connected()
    details = {"type": "failed", "error": {"type": "server_error", "message": "No model answers"}}
    page.server_says(
        {"type": "response.created", "response": {"id": "r1"}},
        {
            "type": "response.done",
            "response": {"id": "r1", "status": "failed", "status_details": details, "output": []},
        },
    )
    page.shows("#notice", "No model answers")


def test_errors_that_ask_nothing_of_the_person_are_only_logged(visit: Open) -> None:
    page = visit()
    page.connected()
    error = {"code": "response_cancel_not_active", "message": "No active response"}
    page.server_says({"type": "error", "error": error}, *answer("Still here."))
    page.shows("#messages", "Still here.")
    assert not page.page.is_visible("#notice")
    assert page.text("#events-count") == "5"
