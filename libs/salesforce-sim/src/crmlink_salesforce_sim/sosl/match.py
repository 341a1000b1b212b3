"""What is searched for, as the full-text index takes it."""

from collections.abc import Callable

from crmlink_salesforce_sim.sosl.terms import All, Any, Term, Word

MOST_EXPANDED = 200  # words one wildcard stands for
Expand = Callable[[str], list[str]]
NOTHING = '"\u2400"'  # matches no text


def match_text(term: Term, expand: Expand) -> str:
    """Return the expression of the full-text index; `expand` finds words by a GLOB pattern."""
    match term:
        case Word():
            return _word(term, expand)
        case Any(terms):
            return "(" + " OR ".join(match_text(one, expand) for one in terms) + ")"
        case All(first, second, without):
            word = "NOT" if without else "AND"
            return f"({match_text(first, expand)} {word} {match_text(second, expand)})"


def _word(word: Word, expand: Expand) -> str:
    """Return a phrase of the tokens of a word, the last perhaps only begun."""
    patterns = _tokens(word)
    if not patterns:
        return NOTHING
    wild = [one for one in patterns if "*" in one[:-1] or "?" in one]
    if not wild:
        ends = patterns[-1].endswith("*")
        text = " ".join(one.removesuffix("*") for one in patterns)
        return f'"{text}"' + ("*" if ends else "")
    parts = [_alternatives(one, expand) for one in patterns]
    return "(" + " AND ".join(parts) + ")"


def _tokens(word: Word) -> list[str]:
    """Return the tokens, wildcards in them; one at the start of a token is left out."""
    tokens: list[str] = []
    open_token = False
    for char, wild in word.characters:
        if wild and not open_token:
            continue
        if not wild and not (char.isalnum()):
            open_token = False
            continue
        if open_token:
            tokens[-1] += char
        else:
            tokens.append(char)
            open_token = True
    return tokens


def _alternatives(pattern: str, expand: Expand) -> str:
    if "*" not in pattern and "?" not in pattern:
        return f'"{pattern}"'
    found = expand(pattern.lower())[:MOST_EXPANDED]
    return "(" + " OR ".join(f'"{one}"' for one in found or ["\u2400"]) + ")"
