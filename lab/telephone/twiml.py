"""TwiML: a document in, a list of verbs out.  Pure.

Only what a telephone relay can use is understood.  A verb that Twilio has and the lab
lacks is an error that says so, rather than a silence that looks like success.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree

MAX_PARAMETER_CHARS: Final = 500
"""Name and value of one <Parameter> together must stay below this (Twilio)."""
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")

NOT_SIMULATED: Final = frozenset(
    [
        "Enqueue",
        "Leave",
        "Pay",
        "Prompt",
        "Queue",
        "Refer",
        "Siprec",
        "Sms",
        "Start",
        "Stop",
        "Message",
        "Conference",
        "ConversationRelay",
        "Transcription",
        "VirtualAgent",
    ]
)
"""Verbs and nouns that exist at Twilio and not here."""


class TwimlError(Exception):
    """The document cannot be executed.

    Args:
        code: Twilio's error code.
        message: what is wrong with it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en-US"
    voice: str = "man"
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    url: str = ""
    digits: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    length_s: float = 1


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Stream:
    url: str
    name: str = ""
    track: str = "inbound_track"
    parameters: dict[str, str] = field(default_factory=dict)
    status_callback: str = ""
    status_callback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Connect:
    stream: Stream
    action: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Record:
    action: str = ""
    method: str = "POST"
    timeout_s: float = 5
    max_length_s: float = 3600
    finish_on_key: str = "1234567890*#"
    play_beep: bool = True
    status_callback: str = ""
    status_callback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Gather:
    action: str = ""
    method: str = "POST"
    timeout_s: float = 5
    n_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty_result: bool = False
    prompts: tuple["Say | Play | Pause", ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """Whom <Dial> calls: one telephone number."""

    number: str
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_callback_events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Dial:
    number: Number
    action: str = ""
    method: str = "POST"
    timeout_s: float = 30
    time_limit_s: float = 4 * 3600
    caller_id: str = ""


Verb = (
    Say | Play | Pause | Redirect | Hangup | Reject | Connect | Record | Gather | Dial
)


@dataclass(frozen=True, slots=True)
class Document:
    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()
    """What Twilio would report as a schema warning (12200) and skip."""


def _flag(element: ElementTree.Element, name: str, default: bool) -> bool:
    return element.get(name, str(default)).strip().lower() == "true"


def _number(element: ElementTree.Element, name: str, default: float) -> float:
    text = element.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1
    if value < 0:
        raise TwimlError(12200, f"<{element.tag} {name}={text!r}> is not a number.")
    return value


def _method(element: ElementTree.Element, name: str = "method") -> str:
    method = element.get(name, "POST").upper()
    if method not in ("GET", "POST"):
        raise TwimlError(12200, f"<{element.tag}> knows GET and POST, not {method}.")
    return method


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _say(element: ElementTree.Element) -> Say:
    return Say(
        text=_text(element),
        language=element.get("language", "en-US"),
        voice=element.get("voice", "man"),
        loop=int(_number(element, "loop", 1)),
    )


def _play(element: ElementTree.Element) -> Play:
    url, digits = (element.text or "").strip(), element.get("digits", "")
    if not url and not digits:
        raise TwimlError(13325, "<Play> needs a URL or digits.")
    if set(digits) - set("0123456789*#wW"):
        raise TwimlError(13325, f"<Play digits={digits!r}> has an unknown digit.")
    return Play(url=url, digits=digits, loop=int(_number(element, "loop", 1)))


def _pause(element: ElementTree.Element) -> Pause:
    return Pause(_number(element, "length", 1))


def _redirect(element: ElementTree.Element) -> Redirect:
    return Redirect((element.text or "").strip(), _method(element))


def _stream(element: ElementTree.Element) -> Stream:
    url = (element.get("url") or (element.text or "")).strip()
    if not url.startswith(("ws://", "wss://")):
        raise TwimlError(31922, "<Stream url> must begin with wss:// (ws:// here).")
    track = element.get("track", "inbound_track")
    if track != "inbound_track":
        raise TwimlError(31941, "<Connect><Stream> carries the inbound_track only.")
    parameters = {}
    for child in element:
        if child.tag != "Parameter":
            raise TwimlError(12200, f"<Stream> holds no <{child.tag}>.")
        name, value = child.get("name", ""), child.get("value", "")
        if len(name) + len(value) >= MAX_PARAMETER_CHARS:
            raise TwimlError(12200, f"<Parameter name={name!r}> is too long.")
        parameters[name] = value
    return Stream(
        url=url,
        name=element.get("name", ""),
        track=track,
        parameters=parameters,
        status_callback=element.get("statusCallback", ""),
        status_callback_method=_method(element, "statusCallbackMethod"),
    )


def _connect(element: ElementTree.Element) -> Connect:
    nouns = [child for child in element if child.tag == "Stream"]
    if len(nouns) != 1 or len(element) != 1:
        raise TwimlError(12200, "The lab's <Connect> holds exactly one <Stream>.")
    return Connect(
        stream=_stream(nouns[0]),
        action=element.get("action", ""),
        method=_method(element),
    )


def _record(element: ElementTree.Element) -> Record:
    return Record(
        action=element.get("action", ""),
        method=_method(element),
        timeout_s=_number(element, "timeout", 5),
        max_length_s=_number(element, "maxLength", 3600),
        finish_on_key=element.get("finishOnKey", "1234567890*#"),
        play_beep=_flag(element, "playBeep", True),
        status_callback=element.get("recordingStatusCallback", ""),
        status_callback_method=_method(element, "recordingStatusCallbackMethod"),
    )


def _gather(element: ElementTree.Element) -> Gather:
    if "speech" in element.get("input", "dtmf"):
        raise TwimlError(12200, "The lab's <Gather> listens for keys only.")
    prompts: list[Say | Play | Pause] = []
    for child in element:
        match child.tag:
            case "Say":
                prompts.append(_say(child))
            case "Play":
                prompts.append(_play(child))
            case "Pause":
                prompts.append(_pause(child))
            case other:
                raise TwimlError(12200, f"<Gather> holds no <{other}>.")
    n_digits = _number(element, "numDigits", 0)
    return Gather(
        action=element.get("action", ""),
        method=_method(element),
        timeout_s=_number(element, "timeout", 5),
        n_digits=int(n_digits) or None,
        finish_on_key=element.get("finishOnKey", "#"),
        action_on_empty_result=_flag(element, "actionOnEmptyResult", False),
        prompts=tuple(prompts),
    )


def _number_noun(element: ElementTree.Element, text: str) -> Number:
    number = re.sub(r"[\s().-]", "", text)
    if not _E164.fullmatch(number):
        raise TwimlError(13223, f"<Dial>: {text!r} is not a telephone number (E.164).")
    return Number(
        number,
        status_callback=element.get("statusCallback", ""),
        status_callback_method=_method(element, "statusCallbackMethod"),
        status_callback_events=tuple(
            element.get("statusCallbackEvent", "completed").split()
        ),
    )


def _dial(element: ElementTree.Element) -> Dial:
    nouns = list(element)
    others = sorted({child.tag for child in nouns} - {"Number"})
    if others:
        raise TwimlError(12200, f"The lab's <Dial> calls no <{others[0]}>.")
    if len(nouns) > 1:
        raise TwimlError(12200, "The lab's <Dial> calls one number at a time.")
    noun = nouns[0] if nouns else ElementTree.Element("Number")
    text = _text(nouns[0]) if nouns else _text(element)
    return Dial(
        _number_noun(noun, text),
        action=element.get("action", ""),
        method=_method(element),
        timeout_s=_number(element, "timeout", 30),
        time_limit_s=_number(element, "timeLimit", 4 * 3600),
        caller_id=element.get("callerId", ""),
    )


_PARSERS: Final[dict[str, Callable[[ElementTree.Element], Verb]]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Redirect": _redirect,
    "Hangup": lambda element: Hangup(),
    "Reject": lambda element: Reject(element.get("reason", "rejected")),
    "Connect": _connect,
    "Record": _record,
    "Gather": _gather,
    "Dial": _dial,
}


def parse(text: str | bytes) -> Document:
    """Read a TwiML document.

    Args:
        text: the body of the answer to a voice webhook.

    Returns:
        Its verbs in order.

    Raises:
        TwimlError: not XML or with a DTD (12100), not a <Response> (12100), a value
            Twilio rejects, or a verb that the lab does not simulate (12200).
    """
    if isinstance(text, str):
        text = text.encode()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise TwimlError(12100, "Document parse failure: no DTD is allowed.")
    try:
        # No DTD, so no entities to expand.
        root = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12100, f"The document is a <{root.tag}>, not a <Response>.")
    verbs: list[Verb] = []
    warnings: list[str] = []
    for element in root:
        parser = _PARSERS.get(element.tag)
        if parser is not None:
            verbs.append(parser(element))
        elif element.tag in NOT_SIMULATED:
            raise TwimlError(12200, f"The lab does not simulate <{element.tag}>.")
        else:
            warnings.append(f"<{element.tag}> is not a TwiML verb.")
    return Document(tuple(verbs), tuple(warnings))
