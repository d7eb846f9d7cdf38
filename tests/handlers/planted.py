"""Cookie names that look like `__Host-…` but that a browser accepts from a sibling host."""

import unicodedata

WHITE_SPACE = [
    character
    for character in map(chr, [*range(0x20000), *range(0xE0000, 0xE1000)])  # between and above there are none
    if character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
]
# As UTF-8, which browsers send, is read as it is and as Latin-1: not known which of the two API Gateway does.
STRANGE = {character for character in WHITE_SPACE if character not in " \t;="}
STRANGE |= {character.encode().decode("latin-1") for character in STRANGE}
STRANGE |= {"\xa0\xa0", "\x85 ", " \x85", "\ufeff", "\u3164", "\u200b"}

#: Each with a place for a name that is ours, before or after what is strange.
ALL = sorted(f"{text}{{}}" for text in STRANGE) + sorted(f"{{}}{text}" for text in STRANGE)
#: Some of them, for what takes long.
NOT_OURS = [
    f"{text}{{}}" for text in ("\u2000", "\u2005", "\u3000", "\xa0", "\x85", "\x1c", "\x0b", "\u2028", "â\x80\x85")
]
NOT_OURS += ["{}\u2000", "{}\xa0", "{}\x1f", "{} ", "{}\t", "\u2000 {}", " \u2000{}"]
