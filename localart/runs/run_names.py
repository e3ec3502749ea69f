"""Names that people can say, and ids short enough to type."""

import os
from collections.abc import Callable

ID_LENGTH = 8
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def random_below(limit: int) -> int:
    """Return a whole number from 0 up to and without `limit`, from the system's own source of chance.

    `secrets` does the same and takes 17 ms to import. The bias of 128 bits over these limits is below 2**-80.
    """
    return int.from_bytes(os.urandom(16), "big") % limit


def new_run_name(number: int, random: Callable[[int], int] = random_below) -> str:
    """Return `adjective-noun-number`, such as `amber-meadow-7`; `number` makes it unique in its project.

    `random(n)` picks a whole number from 0 up to and without n; not touched by `random.seed()` in user code.
    """
    return f"{ADJECTIVES[random(len(ADJECTIVES))]}-{NOUNS[random(len(NOUNS))]}-{number}"


def new_run_id() -> str:
    """Return 8 lowercase letters and digits; two of 200,000 are equal with a chance below 1 %."""
    return "".join(_ID_CHARACTERS[random_below(len(_ID_CHARACTERS))] for _ in range(ID_LENGTH))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES = _words(
    """
    agile airy amber ample apt azure balmy blithe blooming bold brave breezy bright brisk calm candid
    careful cheerful clear clever cobalt copper cosy crimson crisp curious dapper daring dawning deft
    dewy eager early earnest easy elated elegant emerald even fair faithful fine firm fleet floral fluent
    fond frank free fresh friendly gentle genuine gilded glad gleaming glowing golden graceful grand
    happy hardy hazel hearty helpful honest humble indigo ivory jolly jovial keen kind lasting level
    light lilac lively loyal lucid lucky lunar mellow merry mild mindful mighty misty modest mossy
    nimble noble olive open patient peaceful pearly placid playful polite prime proud quick quiet radiant
    rapid ready rosy royal ruby rustic sage sandy scarlet serene sharp shining silver simple smooth snowy
    soft solar solid sparkling spry stable starry steady still sturdy sunny swift tender thoughtful tidy
    topaz tranquil trusty upbeat valiant velvet vibrant vivid warm wise witty woven zesty
    """
)

NOUNS = _words(
    """
    acorn alder almond anchor apple arbor aspen atlas aurora bamboo barley basin bay beacon birch bloom
    bluff breeze bridge brook canyon cascade cedar cello cherry chestnut cliff clover coast comet compass
    coral cove crane creek crest dahlia dale dawn delta dolphin dune eagle ember estuary falcon feather
    fern field finch fjord flute forest fountain garden gazelle geyser glacier glade grove gull harbor
    harp harvest heath heron hill horizon iris island ivy jasmine juniper kestrel kite lagoon lake lantern
    larch lark laurel lavender leaf lemon lily linden lotus lynx magnolia maple marble marsh meadow
    melody mesa mint mirror moon mountain nebula oak oasis ocean orbit orchard orchid osprey otter owl
    palm pasture peak pebble peony petal pine planet plateau plum pond poplar poppy prairie quartz
    quill rain rainbow raven reef ridge river robin rose saffron sail sequoia shore sky snow sparrow
    spring spruce star stone stream summit sun swallow swan thistle thyme tide trail tulip valley violet
    walnut water wave willow wind wren yarrow zephyr
    """
)
