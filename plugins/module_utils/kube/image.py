# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References of container images."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import SpecError

__all__ = ["ImageReference"]

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
# https://github.com/distribution/reference/blob/main/reference.go describes the grammar.
_REFERENCE = re.compile(
    rf"(?:(?P<registry>localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:[0-9]+/))(?P<port>:[0-9]+)?/)?"
    rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?"
)
_REGISTRY = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._/-]+)?")


@dataclass(frozen=True)
class ImageReference:
    """A reference in its parts; ``registry`` holds a port, if there is one."""

    registry: str | None
    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, option: str, text: str) -> ImageReference:
        """Read ``[registry[:port]/]repository[:tag][@digest]``; raise ``SpecError`` naming ``option`` if it is none."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise SpecError(option, f"{text!r} is not an image reference; an example is docker.io/library/mysql:9.7")
        registry = match["registry"] + (match["port"] or "") if match["registry"] else None
        return cls(registry, match["repository"], match["tag"], match["digest"])

    def pulled_from(self, registry: str) -> ImageReference:
        """The same repository and tag in another registry, which may carry a path: ``registry.example.com/mirror``."""
        if not _REGISTRY.fullmatch(registry):
            raise SpecError("registry", f"{registry!r} is not a registry; an example is registry.example.com:5000/mirror")
        return ImageReference(registry, self.repository, self.tag, self.digest)

    def __str__(self) -> str:
        parts = [f"{self.registry}/" if self.registry else "", self.repository]
        parts += [f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""]
        return "".join(parts)
