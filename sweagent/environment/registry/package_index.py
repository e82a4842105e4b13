"""Read pages of a Python package index, up to a day."""

import json
from datetime import date, datetime
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin

from sweagent.frozen import Frozen


class PackageFile(Frozen):
    """A file that an index offers."""

    name: str
    url: str
    fragment: str = ""
    requires_python: str = ""
    uploaded: date | None = None
    """None when the index does not tell."""
    yanked: bool = False
    has_metadata: bool = False


def read_page(text: str, content_type: str, base: str) -> list[PackageFile]:
    """The files that a project's page lists, in the page's order.

    Args:
        text: the page, HTML (PEP 503) or JSON (PEP 691).
        content_type: as the index declared it.
        base: the page's address, for relative links.
    """
    if "json" in content_type:
        return _read_json(text, base)
    reader = _LinkReader(base)
    reader.feed(text)
    return reader.files


def published_until(files: list[PackageFile], cutoff: date | None) -> list[PackageFile]:
    """Leave out what was uploaded after a day.

    When at least one file's day is known, files of unknown day are left out too; when none is known, all are kept: the
    newest release of a package is better than none. Of a package all of whose files are later, those of the first day
    are kept: some projects removed the old files, and what needs the package could not be installed at all.
    """
    days = [file.uploaded for file in files if file.uploaded is not None]
    if cutoff is None or not days:
        return files
    last = max(cutoff, min(days))
    return [file for file in files if file.uploaded is not None and file.uploaded <= last]


def with_days(files: list[PackageFile], releases: str) -> list[PackageFile]:
    """Add the days of upload that Warehouse's JSON document of a project tells.

    Args:
        files: of the project's page.
        releases: the document; one that cannot be read adds nothing.
    """
    try:
        listed = [file for files_ in json.loads(releases)["releases"].values() for file in files_]
        days = {file["filename"]: _day(file["upload_time"]) for file in listed}
    except (ValueError, KeyError, TypeError, AttributeError):
        return files
    return [file.model_copy(update={"uploaded": days.get(file.name)}) for file in files]


def write_page(files: list[PackageFile], address: dict[str, str]) -> str:
    """An HTML page for pip.

    Args:
        files: what to list.
        address: for each file's name, the address that the page gives.
    """
    lines = ["<!DOCTYPE html><html><body>"]
    for file in files:
        attributes = f' data-requires-python="{escape(file.requires_python)}"' if file.requires_python else ""
        attributes += ' data-yanked=""' if file.yanked else ""
        attributes += ' data-dist-info-metadata="true" data-core-metadata="true"' if file.has_metadata else ""
        url = address[file.name] + (f"#{file.fragment}" if file.fragment else "")
        lines.append(f'<a href="{escape(url)}"{attributes}>{escape(file.name)}</a><br/>')
    return "\n".join([*lines, "</body></html>"])


class _LinkReader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.files: list[PackageFile] = []
        self._base = base

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "base" and "href" in values:
            self._base = urljoin(self._base, values["href"])
        if tag != "a" or "href" not in values:
            return
        url, fragment = urldefrag(urljoin(self._base, values["href"]))
        name = url.rsplit("/", 1)[-1]
        if not name:
            return
        self.files.append(
            PackageFile(
                name=name,
                url=url,
                fragment=fragment,
                requires_python=values.get("data-requires-python", ""),
                uploaded=_day(values.get("data-upload-time")),
                yanked="data-yanked" in values,
                has_metadata="data-core-metadata" in values or "data-dist-info-metadata" in values,
            )
        )


def _read_json(text: str, base: str) -> list[PackageFile]:
    files: list[dict[str, Any]] = json.loads(text).get("files", [])
    return [
        PackageFile(
            name=file["filename"],
            url=urljoin(base, file["url"]),
            fragment="&".join(f"{key}={value}" for key, value in file.get("hashes", {}).items() if key == "sha256"),
            requires_python=file.get("requires-python") or "",
            uploaded=_day(file.get("upload-time")),
            yanked=bool(file.get("yanked")),
            has_metadata=bool(file.get("core-metadata") or file.get("dist-info-metadata")),
        )
        for file in files
    ]


def _day(text: str | None) -> date | None:
    try:
        return datetime.fromisoformat(text).date() if text else None
    except ValueError:
        return None
