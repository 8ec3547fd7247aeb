"""The seed's *Complete Example*, taken from its document."""

from pathlib import Path

DOCUMENT = Path(__file__).with_name("seed-realtime-webrtc.txt")


def complete_example(*, host: str, key: str) -> str:
    """The code as it stands in the document, with only host and key replaced."""
    text = DOCUMENT.read_text()
    code = text.partition("\nComplete Example\n")[2].partition("Advantages of WebRTC\n")[0]
    assert code.count("https://api.rtav.io") == 2
    assert code.count("rtav_ak_your_api_key") == 1
    return code.replace("https://api.rtav.io", host).replace("rtav_ak_your_api_key", key)


def with_video(code: str, codec: str) -> str:
    """The same with a video to receive, of one codec only."""
    mark = "// 4. Create data channel"
    assert code.count(mark) == 1
    offer = (
        "const video = pc.addTransceiver('video', {direction: 'recvonly'});\n"
        "video.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs.filter(\n"
        f"  codec => ['video/{codec}', 'video/rtx'].includes(codec.mimeType)));\n"
        "pc.addEventListener('track', event => {\n"
        "  document.getElementById('remoteVideo').srcObject = event.streams[0];\n"
        "});\n"
    )
    return code.replace(mark, offer + mark)
