"""Features of HTML and XML: tags, attributes, entities, comments, scripts and style sheets.

They are told by their own signs: what looks like a tag is labelled in a text that is no HTML as
well.
"""

from __future__ import annotations

from mi_hypotheses.features._patterns import pattern

_TAG = (
    r"<(?P<slash>/?)(?P<name>[A-Za-z][\w:.-]*+)"
    r"(?:\s++(?P<attribute>[\w:.@#-]++)"
    r"(?:\s*+=\s*+(?P<value>\"[^\"<]*+\"|'[^'<]*+'|[^\s\"'<>=`]++))?)*+\s*+/?>"
)

tag = pattern(
    "html.tag",
    "Tags, opening and closing, with what is in them.",
    _TAG,
    "a «<p class='b'>»c«</p>» d < e «<br/>»",
)
opening_tag = pattern(
    "html.opening_tag", "Opening tags.", _TAG.replace("/?)", ")", 1), '«<a href="b">»c</a>«<hr>»'
)
closing_tag = pattern(
    "html.closing_tag", "Closing tags.", r"</[A-Za-z][\w:.-]*+\s*+>", "<b>c«</b>» </ d>"
)
tag_name = pattern(
    "html.tag_name",
    "The names of tags.",
    _TAG,
    '<«svg:a» b="c">d</«svg:a»>',
    group="name",
)
attribute = pattern(
    "html.attribute",
    "The names of attributes.",
    _TAG,
    '<a «href»="b" «id»=c «hidden»>d=e</a>',
    group="attribute",
)
value = pattern(
    "html.value",
    "The values of attributes, with their quotes.",
    _TAG,
    '<a href=«"b"» id=«c» hidden>d="e"</a>',
    group="value",
)
entity = pattern(
    "html.entity",
    "Characters written by name or number.",
    r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});",
    "a «&amp;» b & c; «&#39;»«&#x27;»",
)
comment = pattern(
    "html.comment", "Comments of HTML and XML.", r"(?s)<!--.*?(?:-->|\Z)", "a «<!-- b\n<p> -->» c"
)
doctype = pattern(
    "html.doctype",
    "The declaration of the document's type, and that of XML.",
    r"(?i)<!doctype\b[^<>]*+>|<\?xml\b[^<>?]*+\?>",
    "«<?xml version='1.0'?>»\n«<!DOCTYPE html>»<html>",
)
script = pattern(
    "html.script",
    "What stands between the tags of scripts.",
    r"(?si)<script\b[^<>]*+>((?:(?!</?script\b).)*+)</script",
    "<script type='a'>«b < c»</script> d",
    group=1,
)
style = pattern(
    "html.style",
    "What stands between the tags of style sheets.",
    r"(?si)<style\b[^<>]*+>((?:(?!</?style\b).)*+)</style",
    "<style>«p { color: red }»</style> d",
    group=1,
)
