"""The word lists: YAML beside this module, read once, when it is imported."""

from pathlib import Path
from typing import Any, Final

import yaml

_WORDS: Final = Path(__file__).parent / "words"


def load(name: str) -> dict[str, Any]:
    """Read one list.

    Args:
        name: of the file in `words/`, without its ending.

    Returns:
        what the file says; empty where there is no such list.
    """
    path = _WORDS / f"{name}.yaml"
    if not path.exists():
        return {}
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise TypeError(f"{path.name} is a mapping of keys to lists.")
    return data
