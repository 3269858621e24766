"""The table of signs: which words of a task description speak for which pattern, how strongly, and why.

1. A sign counts once, however often its words stand there; weights: 5 settles it, 3 is typical, 1 is a hint.
2. `but` names the words that look the same and mean something else: the parallel port, valid until Friday.
3. Words under a negation do not count; `denied` says for which pattern "not in parallel" speaks instead.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Pattern(Enum):
    """How the parts of a mission hang together."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    CONDITIONAL = "conditional"
    ITERATIVE = "iterative"
    PIPELINE = "pipeline"


SEQUENTIAL, PARALLEL, CONDITIONAL, ITERATIVE, PIPELINE = Pattern


@dataclass(frozen=True, slots=True)
class Sign:
    """Words that speak for a pattern. words, but: regular expressions, read without regard to case."""

    pattern: Pattern
    weight: int
    words: str
    says: str
    but: str = ""
    denied: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for a pattern. quote: the words of the description that caused it."""

    pattern: Pattern
    weight: int
    quote: str
    says: str


_N = (
    r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|several|multiple|many|some"
    r"|a few|a couple of|a number of)"
)
_ROUND = r"(?:rounds?|iterations?|attempts?|tries|passes|refinements?|revisions?|goes|retries|loops)"
_AIM = r"(?:below|under|beneath|down to|above|over|beyond|past|at least|at most|less than|fewer than|more than|within)"
_BETTER = (
    r"(?:improv|optimi[sz]|reduc|shrink|cut|tun|fine-tun|speed|lower|bring|get|push|driv|decreas|minimi[sz]|maximi[sz]"
    r"|boost|rais|increas|trim|bump|accelerat|refin|squeez|harden|tighten)(?:e|es|ing|ting|s)?\b"
)
_TIME = (
    r"(?:\d{4}\b|\d{1,2}(?::\d\d)? ?(?:am|pm|h\b|o'clock)|\d{1,2}:\d\d|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|january|february|march|april|may|june|july|august|september|october|november|december|tomorrow|today|tonight"
    r"|noon|midnight|further notice|now\b|then\b|next (?:week|month|year|quarter)|(?:the )?(?:end|start|middle) of"
    r"|(?:q[1-4]|easter|christmas)\b|(?:the )?\d{1,2}(?:st|nd|rd|th)\b)"
)

_ORDER: Final = (
    Sign(SEQUENTIAL, 2, r"\b(?:(?:and|,|;|-) then|^then|\. then)\b", "says what comes then"),
    Sign(
        SEQUENTIAL,
        2,
        r"\bafter(?:wards?| that| this| which)\b|\b(?:subsequently|thereafter|beforehand)\b|\bnext,|\bfollowed by\b",
        "says what comes after",
    ),
    Sign(SEQUENTIAL, 2, r"\b(?:finally|lastly|last of all|at the end,)", "names a last step"),
    Sign(
        SEQUENTIAL,
        3,
        r"\b(?:first(?:ly)?|second(?:ly)?|to start with|step 1|phase 1)\b.*?\b(?:second(?:ly)?|third(?:ly)?|then|next"
        r"|after(?:wards?| that)|finally|followed by|step 2|phase 2)\b",
        "counts its steps",
        but=r"\b(?:one|the first|a|per|each|every|a few|\d+) second\b",
    ),
    Sign(
        SEQUENTIAL,
        2,
        r"\b(?:once|as soon as|when|after) (?:that|this|the|it|they|all|both|those|these)\b[^.;]{0,40}?"
        r"\b(?:is|are|has been|have been|has|have) (?:\w+ed|done|ready|built|written|known|complete|live|finished|sent)\b",
        "a step waits for the one before",
        but=r"\b(?:stop|end|finish)\w* (?:when|once|as soon as|after)\b.*",
    ),
    Sign(SEQUENTIAL, 2, r"\b(?:start|begin)(?:ning)? (?:by|with)\b|\bbefore (?:you|we|\w+ing)\b", "says what comes first"),
    Sign(
        SEQUENTIAL,
        3,
        r"\bone after (?:the other|another)\b|\bin (?:this|that|the (?:following|given|right|stated)|strict|exactly this)"
        r" (?:order|sequence)\b|\b(?:in sequence|sequentially|consecutively|one step at a time|one at a time)\b",
        "asks for one after the other",
        denied=PARALLEL,
    ),
    Sign(
        SEQUENTIAL,
        3,
        r"\b(?:depends?|relies|rely|builds?|rests?|based) (?:up)?on (?:one another|each other|another|the (?:previous"
        r"|preceding|former|last|first|one before|result|output)|any other|the others?)\b"
        r"|\b(?:needs?|uses?|requires?|waits? for) (?:the (?:results?|outputs?|outcome) of|(?:one another|each other"
        r"|the (?:previous|preceding|others?)\b))",
        "one part needs the result of another",
        denied=PARALLEL,
    ),
)
_SIDE_BY_SIDE: Final = (
    Sign(
        PARALLEL,
        4,
        r"\b(?:in parallel|parallel(?:i[sz]e|ly)|run parallel|simultaneously|concurrently|side by side|all at once"
        r"|at (?:one and )?the same time|fan(?:s|ned)? (?:\w+ )?out|at the same moment)\b",
        "asks for things at the same time",
        but=r"\b(?:connect\w*|wired?|solder\w*|switched|placed|put|mounted|strings?|resistors?|capacitors?|diodes?|mosfets?"
        rf"|{_N} (?:cells?|packs?|batteries))(?: \w+)? in parallel\b|\bin parallel (?:with the|to the|to each)\b",
        denied=SEQUENTIAL,
    ),
    Sign(PARALLEL, 2, r"\bat once\b", "asks for things at the same time", denied=SEQUENTIAL),
    Sign(
        PARALLEL,
        4,
        r"\bindependent(?:ly)?(?: of|\b(?= (?:tasks?|checks?|pieces|parts|jobs|reviews?|analyses|questions)))"
        r"|\b(?:are|is|be|they're|all|mutually|completely|fully) independent\b|\bindependently\b",
        "calls them independent",
        denied=SEQUENTIAL,
    ),
    Sign(PARALLEL, 3, r"\bseparately\b|\b(?:each|everyone) (?:on (?:its|their) own|for (?:itself|themselves))\b",
         "wants each by itself"),
    Sign(
        PARALLEL,
        4,
        r"\b(?:neither|none|nothing|no (?:part|check|task|one))\b[^.;]{0,30}?\b(?:needs?|depends? on|uses?|waits? for"
        r"|blocks?|affects?|to do with) [^.;]{0,25}?\b(?:other|others|another|rest)\b|\bno (?:particular |fixed )?order\b"
        r"|\b(?:the )?order (?:does not|doesn't) matter\b|\bin any order\b|\bunrelated\b",
        "no part needs another",
    ),
    Sign(
        PARALLEL,
        3,
        r"\b(?:don't|do not|no need to|without|not|no time to|never|rather than|instead of) (?:have to )?"
        r"wait(?:ing)? for (?:one|each|any|the (?:first|others?|rest))\b",
        "nothing is to wait for anything",
    ),
    Sign(
        PARALLEL,
        3,
        rf"\b(?:different|several|separate|multiple|{_N}|various|as many) (?:\w+ )?(?:teams?|people|persons?|reviewers?"
        r"|readers?|agents?|specialists?|experts?|analysts?|colleagues?|auditors?|engineers|workers|testers)\b"
        r"|\b(?:one|an) (?:agent|specialist|reviewer|expert|person) (?:per|for each|each)\b",
        "several people share it",
    ),
    Sign(PARALLEL, 3, r"\bwhile (?:one|some|the first|you|he|she)\b[^.;]*\b(?:another|others?|the second|I)\b|\bmeanwhile\b"
         r"|\bin the meantime\b", "one works while another does"),
    Sign(PARALLEL, 2, r"\bboth\b[^.;]{1,60}\band\b", "wants both", but=r"\bboth (?:of them )?(?:accept|agree|compile|pass)"),
    Sign(PARALLEL, 2, r"\b(?:divide|split|distribute|share|spread)\b[^.;]*\b(?:by|among|amongst|between|across|over)\b",
         "divides the work"),
)
_BRANCHES: Final = (
    Sign(
        CONDITIONAL,
        3,
        r"\bif\b",
        "says if",
        but=r"\b(?:check(?:s|ing)?|see|test|verify|find out|ask|tell me|know|look|confirm|wonder|what|as|even|unsure)"
        r"(?: (?:for me|us|me|them|him|her))? if\b|\bif (?:possible|any|you (?:like|want|can)|needed|necessary|need be"
        r"|at all|I may|required|time allows|available)\b",
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
        r"\botherwise\b|\bor else\b|(?:,|;) else\b|\b(?:anything|everything|everyone|all) else\b|\bif (?:not|so|yes|no)\b",
        "names what is done otherwise",
        but=r"\b(?:unless|except where|not) otherwise\b|\botherwise (?:noted|stated|agreed|specified|identical|fine)\b",
    ),
    Sign(CONDITIONAL, 4, r"\bunless\b", "says unless", but=r"\bunless otherwise\b"),
    Sign(
        CONDITIONAL,
        5,
        r"\bdepending (?:up)?on\b|\bdepends? on (?:whether|how|what|which|the (?:size|type|kind|amount|outcome|result of the"
        r"|value|language|country|customer|severity))\b|\bsubject to\b",
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
        r"(?:^|, |\band )(?:provided|providing|assuming|supposing) (?:that |the |a |an |it |there |we )|\bon condition that\b"
        r"|\bprovided that\b|\bas long as\b",
        "holds only under a condition",
    ),
    Sign(CONDITIONAL, 3, r"\bonly\b[^.;,]{0,70}?\b(?:if|when|where|after|for those)\b|\bexcept (?:if|when|for)\b",
         "is to happen only in one case"),
    Sign(
        CONDITIONAL,
        2,
        r"(?:^|[.;,:?] )(?:and )?(?:when|where|whenever)\b(?! (?:you|we|I|that is done|done|finished|ready)\b)",
        "says when",
    ),
    Sign(CONDITIONAL, 4, r"\bwhen\b.*\b(?:otherwise|else|below that|above that|if not|when it|when they|when the)\b",
         "names several cases", but=r"\bstop when\b.*"),
    Sign(CONDITIONAL, 4, r"(?:^|[.;,:!?] )should (?:the|it|there|any|a|an|this|that|they|we|one|no)\b[^.?]*,",
         "begins with what may turn out"),
    Sign(CONDITIONAL, 4, r"\b(?:decide|determine|establish|judge|find out|choose) whether\b|\bwhether\b[^.;]*\bor\b",
         "asks for a decision whether"),
    Sign(
        CONDITIONAL,
        4,
        r"\b(?:choose|pick|decide|select) (?:between|either|one of|among|the (?:right|appropriate|matching|suitable))\b"
        r"|\b(?:whichever|accordingly|as appropriate|whatever applies|case by case)\b|\beither\b[^;]*\bor\b",
        "has to choose",
        but=r"\beither (?:way|side)\b",
    ),
    Sign(
        CONDITIONAL,
        4,
        r"\b(?:route|send|forward|assign|direct|dispatch|pass|hand|escalate|goes|go|use|apply|pick)\b[^.;]*\bor\b[^.;]*"
        r"\b(?:according to|based on|by its|by their|as (?:the|its))\b|\b(?:according to|based on) (?:its|their|the)"
        r" (?:\w+ )?(?:type|kind|size|class|category|content|outcome|result|severity|priority|language|amount|country"
        r"|value|risk|urgency|format|status)\b",
        "sends it one way or the other",
    ),
    Sign(CONDITIONAL, 4, r"\bfailing that\b|\bif that fails\b|\bfall(?:s|ing)? ?back (?:to|on)\b|\bas a fallback\b|\bplan b\b",
         "names what is left if it fails"),
    Sign(
        CONDITIONAL,
        3,
        r"\b(?:above|over|more than|larger than|greater than|higher than|exceeds?|exceeding|older than|newer than)\b.*"
        r"\b(?:below|less|under|smaller|lower|others?|rest|everything else|anything else|remaining)\b",
        "treats large and small apart",
        but=r"\b(?:until|till)\b.*",
    ),
    Sign(CONDITIONAL, 3, r"\bmeans (?:we |you |to )?(?:reject|accept|merge|stop|approve|escalate|go|retry|do|take|use)\w*\b",
         "says what a finding means"),
    Sign(CONDITIONAL, 3, r"(?:^|[.;] )no \w+, no \w+", "nothing is done without it"),
)
_REPETITION: Final = (
    Sign(
        ITERATIVE,
        5,
        rf"(?:\b(?:do not|don't|never|not) (?:stop|rest|give up|quit|done|finished|be done) )?\b(?:until|till)\b(?! {_TIME})",
        "goes on until something holds",
        but=r"\b(?:wait|hold(?: \w+)?|valid|open|closed|postpone|delay|keep (?:it|them|the \w+)|pause|run|scheduled|only"
        rf"|(?<!stop )(?<!rest )not \w+) (?:until|till)\b|\b(?:do not|don't|never) (?!stop|rest|give up|quit)[^.;,]*?\b(?:until|till)\b|\bfrom\b[^.;,]{{1,20}}\b(?:until|till)\b|\b(?:until|till) {_TIME}",
        denied=SEQUENTIAL,
    ),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:keep(?:s|ing)?|(?:go|goes|carry) on|continu(?:e|es)) (?:on )?(?!mak|monitor|log)\w+ing\b|\bgo(?:es)? on while\b",
        "asks to keep doing it",
    ),
    Sign(
        ITERATIVE,
        4,
        rf"\b(?:at most|no more than|not more than|up to|max(?:imum)?\.?(?: of)?|a maximum of|limit of|(?:over|in|for|within"
        rf"|after) )?{_N} (?:more )?(?:\w+ )?{_ROUND}\b|\b(?:at most|up to|no more than|maximum(?: of)?|max\.?) {_N}"
        r" (?:times|cycles)\b|\b(?:next|another|each|every|per|last) (?:round|iteration|attempt)\b",
        "counts rounds",
        but=rf"\b{_N} failed (?:\w+ )?attempts\b",
    ),
    Sign(
        ITERATIVE,
        5,
        r"\biterat(?:e|es|ed|ing|ive|ively|ions?)\b|\b(?:again and again|over and over|repeatedly|back and forth"
        r"|round after round|successively|start(?:s|ing)? over|trial and error|time and again|feedback loop|in a loop)\b",
        "asks for it over and over",
        but=r"\biterat\w+ (?:over|through)\b|\biteration planning\b",
        denied=SEQUENTIAL,
    ),
    Sign(ITERATIVE, 4, r"\b(?:repeat(?:s|ed|ing)?|redo|re-?iterate)\b", "asks to repeat",
         but=r"\brepeat (?:customers?|orders?|buyers?|offen\w+)\b|\brepeated(?:ly)? (?:failures?|errors?|lines?|words)\b",
         denied=SEQUENTIAL),
    Sign(ITERATIVE, 3, r"\b(?:re-?try|re-?run|re-?train|re-?measure|re-?evaluat\w+|re-?test|re-?tune|re-?profile)\b",
         "asks to try anew", denied=SEQUENTIAL),
    Sign(ITERATIVE, 3, r"\b\w+ (?:it |them |this )?again\b", "does something again", denied=SEQUENTIAL),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:while|as long as|so long as)\b[^.;]*?\b(?:above|below|over|under|exceeds?|more than|less than|remains?|still"
        r"|fails?|isn't|is not|are not|aren't|reports?|left|worse|higher|lower|stays?|improv\w+|brings?|greater)\b",
        "goes on while something holds",
        but=r"\bwhile (?:one|some|another|the (?:other|first|second))\b.*",
    ),
    Sign(
        ITERATIVE,
        4,
        rf"\b{_BETTER}[^.;?]*?\b(?:{_AIM}|to(?= (?:at least |about )?\d[\d.,]* ?%)|target(?: of)?)[^.;]{{0,25}}?\d",
        "has a figure to reach",
        but=r"\b(?:if|when|raise an?|get (?:a|the|all) (?:quotes?|invoices?|list|orders?))\b.*",
    ),
    Sign(ITERATIVE, 2, r"\b(?:optimi[sz](?:e|es|ing|ation)|improv(?:e|es|ing)|(?:fine-?)?tun(?:e|es|ing)|refin(?:e|es|ing)"
         r"|polish(?:es|ing)?|speed(?:s|ing)? up|minimi[sz]e|maximi[sz]e)\b", "asks to make it better"),
    Sign(
        ITERATIVE,
        3,
        r"\b(?:after|with) (?:each|every) (?:single )?(?:change|attempt|round|run|iteration|step|try|fix|tweak)\b"
        r"|\b(?:each|every) (?:time|round|attempt|iteration|try|pass)\b",
        "speaks of each round",
    ),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:stop(?:ping)?|finish|end|quit|done|satisfied|happy|ready) (?:only )?(?:when|once|as soon as|if|before)\b"
        r"|\bconverge[sd]?\b|\bgood enough\b|\bkeep the best\b|\bbest so far\b|\bno longer (?:improv|chang|fall|drop)\w*"
        r"|\bstop(?:s|ped)? (?:improving|falling|changing|dropping|getting)\b",
        "says when it is good enough",
        but=r"\bwhen (?:that|this|it) is done\b",
    ),
    Sign(ITERATIVE, 4, r"\bbisect\w*\b|\bbinary search\b|\bhill[- ]climb\w*\b", "narrows it down round by round"),
    Sign(ITERATIVE, 2, r"\b(?:revise[sd]?|revising|rework(?:s|ed|ing)?|redraft)\b", "takes it up anew"),
)
_FLOW: Final = (
    Sign(
        PIPELINE,
        4,
        r"\bas (?:they|it|new \w+(?: \w+)?|\w+) (?:arrives?|comes? in|drops?|lands?|appears?|trickles?|streams?|flows?)\b"
        r"|\bas soon as (?:it|they|one|each|the next)(?:'s| is| are|) (?:opened|there|in|arrives?|here|ready|available|received)\b"
        r"|\bwhenever (?:a|an|new)\b[^.;,]{1,30}\b(?:arrives?|comes in|lands|appears|drops)\b|\bcontinuous(?:ly)?\b",
        "things arrive one by one",
        but=r"\bcontinuous (?:integration|deployment|delivery|charge|discharge|current|improvement|power|rating)\b",
    ),
    Sign(PIPELINE, 2, r"\bincoming\b|\bcomes? in\b|\bnightly\b|\ba day\b|\bqueue of\b|\bbacklog\b|\binbox\b", "things keep coming"),
    Sign(
        PIPELINE,
        3,
        r"\b(?:data |live |event )?stream(?:s|ed|ing)?\b",
        "speaks of a stream",
        but=r"\b(?:live|video|up|down|main|revenue|value|work) ?stream\w*\b|\bstreamlin\w*",
    ),
    Sign(
        PIPELINE,
        5,
        r"\b(?:go|goes|going|pass|passes|passed|flow|flows|run|push|put|feed|take|send|stream|move|travel|walk|drive)s?\b"
        r"[^.;:]*?\bthrough\b(?! (?:the (?:logs?|lists?|code|document|notes|files|mails?))\b)[^.;:]*?(?:,| and | then |→)",
        "things go through one station after another",
    ),
    Sign(PIPELINE, 4, r"\bflows?\b[^.;]*?\b(?:from|into|through)\b", "things flow from one station to the next",
         but=r"\b(?:cash|work|data|air|water|control|gas) ?flow\b"),
    Sign(PIPELINE, 4, r"\bassembly line\b|\bconveyor\b|\bproduction line of\b|\bstage by stage\b|\bstation to station\b",
         "works like an assembly line"),
    Sign(PIPELINE, 3, r"\b(?:several|each|every|all|the|its|next|these|three|four|five|multiple|a) (?:\w+ )?stages?\b|\bstages\b",
         "speaks of stages", but=r"\b(?:at this stage|output stages?|power stages?|(?:two|one|single|first|early)[- ]stage)\b"),
    Sign(PIPELINE, 5, r"\bETL\b|\bELT\b|\bextract\w*\b[^.;]*\btransform\w*\b[^.;]*\bload\w*\b", "extracts, transforms and loads"),
    Sign(
        PIPELINE,
        4,
        r"\b(?:data|processing|ingestion|ingest|streaming|document|image|text) pipeline\b|\bpipeline (?:of|that|which|with|to)\b"
        r"|\bpipelin(?:e|ed|ing) (?:the|all|them)\b|\bas a pipeline\b",
        "speaks of a pipeline of work",
        but=r"\b(?:gas|oil|water|steam|sales|hydrogen) pipeline\b",
        denied=SEQUENTIAL,
    ),
    Sign(PIPELINE, 3, r"\bone\b[^.;]*?\bthe next\b[^.;]*?\b(?:the )?(?:last|third|final)\b", "hands things on from one to the next",
         but=r"\bone (?:before|after)\b.*"),
    Sign(PIPELINE, 2, r"\b(?:feed|hand|pass)(?:s|es|ing)?\b[^.;]*?\b(?:into|on to|over to|to) the\b[^.;]*\b(?:and|,)",
         "hands things on from one to the next"),
    Sign(PIPELINE, 2, r"\b(?:in|as) (?:chunks|batches|portions) of\b|\bbatch of\b|\bin batches\b|\bbatch-?wise\b",
         "speaks of batches"),
    Sign(PIPELINE, 2, r"\bone is (?:still )?being\b|\bwhile the (?:first|previous|next|other)\b[^.;]*\bis (?:still )?being\b"
         r"|\bwait for the (?:others|rest)\b", "stages overlap"),
)
SIGNS: Final = (*_ORDER, *_SIDE_BY_SIDE, *_BRANCHES, *_REPETITION, *_FLOW)
