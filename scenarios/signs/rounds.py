"""Signs that something is done until it is good enough."""

from typing import Final

from scenarios.signs.sign import ITERATIVE, NUMBER, SEQUENTIAL, Sign

_ROUND: Final = r"(?:rounds?|iterations?|attempts?|tries|passes|refinements?|revisions?|goes|retries|loops)"
_AIM: Final = (
    r"(?:below|under|beneath|down to|above|over|beyond|past|at least|at most|less than|fewer than|more than"
    r"|within)"
)
_BETTER: Final = (
    r"(?:improv|optimi[sz]|reduc|shrink|cut|tun|fine-tun|speed|lower|bring|get|push|driv|decreas|minimi[sz]"
    r"|maximi[sz]|boost|rais|increas|trim|bump|accelerat|refin|squeez|harden|tighten)(?:e|es|ing|ting|s)?\b"
)

_TIME: Final = (
    r"(?:\d{4}\b|\d{1,2}\.\d{1,2}\.|\d{1,2}(?::\d\d)? ?(?:am|pm|h\b|o'clock)|\d{1,2}:\d\d|(?:mon|tues|wednes"
    r"|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october|november"
    r"|december|tomorrow|today|tonight|noon|midnight|further notice|now\b|then\b|next (?:week|month|year|quarter)"
    r"|(?:the )?(?:end|start|middle) of|(?:q[1-4]|easter|christmas)\b|(?:the )?\d{1,2}(?:st|nd|rd|th)\b)"
)

ROUNDS: Final = (
    Sign(
        ITERATIVE,
        5,
        rf"(?:\b(?:do not|don't|never|not) (?:stop|rest|give up|quit|done|finished|be done) )?\b(?:until"
        rf"|till)\b(?! {_TIME})",
        "goes on until something holds",
        but=r"\b(?:wait|hold(?: \w+)?|valid|open|closed|postpone|delay|keep (?:it|them|the \w+)|pause|run"
        r"|scheduled|only"
        rf"|(?<!stop )(?<!rest )not \w+) (?:until|till)\b|\b(?:do not|don't|never) (?!stop|rest|give up"
        rf"|quit)[^.;,]*?\b(?:until|till)\b|\bfrom\b[^.;,]{{1,20}}\b(?:until|till)\b|\b(?:until|till) {_TIME}",
        denied=SEQUENTIAL,
    ),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:keep(?:s|ing)?|(?:go|goes|carry) on|continu(?:e|es)) (?:on )?(?!mak|monitor|log)\w+ing\b"
        r"|\bkeep (?:the \w+|it|them) (?!work|runn|go)\w+ing\b|\bgo(?:es)? on while\b",
        "asks to keep doing it",
    ),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:(?:at most|no more than|not more than|up to|max(?:imum)?\.?(?: of)?|a maximum of|limit of|over|in"
        r"|for"
        rf"|within|after) )?{NUMBER} (?:more )?(?:\w+ )?{_ROUND}\b|\b(?:at most|up to|no more than"
        rf"|maximum(?: of)?|max\.?) {NUMBER}"
        r" (?:times|cycles)\b|\b(?:a couple of|a few|several) times\b|\b(?:next|another|each|every|per"
        r"|last) (?:round|iteration|attempt)\b",
        "counts rounds",
        but=rf"\b{NUMBER} failed (?:\w+ )?attempts\b",
    ),
    Sign(
        ITERATIVE,
        5,
        r"\biterat(?:e|es|ed|ing|ive|ively|ions?)\b|\b(?:again and again|over and over|repeatedly|back and forth"
        r"|round (?:after|by) round|incrementally|progressively|gradually|as often as|as many times as|loop until"
        r"|successively|start(?:s|ing)? over|trial and error|time and again|feedback loop|in a loop)\b",
        "asks for it over and over",
        but=r"\biterat\w+ (?:over|through)\b|\biteration planning\b|\b(?:of|about|on) (?:our|the|an?) iterative\b"
        r"|\biterative (?:solvers?|methods?|algorithms?|decod\w+)\b|\bfeedback loop (?:of|in|stability"
        r"|compensation|gain)\b|\bin a loop antenna\b",
        denied=SEQUENTIAL,
    ),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:repeat(?:s|ed|ing)?|redo|re-?iterate)\b",
        "asks to repeat",
        but=r"\brepeat (?:customers?|orders?|buyers?|offen\w+)\b|\brepeated(?:ly)? (?:failures?|errors?|lines?"
        r"|words)\b",
        denied=SEQUENTIAL,
    ),
    Sign(
        ITERATIVE,
        3,
        r"(?<!the )(?<!a )(?<!our )(?<!its )(?<!of )\b(?:re-?try|retries|re-?calibrate|re-?train|re-?measure"
        r"|re-?evaluat\w+|re-?test|re-?tune|re-?profile)\b",
        "asks to try anew",
        denied=SEQUENTIAL,
    ),
    Sign(ITERATIVE, 3, r"\b\w+ (?:it |them |this )?again\b", "does something again", denied=SEQUENTIAL),
    Sign(
        ITERATIVE,
        4,
        r"\b(?:while|as long as|so long as)\b[^.;]*?\b(?:above|below|over|under|exceeds?|more than|less than"
        r"|remains?|still|fails?|isn't|is not|are not|aren't|reports?|left|worse|higher|lower|stays?|goes (?:up"
        r"|down)|rises?|falls?|grows?|increas\w+|decreas\w+|improv\w+|brings?|greater)\b",
        "goes on while something holds",
        but=r"\bwhile (?:one|some|another|the (?:other|first|second))\b.*",
    ),
    Sign(
        ITERATIVE,
        4,
        rf"\b{_BETTER}[^.;?]*?\b(?:{_AIM}|to(?= (?:at least |about )?\d[\d.,]* ?%)"
        rf"|target(?: of)?)[^.;]{{0,25}}?(?:\d|\b{NUMBER}\b|zero|half)"
        r"|\b(?:reach|meet|hit|achieve)(?:es|s)?\b[^.;]*?(?:\btarget|\bgoal|\bcriteri|\d[\d.,]* ?%)",
        "has a figure to reach",
        but=r"\b(?:if|when|raise an?|get (?:a|the|all) (?:quotes?|invoices?|list|orders?))\b.*",
    ),
    Sign(
        ITERATIVE,
        2,
        r"\b(?:optimi[sz](?:e|es|ing|ation)|improv(?:e|es|ing)|(?:fine-?)?tun(?:e|es|ing)|refin(?:e|es|ing)"
        r"|polish(?:es|ing)?|speed(?:s|ing)? up|minimi[sz]e|maximi[sz]e)\b",
        "asks to make it better",
    ),
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
        r"\b(?:stop(?:ping)?|finish|end|quit|done|satisfied|happy|ready) (?:only )?(?:when|once|as soon as|if"
        r"|before)\b|\bconverge[sd]?\b|\bgood enough\b|\bkeep the best\b|\bbest so far\b|\bno longer (?:improv"
        r"|chang|fall|drop)\w*|\bstop(?:s|ped)? (?:improving|falling|changing|dropping|getting)\b",
        "says when it is good enough",
        but=r"\bwhen (?:that|this|it) is done\b",
    ),
    Sign(
        ITERATIVE,
        3,
        r"\b(?:get|make|turn|bring) (?:all |the |every |these |our )[\w -]{2,30} (?:green|pass|to pass|compile"
        r"|to compile|clean)\b|\band so on\b|\bgo again\b",
        "goes on until it is right",
    ),
    Sign(ITERATIVE, 4, r"\bbisect\w*\b|\bbinary search\b|\bhill[- ]climb\w*\b", "narrows it down round by round"),
    Sign(ITERATIVE, 2, r"\b(?:revise[sd]?|revising|rework(?:s|ed|ing)?|redraft)\b", "takes it up anew"),
)
