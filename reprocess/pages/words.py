"""Numbers with the nouns that they count."""


def counted(number: int, noun: str = "") -> str:
    """Return a whole number and its noun in the plural where it needs one: ``1 event``, ``2,000 events``."""
    return f"{number:,} {noun_of(number, noun)}" if noun else f"{number:,}"


def numbered(number: int, noun: str) -> str:
    """Return what `counted` does as commands print it, with nothing at the thousands."""
    return f"{number} {noun_of(number, noun)}"


def noun_of(number: float, noun: str) -> str:
    """Return a noun in the plural where so many of it need one."""
    return noun if number == 1 else f"{noun}s"


def to_be(number: int, present: str = "are") -> str:
    """Return ``is`` or ``was`` in place of ``are`` or ``were`` where there is one."""
    return {"are": "is", "were": "was"}[present] if number == 1 else present
