"""Every metric the server publishes, in one place: names, units, buckets.

The runtime and the transports count here; media and engines return numbers and import nothing.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# Edges where the promises stand (0.25 s to silence, 0.5 s and 0.8 s to the first answer), and
# beside them enough to see which way a distribution leans.
_STAGE_BUCKETS_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.5, 5.0)

calls_active = Gauge("rtav_calls_active", "Calls that exist now")
calls_total = Counter("rtav_calls", "Calls that ended, by the reason why", ["reason"])
calls_refused_total = Counter(
    "rtav_calls_refused", "Calls that were not taken, by error code", ["code"]
)
call_seconds = Histogram(
    "rtav_call_seconds",
    "How long calls lasted",
    buckets=(1, 5, 15, 60, 120, 300, 900, 1800, 3600, 7200),
)

answer_seconds = Histogram(
    "rtav_answer_seconds",
    "From the end of the caller's speech to the first audio of the reply",
    buckets=_STAGE_BUCKETS_S,
)
first_frame_seconds = Histogram(
    "rtav_first_frame_seconds",
    "From the offer to the first frame handed to the network",
    buckets=_STAGE_BUCKETS_S,
)
stt_final_seconds = Histogram(
    "rtav_stt_final_seconds",
    "From a pause in the caller's speech, or its end, to the final words",
    buckets=_STAGE_BUCKETS_S,
)
llm_first_delta_seconds = Histogram(
    "rtav_llm_first_delta_seconds",
    "From the request to the language model to its first delta",
    buckets=_STAGE_BUCKETS_S,
)
tts_first_audio_seconds = Histogram(
    "rtav_tts_first_audio_seconds",
    "From the request to the voice to its first audio",
    buckets=_STAGE_BUCKETS_S,
)
barge_in_silence_seconds = Histogram(
    "rtav_barge_in_silence_seconds",
    "From the caller's first sound to the last audio of the reply handed to the network",
    buckets=_STAGE_BUCKETS_S,
)

frames_sent_total = Counter("rtav_frames_sent", "Video frames handed to the network")
frames_dropped_total = Counter(
    "rtav_frames_dropped", "Video frames that were due but not sent", ["reason"]
)
ticks_late_total = Counter("rtav_ticks_late", "Egress ticks that came more than 10 ms late")
media_dropped_total = Counter(
    "rtav_media_dropped", "Packets and pieces of audio that came and were not used", ["queue"]
)

engine_failures_total = Counter(
    "rtav_engine_failures", "Failures of engines", ["kind", "engine", "error"]
)
tool_calls_total = Counter(
    "rtav_tool_calls", "Calls of remote tools, by what came of them", ["outcome"]
)
tool_listings_total = Counter(
    "rtav_tool_listings", "Servers that were asked for their tools, by what came of it", ["outcome"]
)
event_errors_total = Counter(
    "rtav_event_errors", "`error` events sent to clients, by code", ["code"]
)
http_errors_total = Counter(
    "rtav_http_errors", "HTTP answers of 400 and above, by status and code", ["status", "code"]
)

storage_failures_total = Counter(
    "rtav_storage_failures", "Writes that the database did not take and that are tried again"
)
storage_lost_total = Counter("rtav_storage_lost", "Sessions that were never stored")

MEASURES = {"answer_latency": answer_seconds, "barge_in": barge_in_silence_seconds}
"""By the names that sessions give them."""
