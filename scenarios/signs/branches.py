"""Signs that what is done depends on something."""

from typing import Final

from scenarios.signs.sign import CONDITIONAL, Sign

BRANCHES: Final = (
    Sign(
        CONDITIONAL,
        3,
        r"(?:^|[.;:] )(?:is|are|was|were|does|do|did|has|have) (?:this|it|the|that|they|there|these"
        r"|we)\b[^?.;]*\? \w",
        "asks something first, and goes on",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b\w+ ones\b.*\b\w+ ones\b|\bfor \w+[^.;]*, for \w+ ones\b|\ban? \w+ (?:is to be|gets?|goes"
        r"|means)\b.*\ban? \w+ one\b|\bgo(?:es)? to\b[^.;]*, [^.;]*\bto\b",
        "treats one kind so and another so",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b(in|for|at|on|with) (?:the |an? )?[\w -]{2,30} (?:use|take|apply|choose|send|fill in|run"
        r"|call)\b[^.;]*[,;] (?:and |but )?\1 |\b(?:calls for|leads to|results in|warrants|triggers|entails"
        r"|requires an?)\b[^.;]*, an? [^.;]* (?:for|to|in|an?)\b",
        "treats one case so and another so",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"[;,.] (?:the |but |and |all )?(?!last|first|next|other|new|old)\w+ ones\b|\b(?:that|which"
        r"|who) \w+\b[^.;]*[,;] (?:and |but )?(?:those|the ones|the rest|all others)\b|\b(?:above|below|over"
        r"|beyond) that\b",
        "sets some apart",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\bshould (?:I|we|it|they|the \w+)\b[^?.]*\bor\b[^?.]*\?|\bwhich (?:of|one)\b[^.;]*\b(?:and"
        r"|then)\b[^.;]*\b(?:that one|it)\b",
        "asks which of two, and goes on",
    ),
    Sign(
        CONDITIONAL,
        2,
        r"\b\w+ when (?:the|its|an?|there|any|it|they) [^.;,]*?\b(?:is|are|has|have|exceeds?|contains?|fails?"
        r"|differs?|match\w*)\b",
        "says when",
        but=r"\b(?:stop|finish|end|done|tell me|notify me|let me know|ready|satisfied|happy) when\b.*"
        r"|\bwhen [^.;,]*\b(?:done|finished|complete|ready|over|fixed|live)\b",
    ),
    Sign(CONDITIONAL, 2, r"\b(?:could|may|might) be (?:an?|that)\b", "says what it may turn out to be"),
    Sign(
        CONDITIONAL,
        4,
        r"\bconditionally\b|\bgo/no-go\b|\b(?:approve|accept|grant|merge|keep|repair|pay|allow|pass"
        r"|confirm) or (?:reject|refuse|decline|deny|close|discard|scrap|replace|return|block|fail|cancel)\b",
        "one of two things is to be done",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"\bif\b",
        "says if",
        but=r"\b(?:an?|the|this|that|nested|each|of) if\b|\bif[- ](?:statements?|clauses?|branch\w*|blocks?"
        r"|else)\b|\b(?:check(?:s|ing)?|see|test|verify|find out|ask|tell me|know|look|confirm|wonder|what|as"
        r"|even|unsure)(?: (?:for me|us|me|them|him|her))? if\b|\bif (?:possible|any|you (?:like|want|can)|needed"
        r"|necessary|need be|at all|I may|required|time allows|available)\b",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\bif\b.*?\b(?:otherwise|or else|else|if not|if so|if no)\b|\bif\b[^.;]*\bthen\b|\?\s*then\b",
        "names what follows if it holds, and if not",
        but=r"\b(?:something|nothing|anyone|nobody|somebody) else\b",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"\botherwise\b|\bor else\b|(?:,|;) else\b|\b(?:anything|everything|everyone|everybody|anybody"
        r"|all) else\b|\bif (?:not|so|yes|no)\b",
        "names what is done otherwise",
        but=r"\b(?:unless|except where|not) otherwise\b|\botherwise (?:noted|stated|agreed|specified|identical"
        r"|fine)\b",
    ),
    Sign(CONDITIONAL, 4, r"\bunless\b", "says unless", but=r"\bunless otherwise\b"),
    Sign(
        CONDITIONAL,
        5,
        r"\bdepending (?:up)?on\b|\bdepends? on (?:whether|how|what|which|the (?:size|type|kind|amount|outcome"
        r"|result of the|value|language|country|customer|severity))\b|\bsubject to\b",
        "what is done depends on something",
        but=r"\bindepend\w*",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\bin (?:which|that|this) case\b|\bin case\b|\bin the event (?:of|that)\b",
        "names a case",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"(?:^|, |\band )(?:provided|providing|assuming|supposing) (?:that |the |a |an |it |there |we )"
        r"|\bon condition that\b|\bprovided that\b|\bas long as\b",
        "holds only under a condition",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"\bonly\b[^.;,]{0,70}?\b(?:if|when|where|after|for those)\b|\bexcept (?:if|when|for)\b",
        "is to happen only in one case",
    ),
    Sign(
        CONDITIONAL,
        2,
        r"(?:^|[.;,:?] )(?:and )?(?:when|where|whenever)\b(?! (?:you|we|I|that is done|done|finished|ready)\b)",
        "says when",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\bwhen\b.*\b(?:otherwise|else|below that|above that|if not|when it|when they|when the)\b",
        "names several cases",
        but=r"\bstop when\b.*",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"(?:^|[.;,:!?] )should (?:the|it|there|any|a|an|this|that|they|we|one|no)\b[^.?]*,",
        "begins with what may turn out",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b(?:decide|determine|establish|judge|find out|choose) whether\b|\bwhether\b[^.;]*\bor\b",
        "asks for a decision whether",
        but=r"\bwhether or not\b|\b(?:regardless of|no matter) whether\b",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b(?:choose|pick|decide|select) (?:between|either|one of|among|the (?:right|appropriate|matching"
        r"|suitable))\b|\b(?:whichever|accordingly|as appropriate|whatever applies|case by case)\b"
        r"|\beither\b[^;]*\bor\b",
        "has to choose",
        but=r"\beither (?:way|side)\b",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b(?:route|send|forward|assign|direct|dispatch|pass|hand|escalate|goes|go|use|apply"
        r"|pick)\b[^.;]*\bor\b[^.;]*\b(?:according to|based on|by its|by their|as (?:the|its))\b"
        r"|\b(?:according to|based on) (?:its|their|the) (?:\w+ )?(?:type|kind|size|class|category|content"
        r"|outcome|result|severity|priority|language|amount|country|value|risk|urgency|format|status)\b",
        "sends it one way or the other",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\bfailing that\b|\bif that fails\b|\bfall(?:s|ing)? ?back (?:to|on)\b|\bas a fallback\b|\bplan b\b",
        "names what is left if it fails",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"\b(?:above|over|more than|larger than|greater than|higher than|exceeds?|exceeding|older than"
        r"|newer than)\b.*\b(?:below|less|under|smaller|lower|others?|rest|everything else|anything else"
        r"|remaining)\b",
        "treats large and small apart",
        but=r"\b(?:until|till)\b.*",
    ),
    Sign(
        CONDITIONAL,
        3,
        r"\bmeans (?:we |you |to )?(?:reject|accept|merge|stop|approve|escalate|go|retry|do|take|use)\w*\b",
        "says what a finding means",
    ),
    Sign(CONDITIONAL, 3, r"(?:^|[.;] )no \w+, no \w+", "nothing is done without it"),
)
