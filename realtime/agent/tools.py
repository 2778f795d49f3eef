"""What the agent can do besides speaking: its tools, and the check of their arguments.

Pure.  Each tool is a struct: its fields are the JSON schema that the model is given and
the check of what it sends, so the two cannot differ.
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=500)]
Date = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="YYYY-MM-DD, no other form.")
]
Time = Annotated[
    str,
    Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM, 24 hours."),
]


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all tools; the docstring is what the model reads."""


class ConfirmReservation(Tool, frozen=True):
    """Record an appointment or reservation that the other side has agreed to.

    Call it when you have read date and time back and they said yes.
    """

    what: Annotated[Text, Meta(description="What was agreed, e.g. table for four.")]
    date: Date
    time: Time
    name: Annotated[
        str, Meta(max_length=120, description="Under which name, if one was given.")
    ] = ""
    reference: Annotated[
        str, Meta(max_length=120, description="Number or code of the booking.")
    ] = ""
    note: Annotated[
        str, Meta(max_length=500, description="Conditions, place, what to bring.")
    ] = ""


class CollectInfo(Tool, frozen=True):
    """Record one thing that the other side has told you, at once."""

    name: Annotated[
        Text, Meta(description="Its name in must_learn, or a short name of your own.")
    ]
    value: Annotated[Text, Meta(description="What they said, digits as digits.")]


class SendDigits(Tool, frozen=True):
    """Press keys of the telephone, for a voice menu."""

    digits: Annotated[
        str,
        Meta(
            pattern=r"^[0-9*#w]{1,32}$",
            description="0-9, * and #; w waits half a second.",
        ),
    ]


class AskOwner(Tool, frozen=True):
    """Ask the owner of the call something that the brief does not say.

    The answer comes as the output; without one, it says what to do.
    """

    question: Annotated[
        Text, Meta(description="In the owner's language, to be answered in a word.")
    ]


class ScheduleCallback(Tool, frozen=True):
    """Record that somebody will call again."""

    who: Annotated[
        Literal["owner", "callee"], Meta(description="Who calls: ours or they.")
    ]
    when: Annotated[Text, Meta(description="As it was agreed, in words.")]
    reason: Annotated[Text, Meta(description="What is still open.")]
    date: Date | None = None
    time: Time | None = None


class TakeMessage(Tool, frozen=True):
    """Record a message for the owner, once it has been read back and confirmed.

    Another call replaces the message of the same name.
    """

    name: Annotated[Text, Meta(description="Who leaves it, as they said it.")]
    message: Annotated[
        str, Meta(min_length=1, max_length=2000, description="All of it, no summary.")
    ]
    number: Annotated[
        str,
        Meta(
            max_length=40,
            description="Where they can be reached; empty: where they call from.",
        ),
    ] = ""
    urgency: Annotated[
        Literal["low", "normal", "high"],
        Meta(description="high: they said that it cannot wait."),
    ] = "normal"


class Transfer(Tool, frozen=True):
    """Put the other side through to a person of the line; you leave the call.

    They are told to wait for it. If it is not possible, the output says so.
    """

    reason: Annotated[Text, Meta(description="Why, in one sentence for the owner.")]


class EndCall(Tool, frozen=True):
    """End the call, because all is done or cannot be done.

    You are then asked to say goodbye, and after that the line is closed.
    """

    outcome: Annotated[
        Literal["success", "partial", "callback_needed", "failed"],
        Meta(description="success: the goal is reached and all required is known."),
    ]
    reason: Annotated[Text, Meta(description="One sentence for the owner.")]


TOOLS: Final[dict[str, type[Tool]]] = {
    "confirm_reservation": ConfirmReservation,
    "collect_info": CollectInfo,
    "send_digits": SendDigits,
    "ask_owner": AskOwner,
    "schedule_callback": ScheduleCallback,
    "take_message": TakeMessage,
    "transfer": Transfer,
    "end_call": EndCall,
}
CALL_TOOLS: Final = (
    "confirm_reservation",
    "collect_info",
    "send_digits",
    "ask_owner",
    "schedule_callback",
    "end_call",
)
"""What it can do in a call that we make; a reception says itself what it can."""


def schemas(names: Iterable[str] = CALL_TOOLS) -> list[dict[str, Any]]:
    """Return tools as `session.tools` of `/realtime` takes them.

    Args:
        names: which.
    """
    kinds = [(name, TOOLS[name]) for name in names]
    return [
        {
            "type": "function",
            "name": name,
            "description": " ".join((kind.__doc__ or "").split()),
            "parameters": _parameters(kind),
        }
        for name, kind in kinds
    ]


def _parameters(kind: type[Tool]) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    for name in ("title", "description"):
        schema.pop(name, None)
    found: dict[str, Any] = schema
    return found


class BadCallError(ValueError):
    """The arguments of a call are of no use; the text tells the model what to fix."""


def read(
    name: str,
    arguments: str,
    *,
    today: str = "",
    names: Sequence[str] = CALL_TOOLS,
) -> Tool:
    """Check a call of the model's.

    Args:
        name: of the tool.
        arguments: JSON, as the model wrote it.
        today: ISO 8601 date at the beginning; nothing can be agreed before it.
        names: of the tools that there are.

    Raises:
        BadCallError: no such tool, or arguments that cannot be used.
    """
    kind = TOOLS.get(name) if name in names else None
    if kind is None:
        raise BadCallError(f"There is no tool {name}. There are: {', '.join(names)}.")
    try:
        tool = msgspec.json.decode(arguments or "{}", type=kind)
    except msgspec.MsgspecError as error:
        raise BadCallError(f"{name}: {error}. Correct it and call again.") from error
    date = getattr(tool, "date", None)
    if date is not None:
        _check_date(name, date, today[:10])
    return tool


def _check_date(name: str, date: str, today: str) -> None:
    try:
        datetime.date.fromisoformat(date)
    except ValueError as error:
        raise BadCallError(
            f"{name}: date: {date} is not in the calendar. Ask which day is meant."
        ) from error
    if today and date < today:
        raise BadCallError(
            f"{name}: date: {date} is past, today is {today}. Correct it, call again."
        )
