"""Features of the words of entities."""

from __future__ import annotations

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.spacy_rules import SpacyPattern, SpacyToken


def _entity(name: str, summary: str, types: tuple[str, ...], *examples: str) -> Feature:
    """A feature of the words of entities of some types."""
    return define(f"linguistic.{name}", summary, SpacyToken(ent_type=types), *examples)


_PERSON = ("PERSON", "PER", "person", "per")
_ORGANISATION = ("ORG", "organization", "org")
_PLACE = ("GPE", "LOC", "FAC", "place", "loc")
_DATE_OR_TIME = ("DATE", "TIME", "time")
_QUANTITY = ("CARDINAL", "MONEY", "ORDINAL", "PERCENT", "QUANTITY")

entity = define(
    "linguistic.entity",
    "Words of named entities of any type; dates and numbers are among them where they are tagged.",
    SpacyPattern([{"ENT_TYPE": {"REGEX": "."}}]),
    "«Zoë» «Çelik» moved from «İzmir» to «São» «Paulo» in «2011».",
)
person = _entity(
    "person",
    "Names of people.",
    _PERSON,
    "«Zoë» «Çelik» moved from İzmir to São Paulo in 2011.",
)
organisation = _entity(
    "organisation",
    "Names of companies, clubs, parties and the like.",
    _ORGANISATION,
    "Weren't you the goalkeeper for «Lindholm» «United»?",
)
place = _entity(
    "place",
    "Names of countries, cities, mountains, streets and other places.",
    _PLACE,
    "Zoë Çelik moved from «İzmir» to «São» «Paulo» in 2011.",
    "The bakery on «Pine» «Street» opens at 6:30 and sells out by noon.",
)
date_or_time = _entity(
    "date_or_time",
    "Dates, times of day, and how long something takes.",
    _DATE_OR_TIME,
    "Norvik Shipping lost 4.5 million dollars «last» «quarter», its auditors say.",
    "The bakery on Pine Street opens at «6:30» and sells out by «noon».",
)
quantity = _entity(
    "quantity",
    "Numbers, measures, percentages and sums of money with their units; no dates or times.",
    _QUANTITY,
    "Norvik Shipping lost «4.5» «million» «dollars» last quarter, its auditors say.",
    "I've finished the «first» and the «third», but not the «second».",
)
