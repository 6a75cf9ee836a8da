"""The record as files: a CSV that the form of the protocol reads, and a page to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

# XML is written here and never parsed, so what bandit fears of this module can not happen.
from xml.etree.ElementTree import Element as Node  # nosec B405
from xml.etree.ElementTree import SubElement, tostring  # nosec B405

from .elements import ELEMENTS, Element

CSV, PAGE = "odmap.csv", "odmap.html"
COLUMNS = ("section", "subsection", "element", "Value")  # as the form writes them
TO_SAY = "for the author to say"
STYLE = """
body { font-family: sans-serif; max-width: 60em; margin: 2em auto; line-height: 1.4; color: #222 }
table { border-collapse: collapse; width: 100% }
td { padding: .3em .6em; vertical-align: top; white-space: pre-line; border-top: 1px solid #ddd }
td:first-child { width: 16em; color: #555 } .blank { color: #b2182b } .optional { color: #888 }
"""


def table_of(answers: Mapping[Element, str]) -> str:
    """Return the record as CSV: all elements of the protocol, then what else has an answer."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in _elements(answers):
        writer.writerow([one.section, one.subsection, one.name, answers.get(one, "")])
    return stream.getvalue()


def _elements(answers: Mapping[Element, str]) -> list[Element]:
    return list(dict.fromkeys([*ELEMENTS, *answers]))


def page_of(answers: Mapping[Element, str], title: str) -> bytes:
    """Return the record as a page to print: red where the author has something to say."""
    root = Node("html", lang="en")
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = f"ODMAP: {title}"
    SubElement(head, "style").text = STYLE
    SubElement(body, "h1").text = f"ODMAP record: {title}"
    SubElement(body, "p").text = (
        "By the protocol of Zurell et al. 2020 (Ecography 43: 1261-1277). What the model's card and the "
        "record of the run know is filled in; check it. What is red only the author can say."
    )
    section = subsection = ""
    table = body
    for one in _elements(answers):
        if one.section != section:
            SubElement(body, "h2").text = one.section
        if (one.section, one.subsection) != (section, subsection):
            SubElement(body, "h3").text = one.subsection
            table = SubElement(body, "table")
        section, subsection = one.section, one.subsection
        row = SubElement(table, "tr")
        SubElement(row, "td").text = one.name.strip()
        cell = SubElement(row, "td")
        cell.text = answers.get(one) or (f"{TO_SAY} (optional)" if one.optional else TO_SAY)
        if not answers.get(one):
            cell.set("class", "optional" if one.optional else "blank")
    page: bytes = tostring(root, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + page
