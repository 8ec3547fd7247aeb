"""The page at /docs: the HTTP API as plain HTML.

FastAPI's own page loads its scripts from a public server, which would make a visitor's browser
leave this machine, and shows nothing where there is no way out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]  # Any: an OpenAPI document

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 52rem; padding: 0 1rem;
       color-scheme: light dark }
section { border-top: 1px solid #8886; padding: .5rem 0 }
h2 { font: 600 1rem ui-monospace, monospace; overflow-wrap: anywhere }
h3 { font-size: .9rem; margin: .75rem 0 .25rem }
pre { overflow: auto; background: #8882; padding: .75rem; border-radius: .5rem; font-size: .85rem }
"""


def page(document: Json) -> str:
    """`document` is an OpenAPI document."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{escape(info.get('description', ''))} "
        '<a href="openapi.json">As an OpenAPI document</a></p>' + "".join(operations) + "</html>"
    )


def _operation(method: str, path: str, operation: Json) -> str:
    return (
        f"<section><h2>{method.upper()} {escape(path)}</h2><p>{escape(operation['summary'])}</p>"
        + "".join(_parameters(operation))
        + "".join(_bodies(operation))
        + "".join(_answers(operation))
        + "</section>"
    )


def _parameters(operation: Json) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        described = parameter.get("description", "")
        yield f"<p><code>{escape(parameter['name'])}</code> in {parameter['in']}: "
        yield f"{escape(described)}</p>"


def _bodies(operation: Json) -> Iterator[str]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = json.dumps(content["schema"], indent=2, ensure_ascii=False)
        yield f"<h3>Body: {escape(kind)}</h3><pre>{escape(schema)}</pre>"


def _answers(operation: Json) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        yield f"<p><b>{escape(status)}</b> {escape(answer['description'])}</p>"
