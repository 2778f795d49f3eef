"""The lab's own API under `/lab`: look inside, and make things go wrong."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lab.openai.state import FAULTS as ENGINE_FAULTS
from lab.people import Script
from lab.telephone import sounds, twiml
from lab.telephone.call import CallParameters, SimulatedCall
from lab.telephone.codecs import CodecUnavailable
from lab.telephone.exchange import Exchange
from lab.telephone.faults import KINDS
from realtime.audio.g711 import decode_mulaw
from realtime.audio.resample import Resampler

MAX_BODY_BYTES: Final = 256 * 1024
SPEECH_RATES_HZ: Final = (8_000, 24_000, 48_000)
VOICE_RATE_HZ: Final = 24_000
_INCOMING: Final = {"from", "to", "url", "twiml", "status_callback"}
"""What a call to one of our numbers may say."""


class JSONResponse(Response):
    """JSON written by msgspec: a long report must not stop the lines' clocks."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return msgspec.json.encode(content)


class Engines(Protocol):
    """What the control API asks of the simulated engines."""

    def as_dict(self) -> dict[str, Any]: ...
    def add_fault(self, values: Mapping[str, Any]) -> None: ...
    def reset(self) -> None: ...


def describe(script: Script) -> dict[str, Any]:
    """Return one line of the number table."""
    return {
        "number": script.number,
        "id": script.id,
        "name": dict(script.name),
        "description": script.description,
        "language": script.language,
        "answer": script.answer.value,
        "answer_after_ms": script.answer_after_ms,
        "line": script.line if isinstance(script.line, str) else dict(script.line),
    }


async def _body(request: Request) -> dict[str, Any]:
    data = await request.body()
    if len(data) > MAX_BODY_BYTES:
        raise HTTPException(413, "That is too long.")
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400, "Send a JSON object.")
    return value


class Control:
    """The control API of one lab.

    Args:
        exchange: the telephone company.
        engines: the state of the simulated engines, if they are there.
    """

    def __init__(self, exchange: Exchange, engines: Engines | None = None) -> None:
        self._exchange = exchange
        self._engines = engines

    def routes(self) -> list[Route]:
        """Return the routes, below `/lab`."""
        call = "/calls/{sid}"
        return [
            Route("/people", self.people, methods=["GET"]),
            Route("/calls", self.calls, methods=["GET"]),
            Route(call, self.call, methods=["GET"]),
            Route(f"{call}/hang-up", self.hang_up, methods=["POST"]),
            Route(f"{call}/press", self.press, methods=["POST"]),
            Route(f"{call}/audio", self.audio, methods=["GET"]),
            Route("/incoming", self.numbers, methods=["GET"]),
            Route("/incoming", self.incoming, methods=["POST"]),
            Route("/engines", self.engines, methods=["GET"]),
            Route("/line", self.line, methods=["GET", "PUT"]),
            Route("/lines", self.lines, methods=["GET"]),
            Route("/faults", self.list_faults, methods=["GET"]),
            Route("/faults", self.add_fault, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
            Route("/speech", self.speech, methods=["GET"]),
        ]

    async def people(self, request: Request) -> Response:
        """Who answers at which number."""
        people = self._exchange.people.values()
        return JSONResponse({"people": [describe(script) for script in people]})

    async def calls(self, request: Request) -> Response:
        """All calls, newest first."""
        calls = reversed(self._exchange.calls.values())
        return JSONResponse({"calls": [call.summary() for call in calls]})

    async def call(self, request: Request) -> Response:
        """Everything about one call."""
        return JSONResponse(self._find(request).as_dict())

    async def hang_up(self, request: Request) -> Response:
        """Let the callee hang up."""
        call = self._find(request)
        call.hang_up("callee")
        return JSONResponse({"sid": call.sid})

    async def press(self, request: Request) -> Response:
        """Let the callee press keys."""
        call = self._find(request)
        digits = str((await _body(request)).get("digits", ""))
        if not digits or set(digits) - set("0123456789*#"):
            raise HTTPException(400, "digits are 0-9, * and #.")
        call.press(digits)
        return JSONResponse({"sid": call.sid, "digits": digits})

    async def audio(self, request: Request) -> Response:
        """Return what one side of the line carried, as a WAV file."""
        call = self._find(request)
        side = request.query_params.get("side", "heard")
        tapes = {"heard": call.tape_heard, "sent": call.tape_sent}
        if side not in tapes:
            raise HTTPException(400, "side is heard or sent.")
        pcm = np.asarray(decode_mulaw(bytes(tapes[side].data)))
        return Response(sounds.write_wav(pcm), media_type="audio/wav")

    async def numbers(self, request: Request) -> Response:
        """Which of our numbers can be called, and where that leads."""
        config = self._exchange.config
        return JSONResponse({"numbers": config.from_numbers, "url": config.voice_url})

    async def incoming(self, request: Request) -> Response:
        """Let somebody of the number table call one of our numbers."""
        values = await _body(request)
        call = self._exchange.create(self._incoming(values))
        return JSONResponse({"sid": call.sid}, 201)

    def _incoming(self, values: Mapping[str, Any]) -> CallParameters:
        """Read who calls whom; HTTPException says what is wrong."""
        exchange, config = self._exchange, self._exchange.config
        if unknown := sorted(values.keys() - _INCOMING):
            raise HTTPException(400, f"There is no {unknown[0]}.")
        for name, value in values.items():
            if not isinstance(value, str):
                raise HTTPException(400, f"{name} is a text.")
        from_, to = values.get("from", ""), values.get("to", config.from_numbers[0])
        document = values.get("twiml", "")
        url = values.get("url", config.voice_url)
        if from_ not in exchange.people:
            raise HTTPException(400, "from is a number of /lab/people.")
        if to not in config.from_numbers:
            numbers = ", ".join(config.from_numbers)
            raise HTTPException(400, f"to is a number of the account: {numbers}.")
        if not document and not url.startswith(("http://", "https://")):
            raise HTTPException(400, "url is the voice URL of the number.")
        try:
            if document:
                twiml.parse(document)
        except twiml.TwimlError as error:
            raise HTTPException(400, f"twiml: {error.message}") from None
        return CallParameters(
            to=to,
            from_=from_,
            url=url,
            twiml=document,
            status_callback=values.get("status_callback", ""),
            direction="inbound",
        )

    async def engines(self, request: Request) -> Response:
        """What the simulated engines heard and said."""
        state = self._engines.as_dict() if self._engines else {"sessions": []}
        return JSONResponse(state)

    async def lines(self, request: Request) -> Response:
        """The catalogue of lines, and which are chosen."""
        exchange = self._exchange
        conditions = exchange.lines.conditions.values()
        return JSONResponse(
            {
                "default": exchange.line.condition,
                "numbers": dict(exchange.number_lines),
                "conditions": [
                    {
                        "id": one.id,
                        "description": one.description,
                        "source": one.source,
                        "line": one.line.as_dict(),
                    }
                    for one in conditions
                ],
            }
        )

    async def line(self, request: Request) -> Response:
        """The default line of the calls to come, or one number's, or the next's."""
        exchange = self._exchange
        if request.method == "GET":
            number = request.query_params.get("number")
            line = exchange.line_of(number) if number else exchange.line
            return JSONResponse(line.as_dict())
        choice = await _body(request)
        number, is_next = choice.pop("number", ""), choice.pop("next", False)
        if number and number not in exchange.people:
            raise HTTPException(400, "number is a number of /lab/people.")
        if not isinstance(is_next, bool):
            raise HTTPException(400, "next is true or false.")
        try:
            if is_next:
                line = exchange.set_next_line(choice, number)
            elif number:
                forget = choice == {"condition": None}
                line = exchange.set_number_line(number, None if forget else choice)
            else:
                line = exchange.set_line(choice)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        except CodecUnavailable as error:
            raise HTTPException(422, str(error)) from None
        return JSONResponse(line.as_dict())

    async def list_faults(self, request: Request) -> Response:
        """What can go wrong."""
        kinds = dict(KINDS)
        if self._engines:
            kinds |= {f"engine.{kind}": what for kind, what in ENGINE_FAULTS.items()}
        waiting = len(self._exchange.faults)
        return JSONResponse({"kinds": kinds, "waiting": waiting})

    async def add_fault(self, request: Request) -> Response:
        """Let something go wrong with the next calls."""
        values = await _body(request)
        kind = str(values.get("kind", ""))
        try:
            if kind.startswith("engine.") and self._engines:
                kind = kind.removeprefix("engine.")
                self._engines.add_fault({**values, "kind": kind})
            else:
                self._exchange.faults.add(values)
        except (TypeError, ValueError) as error:
            raise HTTPException(400, str(error)) from None
        return JSONResponse({"kind": values["kind"]}, 201)

    async def reset(self, request: Request) -> Response:
        """End every call and forget everything."""
        await self._exchange.reset()
        if self._engines:
            self._engines.reset()
        return JSONResponse({})

    async def speech(self, request: Request) -> Response:
        """Speak a text, for scripted callers."""
        values = request.query_params
        rate = values.get("rate_hz", "24000")
        if not rate.isdigit() or int(rate) not in SPEECH_RATES_HZ:
            raise HTTPException(400, "rate_hz is 8000, 24000 or 48000.")
        speed = values.get("speed_wpm", "160")
        if not speed.isdigit():
            raise HTTPException(400, "speed_wpm is a whole number.")
        try:
            pcm = await self._exchange.voice.speak(
                values.get("text", ""),
                values.get("language", "en"),
                values.get("voice", "a"),
                int(speed),
            )
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        if rate == "8000":
            pcm = sounds.to_8_khz(pcm, VOICE_RATE_HZ)
        elif rate == "48000":
            pcm = Resampler(VOICE_RATE_HZ, 48_000).process(pcm)
        return Response(sounds.write_wav(pcm, int(rate)), media_type="audio/wav")

    def _find(self, request: Request) -> SimulatedCall:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None:
            raise HTTPException(404, "There is no such call.")
        return call
