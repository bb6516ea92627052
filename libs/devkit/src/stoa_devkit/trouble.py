"""What can go wrong on somebody's machine, told in a sentence."""


class Trouble(Exception):
    """Something the person at the terminal can mend; the message is one sentence that says what and how."""
