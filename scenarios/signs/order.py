"""Signs of an order among the steps, and of none."""

from typing import Final

from scenarios.signs.sign import NUMBER, PARALLEL, SEQUENTIAL, Sign

ORDER: Final = (
    Sign(
        SEQUENTIAL,
        3,
        r"^(?:please |can you |could you )?(?:explain|describe|document (?:the|how)|what (?:is|does|do)|why"
        r"|how (?:does|do|is)|investigate why|find out why)\b",
        "asks about something, whatever its words",
    ),
    Sign(SEQUENTIAL, 2, r"\b(?:(?:and|,|;|-) then|^then|\. then)\b", "says what comes then"),
    Sign(
        SEQUENTIAL,
        2,
        r"\bafter(?:wards?| that| this| which)\b|\b(?:subsequently|thereafter|beforehand|only then|prior to"
        r"|upon completion)\b|\bnext,|\bfollowed by\b|\bafter \w+ing\b",
        "says what comes after",
    ),
    Sign(SEQUENTIAL, 2, r"\b(?:finally|lastly|last of all|at the end,)", "names a last step"),
    Sign(
        SEQUENTIAL,
        3,
        r"\b(?:first(?:ly)?|second(?:ly)?|to start with|step 1|phase 1)\b.*?\b(?:second(?:ly)?|third(?:ly)?|then"
        r"|next|after(?:wards?| that)|finally|followed by|step 2|phase 2)\b",
        "counts its steps",
        but=r"\b(?:one|the first|a|per|each|every|a few|\d+) second\b",
    ),
    Sign(
        SEQUENTIAL,
        2,
        r"\b(?:once|as soon as|when|after) (?:that|this|the|it|they|all|both|those|these)\b[^.;]{0,40}?\b(?:is"
        r"|are|has been|have been|has|have) (?:\w+ed|done|ready|built|written|known|complete|live|finished|sent)\b",
        "a step waits for the one before",
        but=r"\b(?:stop|end|finish)\w* (?:when|once|as soon as|after)\b.*",
    ),
    Sign(
        SEQUENTIAL,
        2,
        r"\b(?:start|begin)(?:ning)? (?:by|with)\b|\bbefore (?:you|we|\w+ing)\b",
        "says what comes first",
    ),
    Sign(
        SEQUENTIAL,
        3,
        r"\bone after (?:the other|another)\b|\bin (?:this|that|the (?:following|given|right|stated)|strict"
        r"|exactly this) (?:order|sequence)\b|\b(?:in sequence|sequentially|consecutively|one step at a time"
        r"|one at a time)\b",
        "asks for one after the other",
        denied=PARALLEL,
    ),
    Sign(
        SEQUENTIAL,
        3,
        r"\b(?:depends?|relies|rely|builds?|rests?|based) (?:up)?on (?:one another|each other|another"
        r"|the (?:previous|preceding|former|last|first|one before|result|output)|any other|the others?)\b"
        r"|\b(?:needs?|uses?|requires?|waits? for) (?:the (?:results?|outputs?|outcome) of|(?:one another"
        r"|each other|the (?:previous|preceding|others?)\b))",
        "one part needs the result of another",
        denied=PARALLEL,
    ),
)

SIDE_BY_SIDE: Final = (
    Sign(
        PARALLEL,
        4,
        r"\b(?:in parallel|parallel(?:i[sz]e|ly)|run parallel|simultaneously|concurrently|side by side"
        r"|all at once|at (?:one and )?the same time|fan(?:s|ned)? (?:\w+ )?out|at the same moment)\b",
        "asks for things at the same time",
        but=r"\b(?:connect\w*|wired?|solder\w*|switched|placed|put|mounted|strings?|resistors?|capacitors?"
        r"|diodes?|mosfets?"
        rf"|{NUMBER} (?:cells?|packs?|batteries))(?: \w+)? in parallel\b|\bin parallel (?:with the|to the"
        rf"|to each)\b",
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
    Sign(
        PARALLEL,
        3,
        r"\b(?:separately|individually|in isolation|concurrent (?:runs?|checks?|tasks?|jobs?))\b|\b(?:each"
        r"|everyone) (?:on (?:its|their) own|for (?:itself|themselves))\b",
        "wants each by itself",
    ),
    Sign(
        PARALLEL,
        4,
        r"\b(?:neither|none|nothing|no (?:part|check|task|one))\b[^.;]{0,30}?\b(?:needs?|depends? on|uses?"
        r"|waits? for|blocks?|affects?|to do with) [^.;]{0,25}?\b(?:other|others|another|rest)\b"
        r"|\bno (?:particular |fixed )?order\b|\b(?:the )?order (?:does not|doesn't) matter\b|\bin any order\b"
        r"|\bunrelated\b|\bno (?:\w+ )?dependenc(?:y|ies)\b",
        "no part needs another",
    ),
    Sign(
        PARALLEL,
        3,
        r"\b(?:don't|do not|no need to|without|not|no time to|never|rather than"
        r"|instead of) (?:have to )?wait(?:ing)? for (?:one|each|any|the (?:first|others?|rest))\b",
        "nothing is to wait for anything",
    ),
    Sign(
        PARALLEL,
        3,
        rf"\b(?:different|several|separate|multiple|{NUMBER}|various|as many) (?:\w+ )?(?:teams?|people|persons?"
        rf"|reviewers?"
        r"|readers?|agents?|specialists?|experts?|analysts?|colleagues?|auditors?|engineers|workers|testers)\b"
        r"|\b(?:one|an) (?:agent|specialist|reviewer|expert|person) (?:per|for each|each)\b",
        "several people share it",
    ),
    Sign(
        PARALLEL,
        3,
        r"\bwhile (?:the |our )?\w+ (?:checks|tests|reviews|measures|verifies|works|reads|writes|prepares|does"
        r"|looks)\b|\bwhile (?:one|some|the first|you|he|she)\b[^.;]*\b(?:another|others?|the second|I)\b"
        r"|\bmeanwhile\b|\bin the meantime\b",
        "one works while another does",
    ),
    Sign(
        PARALLEL,
        2,
        r"\bboth\b[^.;]{1,60}\band\b",
        "wants both",
        but=r"\bboth (?:of them )?(?:accept|agree|compile|pass)",
    ),
    Sign(
        PARALLEL,
        2,
        r"\b(?:divide|split|distribute|share|spread)\b[^.;]*\b(?:by|among|amongst|between|across|over)\b",
        "divides the work",
    ),
)
