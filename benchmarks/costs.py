"""What the core costs: of each frame's 20 ms, and of a sentence before it is spoken.

    python -m benchmarks.costs [--json FILE]

Each piece works alone on one core, on what it works on in a call.  A share is of the
20 ms that a frame lasts: what hears both ways of one call must fit into them together.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from lab.speech.phrasebook import Phrasebook
from lab.speech.shared import synthesiser
from lab.telephone.line import Line, LineConfig
from realtime.audio.echo import EchoCanceller
from realtime.audio.g711 import encode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.signals import SignalDetector
from realtime.audio.vad import SpeechDetector
from realtime.config import SpeechConfig
from realtime.guards import names, numbers
from realtime.guards.speech import judge

FRAME_US: Final = 20_000
SAMPLES: Final = 160
"""Of a frame at 8 kHz."""
ECHO_SAMPLES: Final = 8 * 180
"""Of a line's hybrid."""
QUIET: Final = np.zeros(SAMPLES, np.int16)
SOURCE: Final = (
    "네, 11월 21일 토요일 저녁 일곱 시에 네 명, 김민수, 공일공 일이삼사 오육칠팔입니다."
)
TARGET: Final = (
    "Yes, four people at 7 PM on Saturday, November 21st, Kim Minsu, 010-1234-5678."
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one piece of work takes.

    Attributes:
        name: what works.
        unit: on what, once.
        n: how often it was measured.
        median_us, p99_us: processor time of this thread.
        share: of a frame, median; 1 is all of it.
    """

    name: str
    unit: str
    n: int
    median_us: float
    p99_us: float
    share: float


def measure(
    name: str, unit: str, work: Callable[[], object], times: int, again: int = 1
) -> Cost:
    """Measure work that is short, `again` times for each reading of the clock."""
    took_us = np.empty(times)
    for i in range(times):
        began = time.thread_time_ns()
        for _ in range(again):
            work()
        took_us[i] = (time.thread_time_ns() - began) / again / 1e3
    median_us = float(np.median(took_us))
    p99_us = float(np.percentile(took_us, 99))
    return Cost(name, unit, times, median_us, p99_us, median_us / FRAME_US)


def frames(pcm: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """Yield sound in frames, over and over."""
    return itertools.cycle(pcm[: len(pcm) // SAMPLES * SAMPLES].reshape(-1, SAMPLES))


def glossary() -> tuple[names.Term, ...]:
    """Make a glossary as large as a brief may bring: names, and words beside them."""
    people = [
        names.Term(f"{surname}{first}{second}", is_name=True)
        for surname in "김이박최정"
        for first in "민지현하성"
        for second in "우호"
    ]
    words = [names.Term(f"용어 {n}번", f"term number {n}") for n in range(150)]
    return (*people, *words, names.Term("김민수", is_name=True))


def speech() -> NDArray[np.int16]:
    """Speak some sentences of the phrasebook, 8 kHz."""
    texts = [one.texts["ko"] for one in Phrasebook.load().phrases[:12]]
    spoken = [synthesiser().speak_blocking(text, "ko") for text in texts]
    return Resampler(24_000, 8000).process(np.concatenate(spoken))


def costs() -> Iterator[Cost]:
    """Measure one piece after the other."""
    said = speech()
    heard, played = frames(said), frames(said)
    echo = frames((np.roll(said, ECHO_SAMPLES) // 4).astype(np.int16))
    detector = SpeechDetector(SpeechConfig())
    yield measure("speech detection", "frame", lambda: detector.push(next(heard)), 3000)
    canceller = EchoCanceller()
    yield measure(
        "echo canceller, something plays",
        "frame",
        lambda: canceller.process(next(echo), next(played)),
        3000,
    )
    idle = EchoCanceller()
    yield measure(
        "echo canceller, nothing plays",
        "frame",
        lambda: idle.process(next(heard), QUIET),
        3000,
    )
    signals = SignalDetector()
    yield measure(
        "tones of faxes and machines", "frame", lambda: signals.push(next(heard)), 3000
    )
    line = Line(LineConfig(echo_loss_db=20, echo_kind="handset"))
    down = encode_mulaw(next(played))
    yield measure(
        "the lab's telephone line", "frame", lambda: line.process(down, QUIET), 2000
    )
    for language, text in (("ko", SOURCE), ("en", TARGET)):
        yield measure(
            f"guard of what we speak, {language}",
            "sentence",
            partial(judge, text, language),
            200,
            20,
        )
    yield measure(
        "numbers compared",
        "sentence",
        lambda: numbers.compare(SOURCE, "ko", TARGET, "en"),
        200,
        10,
    )
    terms = glossary()
    turns = iter(range(10**9))
    yield measure(
        f"names and {len(terms)} terms compared",
        "sentence never seen before",
        lambda: names.compare(SOURCE, "ko", f"{TARGET} {next(turns)}", "en", terms),
        50,
    )


def main() -> None:
    """Measure all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    found = []
    print("| what | for each | median µs | p99 µs | of a frame |")
    print("|---|---|---|---|---|")
    for cost in costs():
        found.append(cost)
        print(
            f"| {cost.name} | {cost.unit} | {cost.median_us:.0f} | {cost.p99_us:.0f} |"
            f" {cost.share:.2%} |",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=2))


if __name__ == "__main__":
    main()
