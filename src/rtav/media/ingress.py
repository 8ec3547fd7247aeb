"""The microphone: packets as the network brings them to samples without a gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtav.media.opus import RTP_RATE_HZ, OpusDecoder
from rtav.media.pcm import MIC_RATE_HZ, Pcm

REORDER_S = 0.04  # how long a packet waits for one that was sent before it
# Without any packet for this long, silence begins to stand in: a detector must see the silence of a
# caller whose browser stops sending in pauses, yet a network that pauses must not cut words.
DRY_S = 0.2
FILL_SAMPLES = MIC_RATE_HZ // 50  # silence comes in steps of 20 ms
MAX_FILL_SAMPLES = MIC_RATE_HZ  # at one pull, should nobody have pulled for long
# How much more than the time that has really passed a jump of the sender's clock may claim.
CLOCK_SLACK_S = 1.0
# A stream may run ahead of the clock by what a network can have held back, and faster by more than
# any sound card is wrong; beyond that it would take from other callers.
MAX_CREDIT_S = 5.0
MAX_SPEED = 1.02
MAX_DROPOUT = 3_000  # RFC 3550 appendix A.1: a larger step in the sequence is another stream
MAX_WAITING = 64  # packets, 1.3 s: more only when the loop has stalled

_STEP = RTP_RATE_HZ // MIC_RATE_HZ


@dataclass(slots=True)
class MicrophoneCounts:
    received: int = 0
    lost: int = 0
    """Given up; one of these that comes after all counts as late too."""
    late: int = 0
    duplicates: int = 0
    broken: int = 0
    flooding: int = 0
    """Packets of a stream that runs faster than time."""
    restarts: int = 0
    """Jumps of the sender's clock or sequence."""
    concealed_samples: int = 0


@dataclass(frozen=True, slots=True)
class _Packet:
    rtp_time: int
    payload: bytes
    arrived: float


class Microphone:
    """The jitter buffer and decoder of one call. Pure: `now` is seconds on any monotonic clock.

    Every sample of the stream comes out exactly once, in order, at MIC_RATE_HZ, whatever the
    network does. What is in order comes out at the next `pull`; behind a gap a packet waits
    REORDER_S at most.
    """

    def __init__(self) -> None:
        self._decoder = OpusDecoder()
        self._waiting: dict[int, _Packet] = {}
        self._next: int | None = None  # the sequence number to play next, not wrapped
        self._restart: int | None = None  # the number that would prove that a new stream began
        self._rtp_time = 0  # of the next sample, wrapped
        self._has_begun = False  # something was decoded: what is missing from now on is a gap
        self._played_until = 0.0  # when the last packet that was played had come
        self._filled = 0  # samples of silence that stand in since then
        self._credit = MAX_CREDIT_S * MIC_RATE_HZ  # samples that may be played, as of then:
        self._credited_until: float | None = None
        self.position = 0
        """Samples that have come out."""
        self.counts = MicrophoneCounts()

    @property
    def deadline(self) -> float | None:
        """When `pull` has something even if no further packet comes; None before the first."""
        if self._next is None:
            return None
        if self._waiting:
            if self._next in self._waiting:
                return min(packet.arrived for packet in self._waiting.values())
            return min(packet.arrived for packet in self._waiting.values()) + REORDER_S
        return self._played_until + DRY_S + (self._filled + FILL_SAMPLES) / MIC_RATE_HZ

    def push(self, sequence: int, rtp_time: int, payload: bytes, now: float) -> None:
        """Take one packet: 16 bits of sequence number, 32 bits of time at 48 kHz, as received.

        Never raises, whatever the packet holds.
        """
        self.counts.received += 1
        if not self._has_credit(now):
            self.counts.flooding += 1
            return
        if self._next is None:
            self._next, self._rtp_time = sequence, rtp_time
        number = self._next + _signed(sequence - self._next, bits=16)
        if abs(number - self._next) > MAX_DROPOUT:
            if sequence != self._restart:
                self._restart = (sequence + 1) & 0xFFFF
                self.counts.late += 1
                return
            self._begin(number, rtp_time)
        self._restart = None
        if number in self._waiting:
            self.counts.duplicates += 1
        elif number < self._next:
            self.counts.late += 1
        else:
            self._waiting[number] = _Packet(rtp_time, payload, now)

    def pull(self, now: float) -> Pcm:
        """Everything that is due, possibly nothing. Call it about every 20 ms."""
        pieces: list[Pcm] = []
        while self._waiting:
            number = min(self._waiting)
            if number != self._next and not self._is_overdue(now):
                break
            pieces.extend(self._play(number))
        if not self._waiting and self._next is not None:
            pieces.extend(self._stand_in(now))
        pcm = _NOTHING if not pieces else pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        self.position += pcm.size
        return pcm

    def _has_credit(self, now: float) -> bool:
        passed_s = now - (now if self._credited_until is None else self._credited_until)
        earned = passed_s * MAX_SPEED * MIC_RATE_HZ
        self._credit = min(self._credit + earned, MAX_CREDIT_S * MIC_RATE_HZ)
        self._credited_until = now
        return self._credit > 0

    def _begin(self, number: int, rtp_time: int) -> None:
        self.counts.restarts += 1
        self._waiting.clear()
        self._next, self._rtp_time = number, rtp_time

    def _is_overdue(self, now: float) -> bool:
        oldest = min(packet.arrived for packet in self._waiting.values())
        return len(self._waiting) > MAX_WAITING or now - oldest >= REORDER_S

    def _play(self, number: int) -> list[Pcm]:
        assert self._next is not None
        packet = self._waiting.pop(number)
        lost = number - self._next
        self.counts.lost += lost
        pieces = self._bridge(packet, is_loss=lost > 0)
        self._next = number + 1
        self._played_until, self._filled = max(self._played_until, packet.arrived), 0
        self._rtp_time = packet.rtp_time
        try:
            pcm = self._decoder.decode(packet.payload)
        except ValueError:  # its samples are bridged before the next packet
            self.counts.broken += 1
        else:
            self._has_begun = True
            self._advance(pcm.size)
            pieces.append(pcm)
        self._credit -= sum(piece.size for piece in pieces)
        return pieces

    def _bridge(self, packet: _Packet, *, is_loss: bool) -> list[Pcm]:
        """The samples between what has come out and `packet`.

        None if the packet claims to lie before that: the stand-in ran ahead of a network that
        paused, and what was said must not be lost.
        """
        gap = _signed(packet.rtp_time - self._rtp_time, bits=32) // _STEP
        passed_s = packet.arrived - self._played_until - self._filled / MIC_RATE_HZ
        if gap <= 0 or not self._has_begun:
            return []
        if gap > min((passed_s + CLOCK_SLACK_S) * MIC_RATE_HZ, self._credit):
            self.counts.restarts += 1
            return []
        if is_loss:
            self.counts.concealed_samples += gap
            return [self._decoder.conceal(gap)]
        return [np.zeros(gap, np.int16)]

    def _stand_in(self, now: float) -> list[Pcm]:
        """Silence while nothing comes, DRY_S behind the clock."""
        due = int((now - self._played_until - DRY_S) * MIC_RATE_HZ) - self._filled
        if due < FILL_SAMPLES:
            return []
        due = min(due - due % FILL_SAMPLES, MAX_FILL_SAMPLES)
        self._filled += due
        self._advance(due)
        self.counts.concealed_samples += due
        return [self._decoder.conceal(due)]

    def _advance(self, samples: int) -> None:
        self._rtp_time = (self._rtp_time + samples * _STEP) & 0xFFFFFFFF


_NOTHING: Pcm = np.zeros(0, np.int16)


def _signed(difference: int, *, bits: int) -> int:
    """The shorter way around a counter of `bits` bits."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
