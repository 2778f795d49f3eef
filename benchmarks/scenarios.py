"""What must be seen: the scenes of a call that other relays lose words in.

    python -m benchmarks.scenarios [--only pauses,levels] [--json FILE]

Through real sockets, in real time, against two fresh servers: one whose engines
interpret simultaneously, one whose engines work by turns.  The world around them is
that of `benchmarks.relay`, with people who say what a scenario wants at the moment that
it wants.  Takes about seven minutes.

Exit status 0: every target is met; 1: one is missed; 3: the driver's own clocks were
late, so times mean nothing.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import httpx2
import numpy as np
import uvloop

from benchmarks.driver import FRAME_S
from benchmarks.driver_sound import (
    CALLEE_LANGUAGE,
    HZ,
    Clip,
    Floats,
    Samples,
)
from benchmarks.relay import MAX_LAG_MS, Cores, log_problems, priority
from benchmarks.relay_figures import percentiles
from benchmarks.scenario_figures import (
    Reached,
    active_frames,
    arrived_within,
    faster,
    first_after,
    reached,
    rms_at,
    set_level,
)
from benchmarks.scenario_sounds import (
    ECHO_DELAY_FRAMES,
    MONOLOGUE_GAPS_S,
    Script,
    make_script,
)
from benchmarks.scenario_world import (
    ByTurns,
    Item,
    Line,
    Simultaneous,
    Stage,
    Words,
    World,
    until,
)
from lab.speech.synthesiser import SpeechUnavailable
from realtime.audio.g711 import FRAME_SAMPLES
from wigvo.stack import (
    DEMO_EMAIL,
    DEMO_PASSWORD,
    Child,
    Stack,
    StackError,
    demo_environment,
    require_free_port,
    server_command,
)

PORTS: Final = (8640, 9640)
KINDS: Final = ("translate", "interpret")
VOID: Final = 3
FAILED: Final = 1

PAUSES_S: Final = (0.5, 0.7, 0.88, 0.92, 0.96, 1.0, 1.2, 1.5)
BETWEEN_S: Final = 2.5
"""Longer than any hesitation: what comes then is another turn."""
LEVELS_DBOV: Final = (-16, -20, -24, -28, -32, -36)
SNR_DB: Final = 20
UTTERANCES_PER_LEVEL: Final = 8
RAPID_GAP_S: Final = 0.9
"""Longer than the pause that ends a turn (0.55 s), so that each is one of its own."""
RAPID_THINKING_S: Final = 5.0
STARTS_S: Final = (0.0, 0.5, 1.0, 1.5, 2.0)
INTERRUPTIONS_PER_CALL: Final = 7
BACKCHANNELS_PER_CALL: Final = 7
TIMED_CALLS: Final = 3
TURNS_PER_CALL: Final = 10
RELEASE_S: Final = 1.0
"""So long after their last sample the callee has certainly finished."""
HELD_S: Final = 0.3
"""Sound for the telephone comes every 200 ms at least while an engine speaks, so a
longer gap means that it was held back."""
ALL_HEARD: Final = 0.99
"""Two frames of a clip's 200 may lie at the edge of what was played faster, where they
resemble nothing enough."""
HEARD_PEAK: Final = 400
"""Frames of ours below this peak are pauses, which a late telephone may skip."""


@dataclass(slots=True)
class Row:
    """One line of the result.

    Attributes:
        what: the scene.
        target: in words.
        is_met: whether it was; None where there is no target.
        figures: what was seen.
    """

    what: str
    target: str
    is_met: bool | None
    figures: dict[str, Any] = field(default_factory=dict)


Seen = list[dict[str, Any]]
Look = Callable[[], Seen]
"""Says what was seen; called when all calls are over, because it takes its time."""
Play = Callable[[Stage], Awaitable[Look]]
"""Plays a scene on a call of its own."""


# --- What reached whom ----------------------------------------------------------------


def heard_by_engine(stage: Stage, words: Words) -> Reached:
    """Say what of the callee's words the engine was given."""
    engine = stage.engine_for_caller
    whole = engine.heard.whole()
    sent = stage.phone.line_sound(words)
    window = arrived_within(whole, stage.phone.sent_at, words.start)
    return reached(sent, whole.sound, window)


def played_of(clip: Clip, sound: Floats) -> tuple[Reached, np.ndarray]:
    """Say which frames of a clip somebody has heard, and which of them are audible."""
    found = reached(clip.sound.astype(np.float64), sound, lambda at: (0, len(sound)))
    frames = clip.sound[: len(found.found) * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return found, np.abs(frames.astype(np.int32)).max(axis=1) >= HEARD_PEAK


def _percent(share: float) -> float:
    return round(100 * share, 1)


# --- The scenes -----------------------------------------------------------------------


def pauses(phrases: Sequence[Samples]) -> Play:
    """Two phrases with a pause between them, for each pause."""

    async def play(stage: Stage) -> Look:
        phone, said = stage.phone, []
        for i, pause_s in enumerate(PAUSES_S):
            first = phone.say(phrases[2 * i])
            after_s = (first.stop / FRAME_SAMPLES - len(phone.sent)) * FRAME_S
            second = phone.say(phrases[2 * i + 1], after_s + pause_s)
            said.append((pause_s, first, second))
            await phone.wait_for(second.stop + round(BETWEEN_S * HZ))
        await asyncio.sleep(2)
        return lambda: [
            {
                "pause_s": pause_s,
                "shares": [heard_by_engine(stage, w).share() for w in pair],
            }
            for pause_s, *pair in said
        ]

    return play


def monologue(seconds: int) -> Play:
    """Somebody speaks for a long time."""

    async def play(stage: Stage) -> Look:
        words = stage.phone.say(stage.world.script.monologues[seconds])
        await stage.phone.wait_for(words.stop)
        await asyncio.sleep(4)
        return lambda: [_monologue_seen(stage, seconds, words)]

    return play


def _monologue_seen(stage: Stage, seconds: int, words: Words) -> dict[str, Any]:
    found = heard_by_engine(stage, words)
    engine = stage.engine_for_caller
    items = list(engine.items.values()) if isinstance(engine, ByTurns) else []
    return {
        "seconds": seconds,
        "share": found.share(),
        "in_order": found.is_in_order,
        "asked": all(item.n_asked == 1 for item in items),
        "n_items": len(items),
    }


def level(dbov: int, phrases: Sequence[Samples]) -> Play:
    """Somebody speaks at one level."""

    async def play(stage: Stage) -> Look:
        phone, seen = stage.phone, []
        for phrase in phrases[:UTTERANCES_PER_LEVEL]:
            words = phone.say(set_level(phrase, rms_at(dbov)))
            await phone.wait_for(words.stop + round(BETWEEN_S * HZ))
            began = phone.sent_at(words.start)
            lasts_s = phone.sent_at(words.stop) - began
            speaking = stage.caller.times_of("speaking", leg="callee", active=True)
            seen.append((words, first_after(speaking, began, lasts_s + 0.5)))
        return lambda: [_level_seen(stage, dbov, *one) for one in seen]

    return play


def _level_seen(
    stage: Stage, dbov: int, words: Words, noticed_s: float | None
) -> dict[str, Any]:
    is_active = active_frames(words.sound)
    found = heard_by_engine(stage, words).found[: len(is_active)][is_active]
    return {
        "dbov": dbov,
        "missed": noticed_s is None,
        "found": int(found.sum()),
        "active": len(found),
    }


async def rapid_callee(stage: Stage) -> Look:
    """Four sentences of the callee while the engine is slow."""
    phone, words = stage.phone, []
    in_s = 0.0
    for phrase in stage.world.script.phrases[40:44]:
        words.append(phone.say(phrase, in_s))
        in_s += len(phrase) / HZ + RAPID_GAP_S
    await phone.wait_for(words[-1].stop)
    engine = stage.engine_for_caller
    assert isinstance(engine, ByTurns)  # noqa: S101 - this server's are
    await asyncio.sleep(4 * (RAPID_THINKING_S + 1) + 4)

    def look() -> Seen:
        found = [heard_by_engine(stage, w) for w in words]
        ears = stage.caller.heard.whole().sound
        return [_answered(engine, found, ears, "callee")]

    return look


async def rapid_caller(stage: Stage) -> Look:
    """Four sentences of the caller while the engine is slow."""
    caller, words = stage.caller, []
    in_s = 0.0
    for phrase in stage.world.script.caller_phrases[20:24]:
        words.append(caller.say(phrase, in_s))
        in_s += len(phrase) / HZ + RAPID_GAP_S
    await caller.wait_for(words[-1].stop)
    engine = stage.engine_for_callee
    assert isinstance(engine, ByTurns)  # noqa: S101 - this server's are
    await asyncio.sleep(4 * (RAPID_THINKING_S + 1) + 4)

    def look() -> Seen:
        whole = engine.heard.whole()
        found = [
            reached(
                caller.sound(w),
                whole.sound,
                arrived_within(whole, caller.sent_at, w.start),
            )
            for w in words
        ]
        phone = stage.phone
        ears = phone.played_sound(0, len(phone.played))
        return [_answered(engine, found, ears, "caller")]

    return look


def _answered(
    engine: ByTurns, found: Sequence[Reached], ears: Floats, leg: str
) -> dict[str, Any]:
    """Say which sentences were asked about once, and their answers heard."""
    n_asked, heard = 0, []
    for one in found:
        item = _item_of(engine, one)
        if item is None or item.answer is None:
            continue
        n_asked += item.n_asked == 1
        answer, audible = played_of(item.answer, ears)
        heard.append(answer.share(audible))
    return {
        "leg": leg,
        "sentences": len(found),
        "share": min(one.share() for one in found),
        "asked": n_asked,
        "played": sum(share >= 0.99 for share in heard),
        "heard": heard,
        "items": len(engine.items),
    }


def _item_of(engine: ByTurns, found: Reached) -> Item | None:
    """Return the utterance that holds most of a sentence."""
    places = found.places[found.found]
    best, most = None, 0
    for item in engine.items.values():
        n = int(((places >= item.start) & (places < item.stop)).sum())
        if n > most:
            best, most = item, n
    return best


@dataclass(frozen=True, slots=True)
class Played:
    """A clip that an engine said to the telephone, and what the callee said to it.

    Attributes:
        number: of the clip.
        first: the telephone's frame from which on it may be heard.
        last: the one until which it was listened for.
        words: the callee's.
    """

    number: int
    first: int
    last: int
    words: Words


def _heard_by_callee(stage: Stage, played: Played) -> dict[str, float]:
    """Say how much of a clip the callee has heard, each frame counted once."""
    clip = stage.world.sounds.answers[CALLEE_LANGUAGE][played.number]
    spoken = [played.words.start // FRAME_SAMPLES, played.words.stop // FRAME_SAMPLES]
    heard, is_faster, audible = [], [], np.zeros(0, np.bool_)
    # What is said again after the callee's words may be played faster than before.
    for first, last in ((played.first, spoken[1]), (spoken[0], played.last)):
        found, audible = played_of(clip, stage.phone.played_sound(first, last))
        is_faster.append(faster(found))
        heard.append(found.found | is_faster[-1])
    return {
        "share": float(np.mean(np.logical_or(*heard)[audible])),
        "faster": float(np.mean(np.logical_or(*is_faster))),
    }


def late_translation(phrases: Sequence[Samples]) -> Play:
    """The caller's translation begins some time after the callee has stopped."""

    async def play(stage: Stage) -> Look:
        phone, engine, played = stage.phone, _simultaneous(stage), []
        for i, (start_s, phrase) in enumerate(zip(STARTS_S, phrases, strict=True)):
            words = phone.say(phrase)
            due = phone.sent_at(words.stop) + start_s
            await phone.wait_for(words.stop - HZ // 4)
            # It sends every 200 ms: on average then at the wanted time.
            await say_all(engine, 1 + i, due - 0.1)
            await phone.wait_for_silence(1.5, 12)
            first = words.start // FRAME_SAMPLES
            began = engine.spoken[-1][1][0] - phone.sent_at(words.stop - 1)
            played.append(
                (start_s, began, Played(1 + i, first, len(phone.played), words))
            )
        return lambda: [
            {"wanted_s": wanted_s, "began_s": began_s, **_heard_by_callee(stage, one)}
            for wanted_s, began_s, one in played
        ]

    return play


def _simultaneous(stage: Stage) -> Simultaneous:
    engine = stage.engine_for_callee
    assert isinstance(engine, Simultaneous)  # noqa: S101 - this server's are
    return engine


async def say_all(engine: Simultaneous, number: int, at: float) -> None:
    """Let the engine say a clip, and wait until it has."""
    n = len(engine.spoken)
    engine.say(number, at)
    await until(lambda: len(engine.spoken) > n, at - time.perf_counter() + 10)


def interruptions(phrases: Sequence[Samples], seed: int, line: str) -> Play:
    """The callee speaks over our playback, and means it."""

    async def play(stage: Stage) -> Look:
        rng = np.random.default_rng(seed)
        played = [
            await _over_playback(stage, 1 + i, phrase, rng.uniform(0.8, 2.0))
            for i, phrase in enumerate(phrases[:INTERRUPTIONS_PER_CALL])
        ]
        return lambda: [_interruption_seen(stage, one, line) for one in played]

    return play


def _interruption_seen(stage: Stage, played: Played, line: str) -> dict[str, Any]:
    phone, words = stage.phone, played.words
    began = phone.sent_at(words.start)
    speaking = stage.caller.times_of("speaking", leg="callee", active=True)
    told = stage.caller.times_of("interruption")
    return {
        "line": line,
        "over": phone.is_playing[words.start // FRAME_SAMPLES],
        "clear_s": first_after(phone.clears, began, 1.5),
        "speaking_s": first_after(speaking, began, 1.5),
        "told_s": first_after(told, began, 3),
        "too_early": sum(began - 1 <= t < began for t in phone.clears),
        **_heard_by_callee(stage, played),
    }


def backchannels(sounds: Sequence[Samples], seed: int, line: str) -> Play:
    """The callee says "ne" while we play, and only shows that he listens."""

    async def play(stage: Stage) -> Look:
        rng = np.random.default_rng(seed)
        played = [
            await _over_playback(
                stage, 1 + i, sounds[i % len(sounds)], rng.uniform(0.8, 2.2)
            )
            for i in range(BACKCHANNELS_PER_CALL)
        ]
        return lambda: [_backchannel_seen(stage, one, line) for one in played]

    return play


def _backchannel_seen(stage: Stage, played: Played, line: str) -> dict[str, Any]:
    phone, words = stage.phone, played.words
    began, ended = phone.sent_at(words.start), phone.sent_at(words.stop - 1)
    clear_s = first_after(phone.clears, began, 1.5)
    arrivals = phone.heard.whole().times.tolist()
    stopped = None if clear_s is None else began + clear_s
    if stopped is None:
        # What was not cut may have been held back all the same.
        gaps = [a for a, b in pairwise(arrivals) if b - a > HELD_S]
        held_s = first_after(gaps, began - HELD_S, ended - began + HELD_S)
        stopped = None if held_s is None else began - HELD_S + held_s
    again_s = None if stopped is None else first_after(arrivals, stopped, 20)
    told = stage.caller.times_of("interruption")
    return {
        "line": line,
        "over": phone.is_playing[words.start // FRAME_SAMPLES],
        "length_s": len(words.sound) / HZ,
        "clear_s": clear_s,
        "held": clear_s is None and stopped is not None,
        "resumed_s": None
        if stopped is None or again_s is None
        else stopped + again_s - ended,
        "told_s": first_after(told, began, 3),
        **_heard_by_callee(stage, played),
    }


async def _over_playback(
    stage: Stage, number: int, sound: Samples, after_s: float
) -> Played:
    """Let the callee speak over a clip, and wait until everything is over."""
    phone, first = stage.phone, len(stage.phone.played)
    saying = asyncio.ensure_future(
        say_all(_simultaneous(stage), number, time.perf_counter())
    )
    await phone.wait_for_playback(3)
    words = phone.say(sound, after_s)
    await saying
    # Until the callee has finished, the telephone is silent because we wait.
    await phone.wait_for(words.stop + round(RELEASE_S * HZ))
    await phone.wait_for_silence(1.8, 15)
    return Played(number, first, len(phone.played), words)


def turns(phrases: Sequence[Samples]) -> Play:
    """Somebody says one sentence after the other."""

    async def play(stage: Stage) -> Look:
        phone, said = stage.phone, []
        for phrase in phrases[:TURNS_PER_CALL]:
            said.append(phone.say(phrase))
            await phone.wait_for(said[-1].stop + round(BETWEEN_S * HZ))
        return lambda: [_turn_seen(stage, words) for words in said]

    return play


def _turn_seen(stage: Stage, words: Words) -> dict[str, Any]:
    engine = stage.engine_for_caller
    assert isinstance(engine, ByTurns)  # noqa: S101 - this server's are
    ended = stage.phone.sent_at(words.stop - 1)
    items = list(engine.items.values())
    asked = [item.asked_at for item in items if item.asked_at is not None]
    return {
        "commit_s": first_after([item.at for item in items], ended, 2),
        "asked_s": first_after(asked, ended, 2),
    }


# --- The rows -------------------------------------------------------------------------


def rows_of(name: str, kind: str, seen: Seen) -> list[Row]:
    """Judge what was seen in all scenes of one name."""
    return {
        "pauses": _pause_rows,
        "monologues": _monologue_rows,
        "levels": _level_rows,
        "rapid": _rapid_rows,
        "late": _late_rows,
        "interruptions": _interruption_rows,
        "backchannels": _backchannel_rows,
        "turns": _turn_rows,
    }[name](kind, seen)


def _pause_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for pause_s in PAUSES_S:
        shares = [x for one in seen if one["pause_s"] == pause_s for x in one["shares"]]
        figures = {"phrases": len(shares), "least %": _percent(min(shares))}
        what = f"two phrases, pause {pause_s:g} s, {kind}"
        rows.append(Row(what, ">= 98 % of both", min(shares) >= 0.98, figures))
    return rows


def _monologue_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for one in sorted(seen, key=lambda one: int(one["seconds"])):
        is_met = one["share"] >= 0.98 and one["in_order"] and one["asked"]
        figures = {"%": _percent(one["share"]), "in order": one["in_order"]}
        if kind == "interpret":
            figures |= {"utterances": one["n_items"], "all asked once": one["asked"]}
        what = f"monologue of {one['seconds']} s, {kind}"
        rows.append(Row(what, ">= 98 %, in order", is_met, figures))
    return rows


def _level_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for dbov in LEVELS_DBOV:
        these = [one for one in seen if one["dbov"] == dbov]
        n_missed = sum(one["missed"] for one in these)
        share = sum(one["found"] for one in these) / sum(one["active"] for one in these)
        least = min(one["found"] / one["active"] for one in these)
        figures = {
            "utterances": len(these),
            "missed": n_missed,
            "active frames %": _percent(share),
            "worst utterance %": _percent(least),
        }
        is_met = not n_missed and share >= 0.95
        what = f"speech at {dbov} dBov, noise {SNR_DB} dB below, {kind}"
        rows.append(Row(what, "none missed, >= 95 %", is_met, figures))
    return rows


def _rapid_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for one in seen:
        n = one["sentences"]
        is_met = one["asked"] == one["played"] == n and one["share"] >= 0.98
        figures = {
            "asked once": one["asked"],
            "answers heard": one["played"],
            "heard by the engine, least %": _percent(one["share"]),
            "utterances": one["items"],
        }
        what = f"{n} rapid sentences of the {one['leg']}, engine takes 5 s"
        rows.append(Row(what, f"{n} of {n}", is_met, figures))
    return rows


def _late_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for start_s in STARTS_S:
        these = [one for one in seen if one["wanted_s"] == start_s]
        least = min(one["share"] for one in these)
        figures = {
            "really began s": [round(one["began_s"], 2) for one in these],
            "least %": _percent(least),
        }
        what = f"caller's translation {start_s:g} s after the callee's end, {kind}"
        rows.append(Row(what, "100 % heard", least == 1, figures))
    return rows


def _in_ms(values: Sequence[float | None]) -> list[float]:
    return [1000 * value for value in values if value is not None]


def _lines(seen: Seen) -> list[str]:
    return list(dict.fromkeys(one["line"] for one in seen))


def _interruption_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for line in _lines(seen):
        these = [one for one in seen if one["line"] == line and one["over"]]
        clears_ms = _in_ms([one["clear_s"] for one in these])
        p50, p95, most = percentiles(clears_ms, 50, 95, 100)
        n_none = len(these) - len(clears_ms)
        figures = {
            "interruptions": len(these),
            "without clear": n_none,
            "clear too early": sum(one["too_early"] > 0 for one in these),
            "p50 ms": p50,
            "p95 ms": p95,
            "max ms": most,
            "clip heard, least %": _percent(min(one["share"] for one in these)),
        }
        is_met = not n_none and p95 is not None and p95 <= 250
        rows.append(
            Row(f"interruption -> clear, {line}", "p95 <= 250 ms", is_met, figures)
        )
    return rows


def _backchannel_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for line in _lines(seen):
        these = [one for one in seen if one["line"] == line and one["over"]]
        n_cut = sum(one["clear_s"] is not None for one in these)
        n_held = sum(one["held"] for one in these)
        resumed_ms = _in_ms([one["resumed_s"] for one in these])
        n_told = sum(one["told_s"] is not None for one in these)
        least = min(one["share"] for one in these)
        figures = {
            "tried": len(these),
            "cut": n_cut,
            "held without a cut": n_held,
            "resumed": len(resumed_ms),
            "resumed p50, max ms": percentiles(resumed_ms, 50, 100),
            "interruption told": n_told,
            "heard, least %": _percent(least),
            "of it faster, most %": _percent(max(one["faster"] for one in these)),
        }
        is_met = len(resumed_ms) == n_cut + n_held and not n_told
        is_met = is_met and least >= ALL_HEARD
        is_met = is_met and max(resumed_ms, default=0) <= 200
        target = "resumes <= 200 ms, none told, 100 %"
        rows.append(Row(f"backchannels, {line}", target, is_met, figures))
    return rows


def _turn_rows(kind: str, seen: Seen) -> list[Row]:
    rows = []
    for what, key, target in (
        ("last sample -> commit", "commit_s", (600, 900)),
        ("last sample -> response.create", "asked_s", None),
    ):
        found_ms = _in_ms([one[key] for one in seen])
        p50, p95, most = percentiles(found_ms, 50, 95, 100)
        n_none = len(seen) - len(found_ms)
        figures = {
            "turns": len(seen), "none": n_none,
            "p50 ms": p50, "p95 ms": p95, "max ms": most,
        }  # fmt: skip
        is_met: bool | None = None
        if target is not None:
            is_met = (
                not n_none
                and p50 is not None
                and p95 is not None
                and p50 <= target[0]
                and p95 <= target[1]
            )
        words = f"p50 <= {target[0]}, p95 <= {target[1]} ms" if target else "-"
        rows.append(Row(what, words, is_met, figures))
    return rows


# --- The run --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene on one call of its own.

    Attributes:
        name: of the rows that it belongs to.
        play: plays it.
        line: what the telephone line is like.
    """

    name: str
    play: Play
    line: Line = field(default_factory=Line)


def waves(kind: str, script: Script) -> list[list[Scene]]:
    """Return what is played against one server: waves of scenes side by side."""
    p = script.phrases
    n = 2 * len(PAUSES_S)
    both = [Scene("pauses", pauses(p[i * n :])) for i in range(2)]
    both += [Scene("monologues", monologue(s)) for s in MONOLOGUE_GAPS_S]
    shorter = sorted(p, key=len)
    if kind == "translate":
        late = [
            Scene("late", late_translation(shorter[5 * i : 5 * i + 5]))
            for i in range(2)
        ]
        timed = []
        for what, line in (
            ("no echo", Line()),
            ("echo 18 dB, 180 ms", Line(echo=script.echo)),
        ):
            for i in range(TIMED_CALLS):
                few = shorter[i : 12 * INTERRUPTIONS_PER_CALL : 12]
                timed += [
                    Scene("interruptions", interruptions(few, i, what), line),
                    Scene(
                        "backchannels",
                        backchannels(script.backchannels, 100 + i, what),
                        line,
                    ),
                ]
        return [both + late, timed]
    slow = Line(thinking_s=RAPID_THINKING_S)
    rapid = [Scene("rapid", rapid_callee, slow), Scene("rapid", rapid_caller, slow)]
    levels = [
        Scene(
            "levels",
            level(dbov, p[60 + 8 * i :]),
            Line(noise_rms=rms_at(dbov - SNR_DB)),
        )
        for i, dbov in enumerate(LEVELS_DBOV)
    ]
    spoken = [Scene("turns", turns(p[120 + 10 * i :])) for i in range(3)]
    return [both + rapid, levels + spoken]


@contextlib.contextmanager
def running_server(
    kind: str, folder: Path, cores: Cores
) -> Iterator[tuple[Stack, Child]]:
    """Run a server whose engines are of one kind; nothing of it is left after it.

    Args:
        kind: translate or interpret, for both directions.
        folder: for database and log.
        cores: the server is pinned to its own.

    Raises:
        StackError: a port is taken, or it does not start.
    """
    port, driver_port = PORTS
    require_free_port(port, "server", "--port")
    require_free_port(driver_port, "driver", "--driver-port")
    environment = demo_environment(folder, port, driver_port)
    environment |= {
        "CALL_STARTS_PER_MINUTE_PER_ADDRESS": "1000000",
        "CALLER_ENGINE": kind,
        "CALLEE_ENGINE": kind,
    }
    stack = Stack(environment["PUBLIC_BASE_URL"], environment["LAB_URL"], environment)
    stack.manage("migrate", "--noinput", "--verbosity", "0")
    stack.manage("create_user", DEMO_EMAIL, DEMO_PASSWORD, "--calls-at-once", "1000")
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.server)  # inherited by the child and its threads
    try:
        log = folder / "server.log"
        server = Child("server", server_command(port), environment, log)
    finally:
        os.sched_setaffinity(0, ours)
    try:
        server.wait_for(f"{stack.base_url}/health", lambda waited_s: None)
        yield stack, server
    finally:
        server.stop()


async def play_scenes(world: World, scenes: Sequence[Scene]) -> dict[str, Seen]:
    """Play scenes side by side, each on a call of its own."""
    looks: list[tuple[str, Look]] = []

    async def one(scene: Scene, stage: Stage) -> None:
        await stage.settle()
        look = await scene.play(stage)
        if stage.call.status != "in-progress":
            raise RuntimeError(f"A call of {scene.name} has ended: {stage.call.status}")
        looks.append((scene.name, look))

    stages = []
    try:
        async with asyncio.TaskGroup() as group:
            for scene in scenes:
                stages.append(await world.start(scene.line))
                group.create_task(one(scene, stages[-1]))
    finally:
        for stage in stages:
            with contextlib.suppress(httpx2.HTTPError):
                await world.end(stage.call)
    seen: dict[str, Seen] = {}
    for name, look in looks:
        seen.setdefault(name, []).extend(look())
    return seen


def run(
    kind: str, script: Script, cores: Cores, only: set[str]
) -> tuple[list[Row], dict[str, Seen], dict[str, Any]]:
    """Play everything against one server.

    Returns:
        the rows, everything that was seen, and how good the driver's clocks were.
    """

    async def play(stack: Stack) -> tuple[dict[str, Seen], list[float]]:
        world = World(stack.base_url, PORTS[1], script, ECHO_DELAY_FRAMES)
        await world.open()
        seen: dict[str, Seen] = {}
        try:
            await world.log_in(DEMO_EMAIL, DEMO_PASSWORD)
            for wave in waves(kind, script):
                scenes = [s for s in wave if not only or s.name in only]
                if scenes:
                    print(f"{kind}: {len(scenes)} calls ...", flush=True)
                    seen |= await play_scenes(world, scenes)
        finally:
            await world.close()
        return seen, world.lags.ms

    with (
        tempfile.TemporaryDirectory(prefix="wigvo-scenarios-") as folder,
        running_server(kind, Path(folder), cores) as (stack, server),
    ):
        os.sched_setaffinity(0, cores.driver)
        try:
            with (
                priority(server.process.pid),
                priority(os.getpid()),
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                seen, lags_ms = runner.run(play(stack))
        except* (RuntimeError, OSError, httpx2.HTTPError) as errors:
            raise StackError(f"{errors.exceptions[0]}{server.log_tail()}") from errors
        finally:
            os.sched_setaffinity(0, cores.server | cores.driver)
        problems = log_problems(Path(folder) / "server.log")
    for line in problems[:5]:
        print("server's log:", line[:300], file=sys.stderr)
    lag = percentiles(lags_ms, 50, 99, 100)
    about = {"driver lag p50, p99, max ms": lag, "problems in the log": len(problems)}
    rows = [row for name, these in seen.items() for row in rows_of(name, kind, these)]
    return rows, seen, about


def show(rows: Sequence[Row]) -> None:
    """Print one line for each row."""
    for row in rows:
        mark = {True: "ok", False: "MISSED", None: ""}[row.is_met]
        figures = ", ".join(f"{name} {value}" for name, value in row.figures.items())
        print(f"{mark:7}{row.what:62}{row.target:38}{figures}")


def main() -> int:
    """Play everything, print a table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of scenes, with commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of the engines")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    only = {name for name in str(options.only).split(",") if name}
    cores = Cores.share()
    rows: list[Row] = []
    report: dict[str, Any] = {"rows": rows, "seen": {}, "runs": {}}
    try:
        script = make_script()
        for kind in str(options.kinds).split(","):
            more, seen, about = run(kind, script, cores, only)
            rows += more
            report["seen"][kind], report["runs"][kind] = seen, about
    except (StackError, SpeechUnavailable) as error:
        print(error, file=sys.stderr)
        return FAILED
    show(rows)
    for kind, about in report["runs"].items():
        print(f"{kind}: {about}")
    if options.json:
        report["rows"] = [asdict(row) for row in rows]
        text = json.dumps(report, indent=1, default=float)
        options.json.write_text(text + "\n")
    if any(row.is_met is False for row in rows):
        return FAILED
    lags = [
        about["driver lag p50, p99, max ms"][1] for about in report["runs"].values()
    ]
    if any(lag is None or lag > MAX_LAG_MS for lag in lags):
        print("VOID: the driver's own clocks were late; run it on a quiet machine.")
        return VOID
    return 0


if __name__ == "__main__":
    sys.exit(main())
