"""Signs that many things go through one station after another."""

from typing import Final

from scenarios.signs.sign import PIPELINE, SEQUENTIAL, Sign

FLOW: Final = (
    Sign(
        PIPELINE,
        4,
        r"\bas (?:they|it|new \w+(?: \w+)?|\w+) (?:arrives?|comes?(?: in)?|drops?|lands?|appears?|trickles?"
        r"|streams?|flows?)\b|\bas soon as (?:it|they|one|each|the next)(?:'s| is| are|) (?:opened|there|in"
        r"|arrives?|here|ready|available|received)\b|\bwhenever (?:a|an|new)\b[^.;,]{1,30}\b(?:arrives?|comes in"
        r"|lands|appears|drops)\b|\bcontinuous(?:ly)?\b",
        "things arrive one by one",
        but=r"\bcontinuous (?:integration|deployment|delivery|charge|discharge|current|improvement|power|rating)\b",
    ),
    Sign(
        PIPELINE,
        3,
        r"\b(?<!when )(?<!if )\w+s (?:arrive|come in|pour in|trickle in|keep coming)\b",
        "things keep arriving",
    ),
    Sign(
        PIPELINE,
        2,
        r"\bfrom the queue\b|\bincoming\b|\bcomes? in\b|\bnightly\b(?! \w)|\ba day\b|\bqueue of\b|\bbacklog\b"
        r"|\binbox\b",
        "things keep coming",
    ),
    Sign(
        PIPELINE,
        3,
        r"(?:^|[.,;:] |\b(?:and|to|then|they|which|that|is|are) )stream(?:s|ed|ing)? (?!process|restor|serv|bed"
        r"|bank)|\b(?:a|the|live|data|event|endless) stream of\b|\b(?:data|event|tick|message|record) streams?\b",
        "speaks of a stream",
    ),
    Sign(
        PIPELINE,
        5,
        r"\b(?:go|goes|going|pass|passes|passed|flow|flows|run|push|put|feed|take|send|stream|move|travel|walk"
        r"|drive)s?\b[^.;:]*?\bthrough\b(?! (?:the (?:logs?|lists?|code|document|notes|files"
        r"|mails?))\b)[^.;:]*?(?:,| and | then |→)",
        "things go through one station after another",
    ),
    Sign(
        PIPELINE,
        4,
        r"\bflows?\b[^.;]*?\b(?:from|into|through)\b",
        "things flow from one station to the next",
        but=r"\b(?:cash|work|data|air|water|control|gas) ?flow\b",
    ),
    Sign(
        PIPELINE,
        4,
        r"\bassembly line\b|\bconveyor\b|\bproduction line of\b|\bstage by stage\b|\bstation to station\b",
        "works like an assembly line",
    ),
    Sign(
        PIPELINE,
        3,
        r"\b(?:each|every|next|per) stage\b|\bstages\b|\bmulti-?stage\b",
        "speaks of stages",
        but=r"\b(?:output|power|amplifier|input|gain|early|late|rocket) stages\b",
    ),
    Sign(
        PIPELINE,
        5,
        r"\bETL\b|\bELT\b|\bextract\w*\b[^.;]*\btransform\w*\b[^.;]*\bload\w*\b",
        "extracts, transforms and loads",
    ),
    Sign(
        PIPELINE,
        4,
        r"\b(?:data|processing|ingestion|ingest|streaming|document|image|text) pipeline\b|\bpipeline (?:of|that"
        r"|which|with|to)\b|\bpipelin(?:e|ed|ing) (?:the|all|them)\b|\bas a pipeline\b",
        "speaks of a pipeline of work",
        but=r"\b(?:gas|oil|water|steam|sales|hydrogen) pipeline\b",
        denied=SEQUENTIAL,
    ),
    Sign(
        PIPELINE,
        3,
        r"\bfirst (?:agent|specialist|one|station|person)\b.*\bsecond\b.*\bthird\b",
        "hands on from one to the next",
    ),
    Sign(
        PIPELINE,
        3,
        r"\bone\b[^.;]*?\bthe next\b[^.;]*?\b(?:the )?(?:last|third|final)\b",
        "hands things on from one to the next",
        but=r"\bone (?:before|after)\b.*",
    ),
    Sign(
        PIPELINE,
        4,
        r"\b(?:outputs?|results?) of [^.;]*?\b(?:feeds?|becomes?|goes? (?:in)?to|(?:is|are) (?:passed|handed"
        r"|fed))\b|\bwhose (?:output|result)s?\b|\bfrom [\w-]+ to [\w-]+ to [\w-]+\b"
        r"|\bfrom [\w ]{2,25} to \w{2,20} to \w{2,20} to\b|\b(?:on )?to the next (?:one|agent|station|step|stage"
        r"|specialist)\b",
        "what one gives is what the next one takes",
    ),
    Sign(
        PIPELINE,
        4,
        r"\b(?:down|along) the (?:\w+ )?line\b",
        "works like an assembly line",
        but=r"\b(?:further|later|problems|years|somewhere) down the line\b|\balong the (?:power|transmission"
        r"|gas) line\b",
    ),
    Sign(PIPELINE, 2, r"(?:→|->|=>)[^→]{2,40}(?:→|->|=>)", "draws it as a chain"),
    Sign(
        PIPELINE,
        2,
        r"\b(?:feed|hand|pass)(?:s|es|ing)?\b[^.;]*?\b(?:into|on to|over to|to) the\b[^.;]*\b(?:and|,)",
        "hands things on from one to the next",
    ),
    Sign(
        PIPELINE,
        2,
        r"\b(?:in|as) (?:chunks|batches|portions) of\b|\bbatch of\b|\bin batches\b|\bbatch-?wise\b",
        "speaks of batches",
    ),
    Sign(
        PIPELINE,
        2,
        r"\bone is (?:still )?being\b|\bwhile the (?:first|previous|next|other)\b[^.;]*\bis (?:still )?being\b"
        r"|\bwait for the (?:others|rest)\b",
        "stages overlap",
    ),
)
