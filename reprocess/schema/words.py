"""Numbers with the nouns that they count."""


def counted(number: int, noun: str = "", *, separator: str = ",") -> str:
    """Return a whole number and its noun in the plural where it needs one: ``1 event``, ``2,000 events``.

    Parameters
    ----------
    number : int
    noun : str
        In the singular.
    separator : str
        What stands at the thousands: nothing (``""``) in what commands print.
    """
    text = f"{number:,}".replace(",", separator)
    return f"{text} {noun}{'' if number == 1 else 's'}" if noun else text
