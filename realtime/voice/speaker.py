"""The system's own voice: text and language in, sound out, never a surprise.

Each sentence is one out-of-band response on a `/realtime` session of the call's own;
the transcript of what was really spoken is compared with the text, and a sentence that
was not read out verbatim is asked for once more and then given up.  Finished sentences
are kept, so that the usual ones cost nothing from the second call on: in this process,
and those that will be said again (our own lines, saved phrases) beyond it.  What
somebody has typed once is kept no longer than the process lives.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog

from realtime.config import ENGINE_HZ
from realtime.engines import voice
from realtime.engines.usage import Role, Usage, of_realtime
from realtime.events import Pcm
from realtime.protocols import openai_realtime as wire
from realtime.sockets import EngineRefusedError, EngineSocket
from realtime.voice import sounds_kept, verbatim

log = structlog.get_logger(__name__)

RENDER_TIMEOUT_S: Final = 8.0
ATTEMPTS: Final = 2
PREPARED_AT_ONCE: Final = 2
"""More would be in the way of what is typed meanwhile."""
CLOSE_ENOUGH: Final = 0.9
"""Our own lines have no numbers and no names: so much of them, and they are understood.
"""


def forget_all() -> None:
    """Empty this process's store of sentences."""
    sounds_kept.memory.clear()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence that was spoken into memory.

    Attributes:
        pcm: int16 mono at 24 kHz.
        spoken_text: the transcript of what was said; the text itself from the store.
        is_verbatim: what was said is what was written (`realtime.voice.verbatim`).
        differences: where not, as (start, end) in the text.
        attempts: how often it was asked for; 0: it was in the store.
    """

    pcm: Pcm
    spoken_text: str
    is_verbatim: bool
    differences: tuple[tuple[int, int], ...] = ()
    attempts: int = 0


class _Request:
    """One response on its way."""

    def __init__(self) -> None:
        self.chunks: list[Pcm] = []
        self.spoken = ""
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def finish(self, is_complete: bool) -> None:
        if not self.done.done():
            self.done.set_result(is_complete)


class Speaker:
    """Speak sentences into memory.

    Args:
        url: of the provider's sockets, without the path.
        api_key: bearer token.
        model: the voice model.
        safety_id: who the call is for; hashed.
        own_voice: that it speaks with.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        model: str,
        safety_id: str = "",
        own_voice: str = voice.VOICE,
    ) -> None:
        self._model = model
        self._voice = own_voice
        self._url = f"{url}{voice.PATH}?model={model}"
        self._api_key = api_key
        self._safety_id = safety_id
        self._socket: EngineSocket | None = None
        self._lost: EngineSocket | None = None
        self._opening = asyncio.Lock()
        self._requests: dict[str, _Request] = {}
        self._by_response: dict[str, _Request] = {}
        self._unpaid: list[Usage] = []

    async def open(self) -> None:
        """Open and configure the session unless it is open.

        Raises:
            EngineRefusedError: the provider did not accept it.
        """
        async with self._opening:
            if self._socket is not None:
                return
            await self._close_lost()
            socket = EngineSocket(
                url=self._url,
                api_key=self._api_key,
                update=voice.session_update(self._model, self._voice),
                on_event=self._on_event,
                on_lost=self._on_lost,
                safety_id=self._safety_id,
            )
            await socket.open()
            self._socket = socket

    async def render(self, text: str, language: str) -> Pcm:
        """Speak one of our own lines into memory.

        Args:
            text: what is to be said, word for word.
            language: ISO 639-1.

        Returns:
            PCM, int16 mono at 24 kHz.

        Raises:
            EngineRefusedError: not spoken, or not as written, twice.
        """
        spoken = await self._read_out(
            text, language, keep=True, least_similarity=CLOSE_ENOUGH
        )
        if not spoken.is_verbatim:
            raise EngineRefusedError("not_verbatim")
        return spoken.pcm

    async def say(
        self,
        text: str,
        language: str,
        *,
        keep: bool = False,
        on_repeat: Callable[[], None] | None = None,
    ) -> Spoken:
        """Speak a sentence of the caller's into memory, exactly.

        Args:
            text: what is to be said, word for word, in its language.
            language: ISO 639-1.
            keep: it will be said again (a saved phrase, a quick reply): keep it beyond
                this process.
            on_repeat: called when it was not read out as written, and before it is
                asked for again.

        Returns:
            what was spoken; `is_verbatim` is False if it differed every time, and then
            it is the attempt that differed least.

        Raises:
            EngineRefusedError: not spoken at all.
        """
        return await self._read_out(text, language, keep=keep, on_repeat=on_repeat)

    async def prepare(self, sentences: Iterable[str], language: str) -> int:
        """Have sentences ready that may be said soon, a few at a time.

        Args:
            sentences: saved phrases, in the callee's language; the likeliest first.
            language: ISO 639-1.

        Returns:
            how many are ready; the first one that cannot be spoken ends it.
        """
        waiting = list(sentences)[::-1]
        n_ready = 0

        async def work() -> None:
            nonlocal n_ready
            while waiting:
                try:
                    spoken = await self.say(waiting.pop(), language, keep=True)
                except EngineRefusedError as error:
                    log.warning("phrases_not_prepared", code=error.code)
                    waiting.clear()
                else:
                    n_ready += spoken.is_verbatim

        await asyncio.gather(*(work() for _ in range(PREPARED_AT_ONCE)))
        return n_ready

    async def _read_out(
        self,
        text: str,
        language: str,
        *,
        keep: bool,
        least_similarity: float = 1.0,
        on_repeat: Callable[[], None] | None = None,
    ) -> Spoken:
        key = sounds_kept.key_of(text, language, self._voice, self._model)
        kept = await sounds_kept.find(key, everywhere=keep)
        if kept is not None:
            return Spoken(kept, text, is_verbatim=True)
        best: tuple[float, Spoken] | None = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self.open()
                pcm, said = await self._speak(text, language)
            except EngineRefusedError as error:
                if attempt == ATTEMPTS and best is not None:
                    break
                if attempt == ATTEMPTS or error.is_limit:
                    raise
                continue
            found = verbatim.compare(text, said, language)
            is_fine = found.is_same or found.similarity >= least_similarity
            spoken = Spoken(pcm, said, is_fine, found.differences, attempt)
            if found.is_same:
                await sounds_kept.keep(key, pcm, everywhere=keep)
            if is_fine:
                return spoken
            log.warning("speaker_not_verbatim", attempt=attempt, language=language)
            if best is None or found.similarity > best[0]:
                best = found.similarity, spoken
            if attempt < ATTEMPTS and on_repeat is not None:
                on_repeat()
        assert best is not None  # noqa: S101 - or an attempt has raised
        return best[1]

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked; the cache costs nothing."""
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

    async def close(self) -> None:
        """Let go of the session."""
        socket, self._socket = self._socket, None
        self._fail_all()
        if socket is not None:
            await socket.close()
        await self._close_lost()

    # --- Inside ----------------------------------------------------------------------

    async def _speak(self, text: str, language: str) -> tuple[Pcm, str]:
        socket = self._socket
        request_id = uuid.uuid4().hex
        request = self._requests[request_id] = _Request()
        try:
            if socket is None or not socket.send(
                voice.speak(request_id, text, language)
            ):
                raise EngineRefusedError("unreachable")
            async with asyncio.timeout(RENDER_TIMEOUT_S):
                is_complete = await request.done
        except TimeoutError as error:
            raise EngineRefusedError("timeout") from error
        finally:
            del self._requests[request_id]
            for key in [k for k, r in self._by_response.items() if r is request]:
                del self._by_response[key]
        if not is_complete or not request.chunks:
            raise EngineRefusedError("speaker_failed")
        pcm = np.concatenate(request.chunks)
        log.info("line_rendered", language=language, ms=len(pcm) * 1000 // ENGINE_HZ)
        return pcm, request.spoken

    def _on_event(self, event: wire.ServerEvent) -> None:
        response = event.response or {}
        request_id = (response.get("metadata") or {}).get("request", "")
        match event.type:
            case "response.created" if request_id in self._requests:
                self._by_response[str(response.get("id"))] = self._requests[request_id]
            case "response.output_audio.delta":
                if request := self._by_response.get(event.response_id):
                    request.chunks.append(wire.decode_pcm(event.delta))
            case "response.output_audio_transcript.done":
                if request := self._by_response.get(event.response_id):
                    request.spoken = event.transcript
            case "response.done":
                if usage := of_realtime(Role.SPEAK, response.get("usage")):
                    self._unpaid.append(usage)
                if request := self._by_response.get(str(response.get("id"))):
                    request.finish(response.get("status") == "completed")
            case "error":
                code = (event.error and event.error.code) or "error"
                log.warning("speaker_error", code=code)
                self._fail_all()

    def _on_lost(self) -> None:
        # It is closed later: it is one of its own tasks that says so.
        self._lost, self._socket = self._socket, None
        self._fail_all()

    async def _close_lost(self) -> None:
        lost, self._lost = self._lost, None
        if lost is not None:
            await lost.close()

    def _fail_all(self) -> None:
        for request in self._requests.values():
            request.finish(False)
