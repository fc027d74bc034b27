"""Features of Python source, from whole modules to pieces that break off.

What is labelled is code: a keyword in a comment or a string is none. The code in the holes of
f-strings counts as code.
"""

# ruff: noqa: I001 (in the order in which they are listed)
from mi_hypotheses.features.python.strings import *  # noqa: F403 (a theme is all its parts define)
from mi_hypotheses.features.python.keywords import *  # noqa: F403 (as above)
from mi_hypotheses.features.python.names import *  # noqa: F403 (as above)
from mi_hypotheses.features.python.signs import *  # noqa: F403 (as above)
from mi_hypotheses.features.python.expressions import *  # noqa: F403 (as above)
from mi_hypotheses.features.python.layout import *  # noqa: F403 (as above)
