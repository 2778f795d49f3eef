"""The espeak-ng process: reads requests on stdin, writes speech to stdout.

espeak-ng is GPL-3, so it lives in this process and talks through a pipe.  Nothing
else imports it, and this file imports nothing of the project.

A request is a line of JSON: {"text", "voice", "speed_wpm"}.  The answer is a status
byte (0 speech, 1 error), a little-endian uint32 length, and that many bytes: int16
samples at 22.05 kHz, or a UTF-8 sentence.  The process ends when stdin does.

espeak-ng carries the wavering of a voice on from one text to the next, and its breath
is random: said again, nothing sounds the same.  So that a text is spoken alike in every
process and in every order, each is spoken by a child that is forked from the library
as it was when it had just been opened (about 5 ms).
"""

import ctypes
import json
import os
import signal
import struct
import sys
from typing import BinaryIO, NoReturn

import espeakng_loader

# Names and numbers of speak_lib.h, espeak-ng 1.52.
AUDIO_OUTPUT_SYNCHRONOUS = 2
ESPEAK_CHARS_UTF8 = 1
ESPEAK_RATE = 1
POS_CHARACTER = 1
EE_OK = 0
SAMPLE_RATE_HZ = 22050

PATIENCE_S = 8
"""A child that takes longer is ended; who asks waits for 10 s."""

Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """The C library, initialised once."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        data = str(espeakng_loader.get_data_path()).encode()
        rate = self._library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        if rate != SAMPLE_RATE_HZ:
            raise RuntimeError(f"espeak-ng started with {rate} Hz, not 22050.")
        self._chunks: list[bytes] = []
        self._callback = Callback(self._collect)  # must outlive every call
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(
        self, samples: "ctypes._Pointer[ctypes.c_short]", n: int, _: int
    ) -> int:
        if samples and n > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * n))
        return 0

    def speak(self, text: str, voice: str, speed_wpm: int) -> bytes:
        """Return int16 samples at 22.05 kHz; RuntimeError when espeak-ng refuses."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != EE_OK:
            raise RuntimeError(f"espeak-ng has no voice {voice}.")
        self._library.espeak_SetParameter(ESPEAK_RATE, speed_wpm, 0)
        self._chunks = []
        encoded = text.encode()
        status = self._library.espeak_Synth(
            encoded,
            ctypes.c_size_t(len(encoded) + 1),
            0,
            POS_CHARACTER,
            0,
            ESPEAK_CHARS_UTF8,
            None,
            None,
        )
        if status != EE_OK or self._library.espeak_Synchronize() != EE_OK:
            raise RuntimeError(f"espeak-ng could not speak (status {status}).")
        return b"".join(self._chunks)


def main() -> None:
    """Serve requests until stdin ends."""
    # Answers go to the real stdout; whatever the library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    espeak = Espeak()
    for line in sys.stdin.buffer:
        child = os.fork()
        if not child:
            _answer(espeak, line, answers)
        if os.waitpid(child, 0)[1]:
            sys.exit(1)


def _answer(espeak: Espeak, line: bytes, answers: BinaryIO) -> NoReturn:
    signal.alarm(PATIENCE_S)
    request = json.loads(line)
    try:
        status, payload = 0, espeak.speak(**request)
    except RuntimeError as error:
        status, payload = 1, str(error).encode()
    answers.write(struct.pack("<BI", status, len(payload)) + payload)
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
