"""Features of any text: what is written in figures or signs, the forms of words, quotes and
brackets, lines and sentences, scripts and languages.

They go by what stands on the page, and know nothing of grammar or of programming languages.
"""

# ruff: noqa: I001 (in the order in which they are listed)
from mi_hypotheses.features.text.codes import *  # noqa: F403 (a theme is all its parts define)
from mi_hypotheses.features.text.numbers import *  # noqa: F403 (as above)
from mi_hypotheses.features.text.words import *  # noqa: F403 (as above)
from mi_hypotheses.features.text.marks import *  # noqa: F403 (as above)
from mi_hypotheses.features.text.lines import *  # noqa: F403 (as above)
from mi_hypotheses.features.text.scripts import *  # noqa: F403 (as above)
