"""Tunables of the audio path: built once per call, never read from the environment.

Every number names its unit and where it comes from.
"""

from dataclasses import dataclass, field
from typing import Final

from realtime.audio.echo.config import EchoConfig
from realtime.guards.names import Term

LINE_HZ: Final = 8000
"""The telephone's sample rate (G.711)."""
ENGINE_HZ: Final = 24000
"""What the translation engine and the caller's socket take (facts/openai.md 2)."""
FRAME_MS: Final = 20
"""One media frame; the line's own clock (facts/twilio.md 1)."""
ENGINE_FRAME_SAMPLES: Final = ENGINE_HZ * FRAME_MS // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayoutConfig:
    """How audio is released to the telephone."""

    max_ahead_ms: int = 320
    """Never more than this in Twilio's buffer, so that `clear` and the cursor stay
    true.  A buffer that runs dry moves the echo under the canceller's feet: two stalls
    of 100 ms on the way, or a packet that is sent again, must fit in (200 to 400 ms
    are usual: docs/facts/twilio.md, section 8)."""
    progress_every_ms: int = 200
    """How often the caller is told what the callee has heard."""
    skip_above_ms: int = 1500
    """So late, pauses are cut short; an engine's own unevenness stays below it."""
    faster_above_ms: int = 3000
    """So late, speech is played a little faster as well, and the caller is told."""
    in_time_below_ms: int = 500
    """Here it is no longer late."""
    between_ms: int = 300
    """Between a sentence and the next one that was made whole: about what people leave
    between two sentences."""
    stream_patience_ms: int = 600
    """An engine that makes sound as it goes pauses for a breath; after so long without
    a sound, and without its word that it has finished, others may speak."""
    kept_pause_ms: int = 100
    """What remains of a pause: it still separates words."""
    voice_slack_ms: int = 120
    """The caller's own voice may wait this long before its pauses are skipped: an
    ordinary network's jitter."""
    voice_ahead_ms: int = 60
    """So much of it is in the telephone's buffer, against our own unevenness."""
    voice_keep_ms: int = 2000
    """More of it than this is not kept: the network was away."""
    faster_every_frames: int = 3
    """One pitch period (3 to 15 ms) less in 60 ms: 5 to 20 % faster, which listeners of
    ordinary speech hardly notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConfig:
    """What happens when the line's frames are late."""

    stall_ms: int = 60
    """Three missing frames: from here on the clock continues from time."""
    silence_after_ms: int = 500
    """A stall this long is fed to the engine as silence; a shorter one is only late."""
    burst_ms: int = 15
    """Frames closer together than this are a backlog being worked off, not the pace of
    the line; three quarters of a frame, so that jitter is not taken for it."""
    forgive_after_ms: int = 500
    """Frames that are late come in a burst; when they have kept the pace for so long
    without one, what is missing will not come."""
    max_gap_ms: int = 2000
    """At most this much silence replaces frames that the line itself skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerInputConfig:
    """The caller's audio, which arrives when the network lets it."""

    slack_ms: int = 400
    """The engine is fed silence only when the caller's audio is later than this.
    Shorter, and the stutter of an ordinary wireless network tears words apart: with
    150 ms late and caught up every 2 s, 60 lost 4 phrases of three conversations
    and 400 none."""
    tail_ms: int = 10_000
    """After a switch to typing an engine is still fed silence for this long: it says
    the rest of what it has heard only while time passes for it."""
    max_ahead_ms: int = 10_000
    """More audio than time by this much is not a microphone: the socket is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    """How much sound goes into one message.

    A message costs a system call at both ends whatever its length, and the translation
    engine works in frames of 200 ms anyway (facts/openai.md 2).
    """

    speech_batch_ms: int = 60
    """While somebody speaks: the safe middle of 40 to 100 ms."""
    idle_batch_ms: int = 200
    """While nobody does; the first sure window of speech is sent at once, and with it
    everything that waited."""
    caller_batch_ms: int = 40
    """What the caller hears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechConfig:
    """Speech detection on Silero's probabilities, 32 ms each."""

    enter: float = 0.5
    """Silero's own default threshold."""
    exit: float = 0.35
    """Silero's default negative threshold: 0.15 below the entry."""
    enter_windows: int = 2
    """Two windows in a row (64 ms): a click is not speech."""
    exit_ms: int = 400
    """Pauses inside a phrase are shorter than this (facts/line.md: 0.5 s and longer
    separate phrases)."""
    pre_roll_ms: int = 60
    """How much earlier than the first sure window speech is said to begin."""
    wake_over_floor: float = 1.5
    """A window this much louder (3.5 dB) than the line's noise is put to the network;
    stationary noise stays below it (measured: 32 ms windows vary by 1 dB)."""
    enter_over_floor: float = 2.0
    """Speech is 6 dB above the noise at least, whatever the network thinks."""
    sure: float = 0.85
    """Where the network is as sure as this within speech ..."""
    sure_over_floor: float = 4.0
    """... and the next window is 12 dB above the noise, that one is not judged: a third
    less work, and the end of speech, which is quieter, is not touched."""
    awake_ms: int = 480
    """How long the network goes on listening after the last such window."""
    context_ms: int = 320
    """What came before is heard by the network first: its recurrent state needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnConfig:
    """When the callee's speech stops ours (contract section 3, interruption)."""

    confirm_ms: int = 600
    """Speech over our playback that lasts longer is an interruption (contract)."""
    backchannel_gap_ms: int = 96
    """Three windows without speech end a backchannel: playout has to go on within
    200 ms (contract), and mouths close for 60 ms within words."""
    late_gap_ms: int = 64
    """The same where the echo canceller holds sound back for 80 ms: the 200 ms are the
    callee's; a word that is cut in two is joined again (`rejoin_ms`)."""
    rejoin_ms: int = 200
    """Speech that goes on so soon after such an end is the same speech."""
    gap_ms: int = 300
    """An engine's own gaps between words: what the callee says in them is said over
    our speech as well."""
    hold_limit_ms: int = 15_000
    """How long what we have to say waits for the callee to finish (contract)."""
    stale_ms: int = 300
    """What was held back for longer, until the echo was known, does not interrupt what
    is being said now; while something plays, all sound is 80 ms late."""
    slack_ms: int = 200
    """Recognised words of an utterance that began this much earlier are not news."""
    rewind_ms: int = 4000
    """At most this much is said again after an interruption: who has spoken themselves
    needs the beginning of the sentence."""
    resume_rewind_ms: int = 1500
    """The same after a backchannel: who says "uh-huh" has followed."""
    pause_ms: int = 80
    """What counts as a pause to go on from."""
    followed_utterances: int = 50
    """Of so many it is known how much of them was heard."""
    kept_utterances: int = 6
    """How many of the caller's utterances can be repeated as they were spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """When an utterance is over, for engines that work by turns.

    Committing comes with the detector's own decision, `SpeechConfig.exit_ms` after the
    last sound; these are about answering.
    """

    least_pause_ms: int = 550
    """So long after the last sound everybody has finished who never hesitates."""
    most_pause_ms: int = 1200
    """Nobody waits longer than this, however slow the speaker is: pauses within what
    one person says are shorter than 1 s, most of them (facts/line.md)."""
    hesitation_ms: int = 1500
    """Whoever goes on within this had not finished."""
    pause_margin: float = 1.2
    forget: float = 0.7
    """How much of what was learned remains after a turn without hesitation."""
    long_ms: int = 8000
    """From here on a breath ends an utterance, and the longer it gets the shorter the
    breath may be (facts/openai.md 3: the field commits at 8 s)."""
    breath_ms: int = 220
    """A breath at first: between two sentences, hardly ever between two words ..."""
    least_breath_ms: int = 64
    """... and just before `most_ms`: two windows without speech, between any words."""
    most_ms: int = 12_000
    """Without any breath it ends here; the engine hears the rest in the next one."""
    goes_on_ms: int = 100
    """Who is heard for so long after having said that they have finished has not."""
    pre_roll_ms: int = 440
    """Sound from before the detection that belongs to the utterance: 300 ms before the
    first sure window, and the windows of the decision itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """When recognised words are an echo of ours."""

    similarity: float = 0.8
    """Share of the recognised letters that are part of what was played."""
    tail_ms: int = 1000
    """An echo ends at the latest 600 ms after its sound was played (facts/line.md), and
    the end of speech is known to some 300 ms."""
    min_letters: int = 6
    """Shorter words ("네", "okay") are everybody's, and so is the beginning of many a
    sentence."""
    kept: int = 8
    """Sentences that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringConfig:
    """Who answered.

    Twilio's own detection goes by 2.4 s of speech, 1.2 s of silence after it, and 5 s
    of silence at first (facts/twilio.md 3); ours has words and tones as well, so it may
    wait a little longer for a machine and decide sooner for a person.
    """

    short_ms: int = 2500
    """Whoever picks up says a word or two, seldom more than 2 s."""
    wait_ms: int = 900
    """... and then waits; machines pause 0.3 to 0.7 s between sentences."""
    greeting_wait_ms: int = 450
    """The words of whoever picks up need a shorter wait: just no breath."""
    machine_wait_ms: int = 2500
    """Menus pause up to 2 s between choices, and a beep comes within 2 s."""
    long_ms: int = 4000
    """No greeting of a person is so long without a pause (but those of some shops)."""
    drone_ms: int = 20_000
    """Nor of anybody at all, and nothing of it was recognised: menus and notices talk
    as long, but in words."""
    told_drone_ms: int = 15_000
    """The same if the telephone company takes it for a machine, too."""
    dead_air_ms: int = 8000
    """Nobody picks up and then says nothing for so long, with our greeting at 3 s."""
    ask_after_ms: int = 5000
    """After so much quiet it is asked whether anybody is there: people who look for
    their telephone's button need a few seconds."""
    times_asked: int = 2
    """So often; then we say goodbye."""
    behind_screen_ms: int = 4000
    """Who asks who is calling answers what they hear within this; the person behind a
    screening comes later, and has heard nothing yet."""
    settle_ms: int = 30_000
    """Whoever has been a person for so long stays one, whatever words they use."""
    after_beep_ms: int = 1500
    """A beep so long before the verdict was the one to speak after."""
    no_beep_ms: int = 4000
    """A voicemail that is quiet for so long records already: its beep was not heard."""
    greeting_limit_ms: int = 60_000
    """No greeting takes so long; nobody pays for a machine that does not stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldConfig:
    """When somebody lets us wait."""

    asked_ms: int = 1500
    """Quiet for so long after having asked us to wait, they are gone."""
    music_ms: int = 3000
    """Sound for so long that nobody makes by speaking ..."""
    music_share: float = 0.6
    """... most of the time: music has rests."""
    unanswered_ms: int = 20_000
    """So long after something of ours with no answer: they are not there.  Shorter,
    they may only be waiting for us to go on."""
    back_ms: int = 2500
    """Speech this long is a person, also without words; announcements are speech as
    well, and their words are known by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysConfig:
    """Keys that are pressed for the caller."""

    collect_ms: int = 500
    """Keys pressed within this belong together: each batch costs a gap of its own."""
    most_digits: int = 32
    """`calls.twilio.MAX_DIGITS`."""
    key_ms: int = 250
    """One tone and the pause after it, at most; Q.24 asks for 40 ms each."""
    pause_ms: int = 500
    """A `w` (facts/twilio.md 3)."""
    patience_ms: int = 10_000
    """Beyond the keys themselves: Twilio's request to us and opening a socket take up
    to 10 s each when they do not work at once (facts/twilio.md 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionConfig:
    """When text is final (contract section 3)."""

    final_after_ms: int = 1200
    """Silence of target text and sound after which a translation is final."""
    unspoken_after_ms: int = 2000
    """Text that came without detected speech waits so long for its translation; after
    that the translation of what is said next is not mistaken for it."""
    no_text_after_ms: int = 8000
    """Speech that brought no text for this long will not bring any."""
    words_from_ms: int = 1500
    """... and where it was this long, somebody has said something that was not
    understood: no cough and no laugh lasts as long."""
    sentence_gap_ms: int = 300
    """A finished sentence and this much silence: the next translation begins, if a
    later utterance is waiting for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedConfig:
    """When a recognised text was said by nobody."""

    syllables_per_s: float = 10.0
    """Nobody speaks faster for a whole sentence: conversation has 4 to 7 syllables a
    second in the languages of this product, hurried speech 9."""
    least_share: float = 0.5
    """So much of that time at least is detected as speech where somebody spoke; a soft
    speaker loses beginnings and ends."""
    heard_over_floor: float = 1.5
    """A window this much louder than the line's noise is something
    (`SpeechConfig.wake_over_floor`)."""
    repetitions: int = 3
    """People say things twice; recognisers that are stuck go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedConfig:
    """Typed messages."""

    most_letters: int = 500
    """A minute of speech."""
    most_waiting: int = 10
    kept: int = 100
    """Messages of which it is known that they were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryConfig:
    """How long words are kept for an engine that is away."""

    keep_ms: int = 30_000
    """Audio kept for an engine that reconnects (WIGVO v2's ring buffer)."""
    answer_after_ms: int = 30_000
    """An engine that works by turns is not waited for any longer."""
    file_answer_ms: int = 100_000
    """Writing a file may be tried four times, 15 s each, with 20 s between
    (`realtime.text.by_text`)."""
    replay_ms: int = 10_000
    """So much of what a simultaneous engine was hearing is told its successor: its
    voice trails the speaker's by 5.4 s in the median (facts/openai.md 2)."""
    replay_gap_ms: int = 600
    """Silence between utterances that it is told again: pauses of 0.5 s and longer
    separate phrases (facts/line.md)."""
    degraded_after_ms: int = 10_000
    """From here on the caller is told that words are only being kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeConfig:
    """How a call ends."""

    max_call_ms: int = 3_300_000
    caller_grace_ms: int = 60_000
    warn_before_ms: int = 60_000
    """The caller hears of the time limit this early."""
    warn_spend_share: float = 0.8
    """The caller hears of the spend limit when this much of it is used up (issue 4)."""
    cheaper_spend_share: float = 0.9
    """From here on a cheaper engine serves both: an interpreter by turns is paid for
    speech and not for silence, so that what is left lasts longer."""
    farewell_ms: int = 7_000
    """The longest line of our own; spoken before the limit hangs up."""
    drain_ms: int = 3_000
    """How long an engine may take to finish the last words after the end."""
    greeting_wait_ms: int = 3_000
    """Who picks up says the first word; if nobody does, we do after this."""
    take_up_check_ms: int = 2_000
    """After a restart the telephone is asked this soon whether the call still is."""
    stream_return_ms: int = 15_000
    """A stream that dropped comes back by `/twilio/resume`, or the call is over;
    Twilio allows its webhooks 15 s (facts/twilio.md 2)."""
    inbound_check_ms: int = 3_000
    """The same for a stream of somebody who called us: they have hung up, mostly, and
    nobody tells us."""
    greeting_patience_ms: int = 2_500
    """Our first words to somebody who called us are spoken into memory beforehand, or
    the agent says them."""
    engine_patience_ms: int = 8_000
    """Whoever called us is not left longer without an agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """How patient the agent is."""

    opening_wait_ms: int = 3000
    """The callee's first word is waited for so long, as before every greeting
    (contract section 2: at most 3 s)."""
    answer_ms: int = 30_000
    """How long the owner has to answer a question while somebody holds the line."""
    remind_ms: int = 12_000
    """How often the callee is asked to wait meanwhile."""
    silence_ms: int = 10_000
    """After so long without a word, the agent asks whether somebody is there ..."""
    silences: int = 3
    """... and at the third time it says goodbye."""
    goodbye_ms: int = 15_000
    """From `end_call` on, the line is closed after this at the latest."""
    farewell_grace_ms: int = 1200
    """The other side's own goodbye is waited for so long: people answer within 1 s."""
    reopenings: int = 2
    """So often somebody can bring up something after the goodbye."""
    failures: int = 3
    """So many responses in a row that fail, and the agent gives up."""
    mute_rounds: int = 6
    """So many responses in a row without a word; then it has to speak."""
    goodbye_words_ms: int = 3000
    """After a goodbye of whoever called us, the model has so long to end the call."""
    transfer_from_ms: int = 600
    """Before they are put through, our sentence about it is heard; it begins within
    this ..."""
    transfer_by_ms: int = 8000
    """... and is over by then."""
    max_facts: int = 50
    max_questions: int = 5
    kept_utterances: int = 60
    """For a new session of the engine: some ten minutes of talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConfig:
    """Everything one call's session needs to know."""

    call_id: str
    caller_language: str
    callee_language: str
    is_recorded: bool = False
    """The caller wishes it, and the callee has not refused."""
    tells_of_recording: bool = False
    """The callee is asked after the greeting whether the call may be recorded."""
    mode: str = "voice"
    is_inbound: bool = False
    """They have called us."""
    caller_engine: str = "translate"
    """What listens to the caller: `translate` interprets simultaneously, `interpret` by
    turns, `transcribe` only writes."""
    callee_engine: str = "translate"
    passthrough_after_ms: int = 1500
    """Words that have been recognised for this long and bring no translation are in the
    caller's language already: the engine is silent, so the original comes through."""
    terms: tuple[Term, ...] = ()
    """Names and words of the brief that a translation has to have."""
    foresight_ms: int = 250
    """A sentence that a model writes and speaks at once waits so long for its last
    word: hardly noticed; our choice."""
    start_ms: int = 0
    """Where the call's clock stands; not zero when a call is taken up again."""
    least_lost_ms: int = 300
    """Lost sound that the caller is told about: a syllable or more."""
    original_slack_frames: int = 5
    """The callee's own voice may wait this long (100 ms) before pauses are skipped."""
    playout: PlayoutConfig = field(default_factory=PlayoutConfig)
    line: LineConfig = field(default_factory=LineConfig)
    caller_input: CallerInputConfig = field(default_factory=CallerInputConfig)
    feed: FeedConfig = field(default_factory=FeedConfig)
    echo: EchoConfig = field(default_factory=EchoConfig)
    speech: SpeechConfig = field(default_factory=SpeechConfig)
    turns: TurnConfig = field(default_factory=TurnConfig)
    endpoints: EndpointConfig = field(default_factory=EndpointConfig)
    loops: LoopConfig = field(default_factory=LoopConfig)
    voicemail_message: str = ""
    """What is left on a voicemail, in the caller's language; "" hangs up on it."""
    answering: AnsweringConfig = field(default_factory=AnsweringConfig)
    hold: HoldConfig = field(default_factory=HoldConfig)
    keys: KeysConfig = field(default_factory=KeysConfig)
    captions: CaptionConfig = field(default_factory=CaptionConfig)
    typed: TypedConfig = field(default_factory=TypedConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    recovery: RecoveryConfig = field(default_factory=RecoveryConfig)
    life: LifeConfig = field(default_factory=LifeConfig)

    @property
    def is_one_language(self) -> bool:
        """Both speak the same language: nothing is translated."""
        return self.caller_language == self.callee_language

    def engine_of(self, leg: str) -> str:
        """Return what listens to a leg."""
        return self.caller_engine if leg == "caller" else self.callee_engine

    def works_by_turns(self, leg: str) -> bool:
        """Say whether what listens to a leg is told when an utterance is over."""
        return self.engine_of(leg) != "translate"
