"""Words of plain English as the rules need them: stems, words that say nothing, verbs that name an action."""

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Longest first; what is left must keep three letters, or the ending belonged to the word.
_ENDINGS: Final = (
    "izations",
    "ization",
    "ications",
    "ication",
    "ings",
    "ing",
    "ions",
    "ion",
    "ers",
    "ors",
    "ies",
    "ied",
)
_SHORT_ENDINGS: Final = ("er", "or", "ed", "es", "s", "e", "y")
_SPELLINGS: Final = (
    (re.compile(r"(?<=\w{3})ys(?=e|ing)"), "yz"),
    (re.compile(r"(?<=\w{3})is(?=e|ing|ation)"), "iz"),
    (re.compile(r"(?<=\w{2})our(?=s?$|ed$|ing$)"), "or"),
    (re.compile(r"(?<=\w{2})ence(?=s?$)"), "ense"),
    (re.compile(r"ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=\w{2})(?:tre)(?=s?$)"), "ter"),
)
_LEFT: Final = {"ization": "iz", "izations": "iz"}

_SAY_NOTHING: Final = """
    a an the this that these those it its they them their he she we you i our your my me us who what which and
    or but nor not no of in on at to for from with without by as into onto over under about between through
    during per than then so if is are was were be been being has have had do does did can could should would
    will may might must one two all any each every both some other another more most much many such only also
    very please there here when while where how why until unless after before again out up down off just own
    same too yes
"""
_ACTIONS: Final = """
    accept achieve acknowledge adapt add adjust aggregate agree alert align analyse annotate announce anonymise
    append apply approve archive arrange ask assemble assess assign attach audit author authorise backtest bake
    benchmark bill bisect block book bought brief build built bump buy calculate calibrate call cancel capture
    categorise certify change charge check choose chosen chunk clarify classify clean cleanse close cluster code
    collect combine comment commit compare compile complete compress compute configure confirm connect
    consolidate construct contact convert copy correct count crawl create criticise crop cut debug decide decode
    decrypt deduplicate define delete deliver denoise deploy derive describe design detect determine develop
    diagnose digitise disable discharge discuss dispatch distribute divide document done downgrade download
    downsample draft draw drawn drop edit email embed enable encode encrypt enrich enter escalate escape
    estimate evaluate examine execute expand explain explore export extend extract fetch file fill filter
    finalise find fix flag flash flatten forecast format forward found freeze gather generate geocode get give
    given got grade group hand harden hash held identify implement import improve index inform ingest inspect
    install integrate interpolate interview introduce invite invoice issue join label laid launch lay layout
    lengthen link lint list load localise log look lookup lower made mail make map mark mask match measure merge
    migrate mock model modify monitor move name negotiate normalise notarise note notify obtain open optimise
    order outline pack page paid parse patch pay persist pick plan plot polish post predict prepare preprocess
    present price print prioritise probe process produce profile proofread propose prove provide publish pull
    push put qualify quantise query question quote raise rank rasterise rate read reboot rebuild recalculate
    recognise recommend reconcile record redact redesign reduce refactor refine reformat register reject release
    reload remind remove rename render renew reorder repair repeat replace reply report reproduce request rerun
    resample rescale research reset resize resolve respond restart restore retest retire retrieve retry return
    review revise rewrite roll rotate route run sample sanitise save scan schedule score scrape scrub seal
    search segment select send sent set settle share ship shorten show shred shrink sign simplify simulate
    sketch sold solder sort specify spell split stage stamp start stop store strip structure study submit
    substitute sum summarise survey switch sync synchronise synthesise tag take taken tally teach tell test tidy
    tighten title tokenise told total train transcribe transfer transform translate transmit transpose triage
    triangulate trim try tune turn type-check typecheck understand unify unpack update upgrade upload validate
    vectorise verify visit visualise wash watermark weigh weld wire work wrap write written
"""


SAY_NOTHING: Final = frozenset(_SAY_NOTHING.split())


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, in order; a name such as extract-facts is two."""
    return [found.casefold() for found in _WORD.findall(text)]


def stem(word: str) -> str:
    """Return what spellings, numbers, verb and noun of a word have in common, nearly: normalise and normalization."""
    word = word.casefold()
    for british, american in _SPELLINGS:
        word = british.sub(american, word)
    for ending in (*_ENDINGS, *_SHORT_ENDINGS):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending) + _LEFT.get(ending, "")
            break
    word = re.sub(r"([bdfgklmnprt])\1$", r"\1", word)
    return word.removesuffix("e") if len(word) > 3 else word


_ACTION_STEMS: Final = frozenset(stem(word) for word in _ACTIONS.split())


def is_action(word: str) -> bool:
    """Whether a word is, or is made from, a verb that names something to do."""
    return stem(word) in _ACTION_STEMS
