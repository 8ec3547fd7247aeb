"""The names a session may use for faces, voices, motions and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rtav.core.hosts import PUBLIC, Hosts
from rtav.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Names:
    """One kind of asset: every accepted name, and the id behind it."""

    kind: str
    ids: Mapping[str, str]
    """`default` is always among the names of assets."""

    def resolve(self, name: str, *, param: str) -> str:
        """The id behind a name; exactly as written first, then in any case.

        Raises ProtocolError (`face_not_found`, …) naming `param`.
        """
        found = self.find(name)
        if found is None:
            raise ProtocolError(
                f"Invalid value for '{param}': there is no {self.kind} of that name. "
                f"Known are {', '.join(sorted(self.ids, key=str.lower)[:40])}.",
                code=f"{self.kind}_not_found",
                param=param,
            )
        return found

    def find(self, name: str) -> str | None:
        if name in self.ids:
            return self.ids[name]
        wanted = name.lower()
        return next((found for known, found in self.ids.items() if known.lower() == wanted), None)

    def joined(self, ids: Sequence[str]) -> Names:
        """These names and the ids, each of which is its own name."""
        return Names(self.kind, {**self.ids, **{id_: id_ for id_ in ids}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The ids of what one owner has beside what everyone may name."""

    faces: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    motions: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    """Of the faces, those that are one picture with its background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    faces: Names
    voices: Names
    motions: Names
    backgrounds: Names = Names("background", {})
    pictures: frozenset[str] = frozenset()
    """Faces that are one picture with its background, and can be put before no other."""
    models: Names | None = None
    """None: any name will do, the model at hand answers for those it does not have."""
    hosts: Hosts = PUBLIC
    """Where remote tools may be."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Templates of instructions by their ids; empty: a client's prompt is only shown."""

    def joined(self, own: Own) -> Catalog:
        """What a caller may name who has these assets."""
        return replace(
            self,
            faces=self.faces.joined(own.faces),
            voices=self.voices.joined(own.voices),
            motions=self.motions.joined(own.motions),
            backgrounds=self.backgrounds.joined(own.backgrounds),
            pictures=self.pictures.union(own.pictures),
        )

    @classmethod
    def of(  # noqa: PLR0913 - one argument for each kind of name
        cls,
        *,
        faces: Sequence[str],
        voices: Sequence[str],
        motions: Sequence[str],
        aliases: Mapping[str, str] | None = None,
        models: Sequence[str] | None = None,
        hosts: Hosts = PUBLIC,
        prompts: Mapping[str, str] | None = None,
        pictures: Sequence[str] = (),
    ) -> Catalog:
        """The first of each kind is its default, unless one has that very name.

        `aliases` are further names of voices, `models` all that a client may name, `hosts` where
        remote tools may be, `pictures` the faces without an outline.
        """
        voice_ids = {name: name for name in voices} | dict(aliases or {})
        return cls(
            faces=Names("face", {"default": faces[0]} | {name: name for name in faces}),
            voices=Names("voice", {"default": voices[0]} | voice_ids),
            motions=Names("driving", {"default": motions[0]} | {name: name for name in motions}),
            pictures=frozenset(pictures),
            models=None if models is None else Names("model", {name: name for name in models}),
            hosts=hosts,
            prompts=prompts or {},
        )
