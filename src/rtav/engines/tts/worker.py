"""The life of a synthesiser's process: answer requests from stdin until it ends.

Imports little on purpose: it is started while somebody may be waiting.
"""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

from rtav.engines.tts.wire import AUDIO, BROKEN, DONE, HEADER, READY, TIMES, Request, Times


class CannotLoad(Exception):
    """The synthesiser is not there. The message says what to install."""


class Conversation:
    """The process's end of the pipes."""

    def __init__(self, requests: int, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._unread = b""

    def next_request(self) -> Request | None:
        """Wait for a request; None when the owner is gone."""
        while (line := self._next_line()) is not None:
            request = json.loads(line)
            if request:
                return cast(Request, request)
        return None

    def is_given_up(self) -> bool:
        """Does the owner no longer want the request under way, or no longer exist?"""
        if b"\n" not in self._unread and not select.select([self._requests], [], [], 0)[0]:
            return False
        line = self._next_line()
        # An owner sends nothing but the wish to give up until the request is answered.
        return line is None or not json.loads(line)

    def send_times(self, times: Times) -> None:
        self._send(TIMES, json.dumps(times).encode())

    def send_audio(self, pcm: bytes) -> None:
        self._send(AUDIO, pcm)

    def send_ready(self, description: Mapping[str, object]) -> None:
        self._send(READY, json.dumps(description).encode())

    def send_done(self) -> None:
        self._send(DONE, b"")

    def send_broken(self, why: str) -> None:
        self._send(BROKEN, why.encode())

    def _send(self, kind: bytes, payload: bytes) -> None:
        self._answers.write(HEADER.pack(kind, len(payload)) + payload)
        self._answers.flush()

    def _next_line(self) -> bytes | None:
        while b"\n" not in self._unread:
            read = os.read(self._requests, 65536)
            if not read:
                return None
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line


Say = Callable[[Request, Conversation], None]
"""Sends the times and the audio of one request; raises ValueError if it cannot be said."""


def serve(load: Callable[[], tuple[Say, Mapping[str, object]]]) -> None:
    """Load the synthesiser, describe it, answer requests until stdin ends.

    `load` returns what says a request and what the READY frame holds, or raises CannotLoad.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the owner ends us
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a C library prints must not land between frames
    conversation = Conversation(0, answers)
    try:
        _answer(load, conversation)
    except BrokenPipeError:
        os._exit(0)  # the owner is gone; nobody is left to tell


def _answer(load: Callable[[], tuple[Say, Mapping[str, object]]], owner: Conversation) -> None:
    try:
        say, description = load()
    except CannotLoad as why:
        owner.send_broken(str(why))
        return
    owner.send_ready(description)
    while (request := owner.next_request()) is not None:
        try:
            say(request, owner)
        except ValueError as why:
            owner.send_broken(str(why))
        else:
            owner.send_done()
