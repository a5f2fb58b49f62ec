"""The names of attacks as a reader knows them, by those in the record."""

ATTACK_NAMES = {
    "hop_skip_jump": "HopSkipJump",
    "boundary": "the boundary attack",
    "surrogate": "surrogate",
    "nearest_flip": "nearest flip",
    "gradient": "gradient",
    "trees": "trees",
}


def attack_name(name: str) -> str:
    """Return an attack's name for a reader, from that in the record."""
    return ATTACK_NAMES.get(name, name.replace("_", " "))
