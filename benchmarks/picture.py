"""One call as a picture: what is played, what comes back, and what is left of it."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.line import run_canceller
from benchmarks.scenes import HZ, N, Samples, Scene, make_call
from realtime.audio.echo import EchoCanceller, Mode
from realtime.audio.vad import SpeechDetector
from realtime.config import SpeechConfig

SCENE: Final = Scene(
    seed=2, path="handset", erl_db=10.0, delay_ms=240, noise_rms=30.0, near_rms=900.0
)
SECONDS: Final = 30
MODES: Final = {
    Mode.PASS: "#e8e8e8",
    Mode.HOLD: "#e8a33d",
    Mode.REPLAY: "#c9cf4a",
    Mode.ACTIVE: "#8fb8de",
}


def _wave(axis: Axes, pcm: Samples, title: str, colour: str) -> None:
    pcm = pcm[: SECONDS * HZ]
    axis.plot(np.arange(len(pcm)) / HZ, pcm, linewidth=0.3, color=colour)
    axis.set_ylim(-9000, 9000)
    axis.set_yticks([])
    axis.set_ylabel(title, rotation=0, ha="right", va="center")


def draw(path: Path) -> None:
    """Put one call through the canceller and save what happened.

    Args:
        path: a PNG file.
    """
    call = make_call(SCENE)
    run = run_canceller(call, EchoCanceller())
    n = len(call.heard) // N
    cleaned = np.zeros(n * N, np.int16)
    gate, vad = np.zeros(n, bool), np.zeros(n, bool)
    detector = SpeechDetector(SpeechConfig())
    for _, frame in run.frames:
        detector.push(frame.pcm)
        if frame.position >= 0:
            cleaned[frame.position * N : (frame.position + 1) * N] = frame.pcm
            gate[frame.position] = frame.is_speech
            vad[frame.position] = detector.is_speech
    figure, axes = plt.subplots(
        6, 1, figsize=(12, 7), sharex=True, height_ratios=[2, 2, 2, 2, 2, 1]
    )
    _wave(axes[0], call.played, "we play", "#3b6ea5")
    _wave(axes[1], call.echo, "its echo", "#b5543c")
    _wave(axes[2], call.near, "callee says", "#3f8f4f")
    _wave(axes[3], call.heard, "line", "#444444")
    _wave(axes[4], cleaned, "cleaned", "#3f8f4f")
    decisions = axes[5]
    for mode, colour in MODES.items():
        is_mode = np.array([m is mode for m in run.modes])
        _bar(decisions, is_mode, 0, colour, mode.value)
    _bar(decisions, gate, 1, "#3f8f4f", "")
    _bar(decisions, vad, 2, "#7a4fa3", "")
    decisions.set_yticks([0.5, 1.5, 2.5], ["canceller", "near end", "speech"])
    decisions.set_ylim(0, 3)
    decisions.set_xlim(0, SECONDS)
    decisions.set_xlabel("seconds (position in the line)")
    decisions.legend(loc="upper left", bbox_to_anchor=(1, 1.2), fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def _bar(axis: Axes, flags: np.ndarray, row: int, colour: str, label: str) -> None:
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0])).reshape(-1, 2)
    spans = [(a * 0.02, (b - a) * 0.02) for a, b in edges.tolist()]
    axis.broken_barh(spans, (row + 0.1, 0.8), color=colour, label=label or None)
