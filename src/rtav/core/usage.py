"""What a response used, as it is told."""

from __future__ import annotations

from typing import Any

Usage = dict[str, Any]


def usage(*, input_tokens: int = 0, output_tokens: int = 0, cached_tokens: int = 0) -> Usage:
    """Everything is text to a language model: what the caller said, too, it reads."""
    return {
        "total_tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {
            "text_tokens": input_tokens,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": cached_tokens,
            "cached_tokens_details": {
                "text_tokens": cached_tokens,
                "audio_tokens": 0,
                "image_tokens": 0,
            },
        },
        "output_token_details": {"text_tokens": output_tokens, "audio_tokens": 0},
    }
