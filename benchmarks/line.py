"""How well the line is heard: the canceller against simulated calls, on virtual time.

    python -m benchmarks.line [--quick] [--json FILE] [--picture FILE.png]

Every call plays our own speech to a simulated telephone and counts what the phrasebook
matcher makes of what is left: our own phrases (echo that got through) and the callee's.
Everything but the times is the same in every run.  The matcher knows espeak-ng's
speech and the line is a simulation: expect worse of real ones.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.scenes import HZ, LANGUAGE, Call, N, Said, Samples, Scene, make_call
from lab.speech.listener import Listener
from lab.speech.shared import matcher
from realtime.audio.echo import FILLER, EchoCanceller, Frame, Mode
from realtime.audio.vad import SpeechDetector
from realtime.config import SpeechConfig

KEPT: Final = 0.8
"""A word is kept when this much of its sound comes through as speech."""
FIRST_MS: Final = 5000


@dataclass(slots=True)
class Result:
    """What came of one call.

    Attributes:
        scene: its line.
        echo_phrases: phrases of ours that were recognised in what the callee "said".
        said: phrases of the callee that are understood on this line without any
            echo or playback, by kind: the matcher's own limit is not the canceller's.
        beyond: phrases that are not, by kind.
        understood: those recognised of `said`, by kind.
        words_kept: short words of which the sound came through.
        first_frames: frames of the callee's speech over the greeting ...
        first_kept: ... and those that came through.
        vad_false_ms: speech detected where only we spoke.
        lost_ms: given up.
        late_ms: longest that a frame was late.
        lock_ms: when the delay was first known.
        active_us: times of a tick while something plays, median and 99th percentile.
        idle_us: median while nothing does.
        ages_ms: median hold-back of the frames that came out, playing and idle.
    """

    scene: Scene
    echo_phrases: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    beyond: Counter[str] = field(default_factory=Counter)
    understood: Counter[str] = field(default_factory=Counter)
    words_kept: int = 0
    first_frames: int = 0
    first_kept: int = 0
    vad_false_ms: int = 0
    lost_ms: int = 0
    late_ms: int = 0
    lock_ms: int | None = None
    slips: int = 0
    locks: int = 0
    active_us: tuple[float, float] = (0.0, 0.0)
    idle_us: float = 0.0
    ages_ms: tuple[float, float] = (0.0, 0.0)
    missed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What the canceller made of a call, frame by frame."""

    frames: list[tuple[int, Frame]] = field(default_factory=list)
    ticks_us: list[float] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)


def run_canceller(call: Call, canceller: EchoCanceller) -> Run:
    """Put a call through the canceller, tick by tick."""
    run = Run()
    for tick in range(len(call.heard) // N):
        part = slice(tick * N, tick * N + N)
        began = time.perf_counter()
        cleaned = canceller.process(call.heard[part], call.played[part])
        run.ticks_us.append((time.perf_counter() - began) * 1e6)
        run.modes.append(cleaned.mode)
        run.frames += [(tick, frame) for frame in cleaned.frames]
    return run


def judge(scene: Scene) -> Result:
    """Play one call and judge it."""
    call = make_call(scene)
    canceller = EchoCanceller()
    result = Result(scene)
    run = run_canceller(call, canceller)
    result.lost_ms = canceller.lost_ms
    result.slips, result.locks = canceller.n_slips, canceller.n_locks
    result.lock_ms = next(
        (i * 20 for i, m in enumerate(run.modes) if m is Mode.REPLAY), None
    )
    _judge_times(run, result)
    _judge_words(call, run, result)
    _judge_frames(call, run, result)
    return result


def _judge_times(run: Run, result: Result) -> None:
    us = np.array(run.ticks_us)
    passing = np.array([m is Mode.PASS for m in run.modes])
    if (~passing).any():
        busy = us[~passing]
        result.active_us = (float(np.median(busy)), float(np.percentile(busy, 99)))
    result.idle_us = float(np.median(us[passing])) if passing.any() else 0.0
    ages = np.array(
        [
            ((tick - frame.position) * 20, run.modes[tick] is Mode.PASS)
            for tick, frame in run.frames
            if frame.position != FILLER
        ]
    )
    result.late_ms = int(ages[:, 0].max())
    idle, playing = ages[ages[:, 1] == 1, 0], ages[ages[:, 1] == 0, 0]
    result.ages_ms = (
        float(np.median(playing)) if len(playing) else 0.0,
        float(np.median(idle)) if len(idle) else 0.0,
    )


def _phrases_in(stream: Samples) -> Counter[str]:
    """Let the engine's ear listen."""
    listener = Listener(matcher(), frozenset({LANGUAGE}))
    heard = [*listener.push(stream), *listener.flush()]
    return Counter(h.phrase_id for h in heard if h.phrase_id)


def _judge_words(call: Call, run: Run, result: Result) -> None:
    """Compare what is understood with what was said."""
    ids = _phrases_in(np.concatenate([frame.pcm for _, frame in run.frames]))
    without_echo = _phrases_in(make_call(replace(result.scene, erl_db=None)).heard)
    ours = {s.phrase_id for s in call.said if s.kind == "far"}
    result.echo_phrases = [i for i in ids.elements() if i in ours]
    for said in call.said:
        if said.kind == "far":
            continue
        is_heard = ids[said.phrase_id] > 0
        ids[said.phrase_id] -= is_heard
        if not without_echo[said.phrase_id]:
            result.beyond[said.kind] += 1
            continue
        without_echo[said.phrase_id] -= 1
        result.said[said.kind] += 1
        result.understood[said.kind] += is_heard
        if not is_heard:
            result.missed.append(f"{said.kind}@{said.start // HZ}")


def _frames_of(call: Call, said: Said) -> list[int]:
    """Return the frames in which this is said, without its pauses."""
    first, last = said.start // N, -(-said.stop // N)
    near = call.near[first * N : last * N].astype(float).reshape(-1, N)
    power = np.square(near).mean(axis=1)
    return [first + i for i in np.flatnonzero(power > power.max() / 300).tolist()]


def _judge_frames(call: Call, run: Run, result: Result) -> None:
    """Count frames by where they were said."""
    came = {f.position for _, f in run.frames if f.is_speech}
    for said in call.said:
        if said.kind == "short":
            frames = _frames_of(call, said)
            result.words_kept += sum(f in came for f in frames) >= KEPT * len(frames)
        if said.kind == "first":
            frames = [f for f in _frames_of(call, said) if f * 20 < FIRST_MS]
            result.first_frames += len(frames)
            result.first_kept += sum(f in came for f in frames)
    spoken = np.zeros(len(call.heard) // N + 60, bool)
    for said in call.said:
        if said.kind != "far":
            spoken[max(0, said.start // N - 15) : said.stop // N + 40] = True
    detector = SpeechDetector(SpeechConfig())
    for _, frame in run.frames:
        detector.push(frame.pcm)
        is_alone = frame.position != FILLER and not spoken[frame.position]
        result.vad_false_ms += 20 * (detector.is_speech and is_alone)


# --- The matrix ----------------------------------------------------------------------


def matrix(*, quick: bool) -> dict[str, list[Scene]]:
    """Return the calls to play, by group.

    Args:
        quick: only every seventh, for a look within a minute.
    """
    seeds = iter(range(10_000))
    paths = ("hybrid", "handset", "speakerphone", "voip")
    losses = (6.0, 10.0, 15.0, 20.0, 25.0, 30.0)
    delays = (80, 120, 180, 240, 300, 370, 450, 520, 600)

    def scene(**values: Any) -> Scene:
        seed = next(seeds)
        rng = np.random.default_rng(seed + 77_000)
        fixed = {
            "noise_rms": float(rng.choice([15, 30, 50, 80])),
            "near_rms": float(rng.choice([500, 700, 1000, 1500])),
        }
        return Scene(seed=seed, **(fixed | values))

    groups = {
        "linear": [
            scene(path=p, erl_db=e, delay_ms=d)
            for p in paths
            for e in losses
            for d in delays
        ],
        **{
            name: [
                scene(path=p, erl_db=e, delay_ms=d, **trouble)
                for p in paths
                for e, d in (
                    (6, 520),
                    (10, 120),
                    (15, 300),
                    (20, 180),
                    (25, 450),
                    (30, 80),
                )
            ]
            for name, trouble in TROUBLES.items()
        },
        **{
            codec: [
                scene(path=p, erl_db=e, delay_ms=d, codec=codec)
                for p in ("handset", "speakerphone")
                for e, d in ((10, 240), (15, 180), (20, 300), (25, 450), (30, 200))
            ]
            for codec in ("amr12.2", "amr7.4", "amr5.9")
        },
        "no echo": [scene(erl_db=None) for _ in range(20)],
    }
    if not quick:
        return groups
    return {name: scenes[::7] for name, scenes in groups.items()}


TROUBLES: Final[dict[str, dict[str, Any]]] = {
    "agc": {"agc": True},
    "clipping": {"clip": 0.4},
    "slips": {"slips": True},
    "all three": {"agc": True, "clip": 0.5, "slips": True},
}


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def summarise(results: list[Result]) -> dict[str, Any]:
    """Add up the calls of one group."""
    said: Counter[str] = sum((r.said for r in results), Counter())
    understood: Counter[str] = sum((r.understood for r in results), Counter())
    locks = [r.lock_ms for r in results if r.lock_ms is not None]
    return {
        "calls": len(results),
        "echo phrases": sum(len(r.echo_phrases) for r in results),
        "calls with echo phrase": sum(bool(r.echo_phrases) for r in results),
        "calls, VAD on echo": sum(r.vad_false_ms > 0 for r in results),
        "double talk understood %": _percent(understood["double"], said["double"]),
        "alone understood %": _percent(understood["single"], said["single"]),
        "short words kept %": _percent(
            sum(r.words_kept for r in results),
            sum((r.said + r.beyond)["short"] for r in results),
        ),
        "short words understood %": _percent(understood["short"], said["short"]),
        "first 5 s kept %": _percent(
            sum(r.first_kept for r in results), sum(r.first_frames for r in results)
        ),
        "first phrase understood %": _percent(understood["first"], said["first"]),
        "beyond the matcher %": _percent(
            sum(sum(r.beyond.values()) for r in results),
            sum(sum((r.beyond + r.said).values()) for r in results),
        ),
        "lost s": round(sum(r.lost_ms for r in results) / 1000, 1),
        "latest frame ms": max(r.late_ms for r in results),
        "first lock p50 ms": int(np.median(locks)) if locks else None,
        "locks per call": round(sum(r.locks for r in results) / len(results), 2),
        "slips followed per call": round(
            sum(r.slips for r in results) / len(results), 2
        ),
        "tick us p50": round(float(np.median([r.active_us[0] for r in results]))),
        "tick us p99": round(float(np.median([r.active_us[1] for r in results]))),
        "idle tick us p50": round(float(np.median([r.idle_us for r in results])), 1),
        "hold-back ms p50, playing": float(np.median([r.ages_ms[0] for r in results])),
        "hold-back ms p50, idle": float(np.median([r.ages_ms[1] for r in results])),
    }


def _as_dict(result: Result) -> dict[str, Any]:
    values = {f.name: getattr(result, f.name) for f in fields(result)}
    return values | {"scene": asdict(result.scene)}


def print_table(groups: dict[str, dict[str, Any]]) -> None:
    """Print one column per group."""
    print(f"{'':27}", *(f"{name:>12}" for name in groups))
    for figure in next(iter(groups.values())):
        row = (f"{g[figure]!s:>12}" for g in groups.values())
        print(f"{figure:27}", *row)


def main(arguments: Iterable[str] | None = None) -> None:
    """Play the matrix and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="groups, separated by commas")
    parser.add_argument("--every", type=int, default=1, help="each n-th call only")
    parser.add_argument("--bad", action="store_true", help="name the calls that failed")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="draw one call, measure nothing")
    options = parser.parse_args(arguments)
    if options.picture:
        from benchmarks.picture import draw  # needs matplotlib

        draw(options.picture)
        return
    only = [name for name in options.only.split(",") if name]
    groups: dict[str, dict[str, Any]] = {}
    details: dict[str, list[dict[str, Any]]] = {}
    for name, scenes in matrix(quick=options.quick).items():
        if only and name not in only:
            continue
        results = [judge(scene) for scene in scenes[:: options.every]]
        groups[name] = summarise(results)
        details[name] = [_as_dict(r) for r in results]
        for r in results if options.bad else ():
            if r.echo_phrases or r.missed or r.vad_false_ms or r.lost_ms:
                s = r.scene
                print(
                    f"{s.seed:4} {s.path:12} erl {s.erl_db} delay {s.delay_ms} near "
                    f"{s.near_rms:.0f} noise {s.noise_rms:.0f} echo {r.echo_phrases} "
                    f"missed {r.missed} vad {r.vad_false_ms} lost {r.lost_ms} lock "
                    f"{r.lock_ms}/{r.locks} slips {r.slips}"
                )
    print_table(groups)
    if options.json:
        options.json.write_text(
            json.dumps({"groups": groups, "calls": details}, indent=1, default=str)
            + "\n"
        )


if __name__ == "__main__":
    main()
