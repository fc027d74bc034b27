"""Features of what is written for machines: digests, addresses, paths and versions."""

from __future__ import annotations

import ipaddress

import regex

from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.text.patterns import one_of, pattern
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.text import Spans

# Hexadecimal.

_MIXED = r"(?=[a-fA-F]*+\d)(?=\d*+[a-fA-F])(?!\d++[eE]\d*+(?!\w))"  # letters and figures, no float

_DIGESTS = (128, 96, 64, 56, 40, 32)  # how many hexadecimal digits they have

hex_string = pattern(
    "hex_string",
    "Runs of at least seven hexadecimal digits of one case, letters and figures among them.",
    rf"(?<!\w|\d\.){_MIXED}(?>[0-9a-f]{{7,}}|[0-9A-F]{{7,}})(?!\w)",
    "commit «9f86d081884c», «DEADBEEF07» or «00ff00a»",
    "defaced 1234567 9f86d0 0x9f86d081 12345678e10 1.23456789e-10 9f86D081",
)
hex_number = pattern(
    "hex_number",
    "Hexadecimal numbers, with the 0x before them.",
    r"(?<!\w)0[xX][0-9a-fA-F]++(?:_[0-9a-fA-F]++)*+(?!\w)",
    "«0x1F» + «0XFF_00» + 0b11 + 10x2 + ff",
)
hash_digest = pattern(
    "hash_digest",
    "Hexadecimal strings that are as long as digests: 32, 40, 56, 64, 96 or 128 digits.",
    rf"(?<!\w){_MIXED}(?:{'|'.join(f'[0-9a-f]{{{n}}}|[0-9A-F]{{{n}}}' for n in _DIGESTS)})(?!\w)",
    "md5 «d41d8cd98f00b204e9800998ecf8427e», at 9f86d081884c, e.g. a1",
    "sha1 «DA39A3EE5E6B4B0D3255BFEF95601890AFD80709» 0da39a3ee5e6b4b0d3255bfef95601890afd80709x",
)
uuid = pattern(
    "uuid",
    "UUIDs: 32 hexadecimal digits in five groups.",
    r"(?<![\w-])(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])",
    "id «550e8400-e29b-41d4-a716-446655440000», not 550e8400-e29b",
)
base64 = pattern(
    "base64",
    "Runs that look like base64: letters of both cases and figures mixed as no word or path is.",
    r"(?<![\w+/=.-])(?=[a-z\d+/]*+[A-Z])(?=[A-Z\d+/]*+[a-z])(?=[A-Za-z+/]*+\d)"
    r"(?![A-Za-z\d+/]*?/(?:[a-z]{4}|[a-z]*+/))"
    r"(?>(?=(?:[A-Za-z+/]*+\d++){3}|[A-Za-z\d+/]++=)(?![A-Za-z\d+/]*?[a-z]{7})"
    r"(?:[A-Za-z\d+/]{4}){4,9}+(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?+"
    r"|(?=(?:[A-Za-z+/]*+\d++){3})(?:[A-Za-z\d+/]{4}){10,}+"
    r"(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?+)(?![\w+/=-])",
    "key «SGVsbG8sIHdvcmxkISBIZWxsbw==» «MTIzNDU2Nzg5MGFiY2RlZmdoaWpr»",
    "TestCaseNumber1WithLongNames Lib/Python3/site/Packages2/Foo1 d41d8cd98f00b204e9800998",
)

# Addresses.

_IN_URL = r"[^\s<>\"'`(){}\[\]|\\^«».,;:!?*_]"
_END_OF_URL = r"[.,;:!?*_]"  # only where more of the address follows

url = pattern(
    "url",
    "Addresses of the web, without the punctuation behind them.",
    rf"\b(?>(?:https?|ftps?|file|git|ssh|svn|wss?)(?:\+\w++)?://|www\.(?=\w))"
    rf"(?:{_END_OF_URL}*+(?:{_IN_URL}|\([^\s()]*+\)))++",
    "see «https://a.b/c_(d)?e=f#g». (or «www.a.org/b»), a://b c.d/e",
)
email = pattern(
    "email",
    "Addresses of electronic mail.",
    r"(?<![\w.%+-])[A-Za-z0-9][A-Za-z0-9._%+-]*+@"
    r"(?:[A-Za-z0-9](?>[A-Za-z0-9-]*)\.)+[A-Za-z]{2,}+(?![\w-])",
    "to «a.b+c@mail.example.org». @property a@b <«me@example.com»>",
)
_ADDRESS = regex.compile(r"(?<![\w.:])[\da-fA-F]{1,4}+[.:][\da-fA-F:.]{4,40}+")


def _is_address(text: str) -> bool:
    """Whether a run of figures, dots and colons is an address; IPv6 takes three groups."""
    try:
        return ipaddress.ip_address(text).version == 4 or len(regex.findall(r"\w+", text)) > 2
    except ValueError:
        return False


@predicate
def _ip_addresses(text: str) -> Spans:
    found = _ADDRESS.finditer(text)
    spans = [(match.start(), match.start() + len(match[0].rstrip(".:"))) for match in found]
    return Spans(
        (start, end)
        for start, end in spans
        if not text[end : end + 1].isalnum() and _is_address(text[start:end])
    )


ip_address = define(
    "text.ip_address",
    "Addresses of the internet protocol, version 4 or 6.",
    _ip_addresses,
    "ping «192.168.0.1», «2001:db8::ff00:42:8329». 256.1.1.1 1.2.3 10:20:30 a[1::2]",
)

# Files and versions.

_EXTENSION = one_of(
    "bash bat bib bmp c cfg conf cpp css csv dat dll docx exe gif gml graphml gz h hpp html htm "
    "ini ipynb java jpeg jpg js json jsonl lock md mp3 mp4 npy npz parquet pdf pickle pkl png pptx "
    "py pyc pyi pyx rb rs rst sh sql svg tar tex tgz tiff toml tsv txt wav whl xlsx xls xml yaml "
    "yml zip"
)
_NAME = r"(?:\.*+[\w@%+~-]++)++"  # does not end in a dot

file_path = pattern(
    "file_path",
    "Paths of several parts: from a root, from . or .., or to a name with a common extension.",
    rf"(?<![\w.:/~<\\*@-])(?>(?:~|\.\.?+)(?:/\.\.)*+(?:/{_NAME})++|(?:/{_NAME}){{2,}}+"
    rf"|(?!\d++/\d){_NAME}(?:/{_NAME})++(?<=\.{_EXTENSION}))"
    rf"|\b[A-Za-z]:\\(?:[\w .@+~-]++\\)*+{_NAME}",
    "in «/usr/lib/a.so», «~/b», «../c/d» or «src/e.py»: and/or 1/2 p.x/q.y </p> https://f.g/h/i.j",
    r"at «C:\Program Files\a.txt», n\b",
)
file_name = pattern(
    "file_name",
    "Names of files with a common extension, with no folder before them.",
    rf"(?<![\w./\\@:%-])(?!self\.|cls\.)(?>\w[\w+-]*+(?:\.(?!{_EXTENSION}(?!\w|\.\w))[\w+-]++)*+)"
    rf"\.{_EXTENSION}(?![\w/(=-]|\.\w)",
    "open «setup.py», «a-b.tar.gz». x.append src/c.py self.c",
)
version_number = pattern(
    "version_number",
    "Numbers of versions: of three parts, with a v, or behind a word that announces them.",
    r"(?|(?<![\w.,/-]|\b(?i:section|theorem|lemma|definition|exercise|chapter|figure|table|eq\.) )"
    r"(?!\d{1,2}\.\d{1,2}\.\d{4}\b)"
    r"((?>[vV]\d++(?:\.\d++)++|\d++(?:\.\d++){2}"
    r"|\d++\.\d++(?=(?:a|b|rc|\.dev|\.post)\d))(?:[.-]?(?:a|b|rc|alpha|beta|dev|post)[.-]?\d*+)*+)"
    r"|(?<!\w)(?i:versions?|version(?:added|changed)::|python|numpy)[ =<>]{1,3}+"
    r"(\d++(?:\.\d++)++))(?![\w]|\.\d)",
    "«v2.0», «1.2.3», Python «3.11» and «1.10rc1», version «0.4»: 1.5 31.12.1999",
    "127.0.0.1 Section 1.2.3",
    group=1,
)
