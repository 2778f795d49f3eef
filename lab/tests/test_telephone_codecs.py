"""The mobile codecs: what they lose, and that ours is the standard's."""

from typing import Any

import numpy as np
import pytest

from lab.speech.shared import synthesiser
from lab.telephone import codecs, gsm
from lab.telephone.codecs import AMR_BITS, CODECS, CodecUnavailable, make_codec

Samples = np.ndarray[Any, np.dtype[np.int16]]

HAS_AMR = codecs.has_pyav()
needs_av = pytest.mark.skipif(not HAS_AMR, reason="PyAV is not installed: no AMR")
HERE = [
    pytest.param(name, marks=needs_av if name in AMR_BITS else ()) for name in CODECS
]


def speech() -> Samples:
    pcm = synthesiser().speak_8k("제가 지금 바쁜데요, 질문이 뭐였죠?", "ko", "b", 160)
    return pcm[: len(pcm) // 160 * 160]


def through(name: str, pcm: Samples) -> Samples:
    codec = make_codec(name)
    frames = [codec.process(pcm[i : i + 160]) for i in range(0, len(pcm), 160)]
    return np.concatenate(frames)


def snr_db(wanted: Samples, got: Samples) -> float:
    error = np.sum((wanted.astype(float) - got) ** 2)
    return float(10 * np.log10(np.sum(wanted.astype(float) ** 2) / error))


@pytest.mark.parametrize("name", HERE)
def test_speech_comes_through_changed_but_recognisable(name: str) -> None:
    pcm = speech()
    out = through(name, pcm)
    assert len(out) == len(pcm)
    # AMR delays by its look-ahead: compare spectra of 20 ms, not samples.
    before, after = (
        np.log(np.abs(np.fft.rfft(x.reshape(-1, 160) * np.hanning(160))) + 100)
        for x in (pcm, out)
    )
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.8
    assert not np.array_equal(out, pcm)


@pytest.mark.parametrize("name", HERE)
def test_silence_stays_silence(name: str) -> None:
    out = through(name, np.zeros(1600, np.int16))
    assert np.abs(out).max() <= 40  # GSM has no zero pulse


@pytest.mark.parametrize("name", HERE)
def test_it_is_quiet_again_after_speech(name: str) -> None:
    pcm = np.concatenate([speech(), np.zeros(16_000, np.int16)])
    tail = through(name, pcm)[-8000:]
    assert np.sqrt(np.mean(tail.astype(float) ** 2)) < 40


@pytest.mark.parametrize("name", HERE)
def test_two_passes_do_not_share_anything(name: str) -> None:
    pcm = speech()
    one, other = make_codec(name), make_codec(name)
    for i in range(0, 1600, 160):
        other.process(np.full(160, 3000, np.int16))
        a = one.process(pcm[i : i + 160])
        assert np.array_equal(a, through(name, pcm[: i + 160])[i:])


@pytest.mark.parametrize("name", HERE)
def test_a_codec_takes_whole_frames_only(name: str) -> None:
    with pytest.raises(ValueError, match="160"):
        make_codec(name).process(np.zeros(80, np.int16))


def test_gsm_has_the_noise_of_13_kbit() -> None:
    pcm = speech()
    assert 9 < snr_db(pcm, through("gsm", pcm)) < 20


def test_gsm_survives_the_loudest_sound() -> None:
    rng = np.random.default_rng(3)
    loud = (32767 * np.sign(rng.standard_normal(16_000))).astype(np.int16)
    steps = np.repeat(loud[::160], 160)
    for pcm in (loud, steps, np.full(16_000, -32768, np.int16)):
        out = through("gsm", pcm).astype(float)
        assert np.sqrt(np.mean(out**2)) <= 32768


def test_the_block_maxima_are_those_of_the_standard() -> None:
    assert len(gsm.BLOCK_MAXIMA) == 64
    assert gsm.BLOCK_MAXIMA[[0, 15, 16, 23, 24, 31, 63]].tolist() == [
        31,
        511,
        575,
        1023,
        1151,
        2047,
        32767,
    ]


def packed(frame: gsm.Frame) -> bytes:
    """Write a frame as the 33 bytes that other decoders read."""
    bits: list[int] = []

    def put(value: int, n: int) -> None:
        bits.extend(value >> i & 1 for i in range(n - 1, -1, -1))

    put(0xD, 4)
    widths = (6, 6, 5, 5, 4, 4, 3, 3)
    for ratio, least, n in zip(frame.ratios, gsm.LAR_MIN, widths, strict=True):
        put(int(ratio - least), n)
    for one in frame.subframes:
        put(one.lag, 7)
        put(one.gain, 2)
        put(one.grid, 2)
        put(one.maximum, 6)
        for pulse in one.pulses:
            put(int(pulse), 3)
    return np.packbits(bits).tobytes()


@needs_av
def test_another_gsm_decoder_understands_our_frames() -> None:
    import av

    pcm = speech()
    encoder, decoder = gsm.Encoder(), gsm.Decoder()
    other: Any = av.CodecContext.create("gsm", "r")
    other.sample_rate, other.layout = 8000, "mono"
    ours, theirs = [], []
    for i in range(0, len(pcm), 160):
        frame = encoder.encode(pcm[i : i + 160])
        ours.append(decoder.decode(frame))
        assert len(packed(frame)) == 33
        for decoded in other.decode(av.Packet(packed(frame))):
            theirs.append(decoded.to_ndarray().ravel())
    assert snr_db(np.concatenate(theirs), np.concatenate(ours)) > 30


def test_without_pyav_amr_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codecs, "has_pyav", lambda: False)
    for name in AMR_BITS:
        with pytest.raises(CodecUnavailable, match=r"needs PyAV.* installed"):
            make_codec(name)
    make_codec("gsm")
    codecs.require(None)
