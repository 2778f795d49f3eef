"""The sentences that the live page's script may have to say.

They travel to the page as JSON, so the script itself holds no words.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calls.models import Mode


@dataclass(frozen=True, slots=True)
class ModeText:
    """A way to hold a call: what each side hears of it."""

    mode: Mode
    name: str | Promise
    they_hear: str | Promise
    you_hear: str | Promise


MODES = (
    ModeText(
        Mode.VOICE,
        _("Voice"),
        _("They hear what you say, interpreted."),
        _("You hear them interpreted, and softly their own voice."),
    ),
    ModeText(
        Mode.CAPTIONS,
        _("Captions"),
        _("They hear what you say or type, interpreted."),
        _("You read what they say, and hear their own voice."),
    ),
    ModeText(
        Mode.TEXT,
        _("Text"),
        _("They hear what you type; your microphone stays off."),
        _("You read what they say, and hear their own voice."),
    ),
    ModeText(
        Mode.AGENT,
        _("Assistant"),
        _("They talk with an artificial intelligence that speaks for you."),
        _("You listen, and can tell it what to do or take over."),
    ),
)
MODES_IN_ONE_LANGUAGE = (
    ModeText(
        Mode.VOICE,
        _("Voice"),
        _("They hear your own voice."),
        _("You hear theirs; all that is said is written down."),
    ),
    ModeText(
        Mode.CAPTIONS,
        _("Captions"),
        _("They hear your own voice, and what you type."),
        _("You read what they say, and hear their own voice."),
    ),
    ModeText(
        Mode.TEXT,
        _("Text"),
        _("They hear what you type; your microphone stays off."),
        _("You read what they say, and hear their own voice."),
    ),
    MODES[-1],
)


def modes_between(caller_language: str, callee_language: str) -> tuple[ModeText, ...]:
    """Return the modes as they are between two languages."""
    one_language = caller_language == callee_language
    return MODES_IN_ONE_LANGUAGE if one_language else MODES


CALL_TEXTS = {
    # What the call is doing.
    "draft": _("Ready to call"),
    "starting": _("Connecting"),
    "queued": _("Connecting"),
    "ringing": _("Ringing"),
    "in_progress": _("In progress"),
    "ending": _("Ending the call"),
    "over": _("The call has ended"),
    "on_hold": _("On hold"),
    # What to do meanwhile.
    "hint_draft": _("Nobody is called before you press “Call”."),
    "hint_queued": _("The number is being dialled. This takes a few seconds."),
    "hint_ringing": _(
        "It rings at the other side. Whoever answers is first told who calls, and that"
        " an artificial intelligence interprets; then it is your turn."
    ),
    "hint_ringing_long": _(
        "It has been ringing for {time}. Let it ring on, or hang up and try later."
    ),
    "hint_join": _(
        "The call is going on, but this page is not connected to it. Join it to read,"
        " hear and be heard."
    ),
    "hint_lost": _(
        "The call goes on, and the other side is asked to wait. After {seconds} s"
        " without you it ends. Check your internet connection and leave this page open:"
        " it comes back by itself."
    ),
    "hint_lost_agent": _(
        "The assistant goes on with the call. Check your internet connection and leave"
        " this page open: it comes back by itself."
    ),
    "hint_lost_before": _(
        "The other side is being called meanwhile. Check your internet connection and"
        " leave this page open: it comes back by itself."
    ),
    "hint_hold": _(
        "On hold for {time}. You need not listen: you are called back here."
    ),
    "captions_paused": _("Captions stand still. New ones keep arriving below."),
    "captions_resumed": _("Captions go on."),
    "caption_delay": _("{seconds} s later"),
    "caption_delay_long": _(
        "Measured in this call: {seconds} s from their words to the interpretation, in"
        " the middle of all cases."
    ),
    "take_over": _("Take over"),
    "hand_back": _("Hand back"),
    "confirm_whisper": _("Ask them whether this is right: {words}"),
    # Why to stay a little longer.
    "stay_speaking": _("They are speaking."),
    "stay_held": _("You would lose your place in the queue."),
    "stay_unsaid": _("Something of yours has not been said yet."),
    "stay_agent": _("The assistant has not finished."),
    # The connection to the call.
    "connection_idle": _("Not connected"),
    "connection_starting": _("Connecting …"),
    "connection_open": _("Connected"),
    "connection_waiting": _("Connection lost. Trying again in {seconds} s …"),
    "connection_reconnecting": _("Reconnecting …"),
    "connection_stopped": _("Disconnected"),
    "reconnected": _(
        "You are connected again. If you spoke meanwhile, ask whether it arrived."
    ),
    "audio_lost": _(
        "You are connected again. About {seconds} s of your speech could not be sent;"
        " please say it again."
    ),
    # Why the socket was closed for good.
    "closed_login": _("You are no longer logged in. Log in again to rejoin the call."),
    "closed_missing": _("This call does not exist, or it is not yours."),
    "closed_replaced": _(
        "The call was taken over in another window. You can take it back here."
    ),
    "closed_over": _("This call has ended."),
    "closed_busy": _(
        "The connection was opened too often. Trying again in {seconds} s …"
    ),
    "closed_moved": _("The call has moved to another server. Following it …"),
    "closed_failed": _(
        "The call could not be reached again. If the other side is still there,"
        " they have been asked to wait."
    ),
    "start_failed": _("The call could not be started."),
    "start_offline": _(
        "The server cannot be reached. Check your internet connection and try again."
    ),
    # The microphone.
    "mic_asking": _("Allow the microphone when your browser asks for it."),
    "mic_refused": _(
        "The microphone is blocked. Allow it in your browser's site settings"
        " (the icon beside the address), then try again."
    ),
    "mic_missing": _(
        "No microphone was found. Connect one, or choose one in your system's"
        " sound settings, then try again."
    ),
    "mic_busy": _(
        "The microphone could not be opened; another program may be using it."
        " Close that program, then try again."
    ),
    "mic_insecure": _(
        "Browsers only give out the microphone on a secure address. Open this page"
        " with https://, or on the server's own machine at http://localhost."
    ),
    "mic_unsupported": _(
        "This browser cannot carry a call. Use a current Chrome, Edge, Firefox or"
        " Safari."
    ),
    "mic_lost": _(
        "The microphone was disconnected, so they cannot hear you. The call goes on:"
        " connect it again, or type."
    ),
    "mic_back": _("The microphone is working again."),
    "listen_only": _("You are listening without a microphone."),
    "mic_or_type": _("Nobody has been called. You can also type: that needs none."),
    "type_instead": _("Type instead"),
    "microphone": _("Microphone"),
    # Push-to-talk.
    "talk_hold": _("Hold to talk"),
    "talk_toggle": _("Talk"),
    "talk_on": _("Talking"),
    # The controls.
    "call": _("Call"),
    "rejoin": _("Join this call"),
    "take_back": _("Take the call back"),
    "try_again": _("Try again"),
    "mute": _("Mute"),
    "unmute": _("Unmute"),
    "muted": _("Your microphone is muted."),
    "unmuted": _("Your microphone is on."),
    # Who is doing what.
    "speaking_caller": _("You are speaking"),
    "speaking_callee": _("They are speaking"),
    "speaking_agent": _("The assistant is speaking"),
    "held": _(
        "You are on hold. Leave the call open: you are told here when somebody speaks."
    ),
    "unheld": _("Somebody is back on the line."),
    # The mode.
    "mode_now": _("The call goes on as: {mode}."),
    "mode_unanswered": _("The call could not be switched. It goes on as it was."),
    "error_unsupported_mode": _(
        "The call cannot be switched to this yet. It goes on as it was."
    ),
    "original_off": _("off"),
    # What is typed.
    "type_text": _("Type what they are to hear"),
    "type_whisper": _("Tell the assistant what to do; the other side does not hear it"),
    "send_text": _("Say it"),
    "send_whisper": _("Tell it"),
    "too_long": _("{n} letters too many: send it in two parts."),
    "not_connected_kept": _("Not connected: what you entered is kept, send it again."),
    "text_sending": _("Being sent"),
    "text_queued": _("Waits to be said"),
    "text_speaking": _("Is being said"),
    "text_spoken": _("Was said"),
    "text_told": _("The assistant was told"),
    "text_interrupted": _("Interrupted; the rest waits"),
    "text_repeating": _("Is being said again"),
    "text_mismatch": _(
        "Not said: it would have become “{spoken}”. Change it or send it again."
    ),
    "text_mismatch_unknown": _(
        "Not said: it would have become something else. Change it or send it again."
    ),
    "text_failed": _("Not said. Change it or send it again."),
    "text_unsure": _("Perhaps not said: the connection was lost. Send it again."),
    "error_text_empty": _("There is nothing to say: the text is empty."),
    "error_text_too_long": _("This text is too long: send it in two parts."),
    "error_too_many_texts": _(
        "Too much is waiting to be said. Wait until something of it was heard."
    ),
    "error_text_not_translated": _(
        "This could not be translated, so it was not said. Send it again."
    ),
    "error_text_not_now": _("Nobody would hear it now. Send it again when they can."),
    "error_not_available": _("This cannot be done in this call."),
    # Who answered.
    "answered_person": _("Somebody has answered."),
    "answered_voicemail": _(
        "A voicemail has answered: nobody hears you now. Hang up and try later, or"
        " leave a message after the tone."
    ),
    "answered_menu": _(
        "A menu has answered. Listen to the choices, then press a key on the keypad."
    ),
    "answered_screening": _(
        "A machine asks who is calling. Say your name and why you call, then wait."
    ),
    "answered_fax": _(
        "A fax machine has answered. Hang up and look for another number."
    ),
    "answered_silence": _(
        "Nobody is to be heard. Say something, or hang up and call again."
    ),
    # Keys.
    "keys_none": _("Enter the keys to press first."),
    "keys_sending": _(
        "Keys {digits} are being pressed. For a moment you cannot hear the other side."
    ),
    "keys_sent": _("Keys {digits} were pressed."),
    "keys_failed": _("Keys {digits} could not be pressed. Try again."),
    "key_heard": _("The other side pressed {digit}."),
    # A question of the assistant.
    "question_left": _("{seconds} s left"),
    "question_answered": _("Your answer was sent to the assistant."),
    "question_over": _(
        "The time for the answer is over. The assistant goes on as you have told it"
        " beforehand."
    ),
    # What is held back before it is said.
    "guardrail_held": _(
        "Something of this may hurt, so it was not said yet. It is being said more"
        " politely."
    ),
    "guardrail_rephrased": _("What might have hurt was said more politely."),
    "guardrail_blocked": _(
        "This was not said, because it may hurt. Say it in other words."
    ),
    "guardrail_flagged": _("What the other side heard may have sounded hurtful."),
    "guardrail_corrected": _("It was said in a more polite form."),
    "guardrail_other": _("What you said was checked before it was spoken."),
    "cost": _("about {amount}"),
    "cost_minutes": _("{minutes} min"),
    # How far a sentence of the caller has got; beside its caption.
    "fate_waiting": _("not heard yet"),
    "fate_playing": _("being heard: {seconds} s"),
    "fate_held": _("the rest waits"),
    "fate_resumed": _("the rest is being said"),
    "fate_heard": _("heard"),
    "fate_so_far": _("heard so far"),
    "fate_discarded": _("left out"),
    "fate_lost": _("not heard"),
    "fate_repeating": _("will be said again"),
    "fate_unsure": _("perhaps not heard"),
    "fate_cut": _("heard until the call ended"),
    # The same, of everything together.
    "now_waiting": _("Your words are being interpreted."),
    "now_waiting_for_them": _("The other side is speaking; your words wait."),
    "now_playing": _("They are hearing you: {seconds} s"),
    "now_held": _("The other side is speaking; the rest waits."),
    "now_resumed": _("The rest is being said now."),
    "now_repeating": _("It will be said again."),
    "now_incomplete": _("Not everything you said was heard."),
    "now_heard": _("They have heard your last words."),
    "now_settled": _("Nothing is waiting to be said."),
    # Why a sentence is among those not heard.
    "item_held": _("Waits"),
    "item_lost": _("Not heard"),
    "item_discarded": _("Left out, because you went on speaking"),
    "item_unsure": _("Perhaps not heard: you were not connected"),
    "more": _("{n} more before this:"),
    "left_out": _("Left out."),
    "left_out_by_speech": _("Left out, because you went on speaking: {text}"),
    "not_heard": _("Not heard: {text}"),
    "lag": _("Your words reach the other side {seconds} s later."),
    "warning_recording_refused": _(
        "The other side does not want to be recorded. The recording was stopped and"
        " deleted."
    ),
    "warning_playout_behind": _(
        "What you say has to wait. Pauses are shortened until it has caught up."
    ),
    "warning_sound_lost": _(
        "About {seconds} s of the other side were covered by echo and could not be"
        " heard. If something is missing, ask them to say it again."
    ),
    "warning_not_interpreted": _(
        "Something that was said could not be understood. Ask them to say it again."
    ),
    "warning_spend_limit": _("This call may cost {usd} USD more; then it ends."),
    "warning_time_limit": _("This call ends in {seconds} seconds."),
    "error_cannot_repeat": _("This cannot be said again: it is too long ago."),
    # Trouble with the telephone or the interpreter.
    "telephone_lost": _("The other side cannot be heard for a moment."),
    "telephone_recovered": _(
        "The other side is back. For {seconds} s they could not be heard."
    ),
    "recovery_lost": _("The interpreter was lost for a moment."),
    "recovery_reconnecting": _("The interpreter is being brought back …"),
    "recovery_recovered": _("The interpreter is back."),
    "recovery_degraded": _(
        "Interpretation is delayed; what was said will appear later."
    ),
    "recovery_degraded_interpret": _(
        "The interpreter now speaks sentence by sentence, a little later than usual."
    ),
    "recovery_degraded_cascade": _(
        "What is said is written down, translated and read out for now: that takes"
        " longer than usual."
    ),
    "recovery_degraded_transcribe": _(
        "Nothing can be spoken by the interpreter for now: what is said comes in"
        " writing."
    ),
    "recovery_degraded_transcribe_file": _(
        "No interpreter is there for now. What is said is kept, and comes in writing"
        " later."
    ),
}


ENGINE_NAMES = {
    "translate": _("Interpreting while you speak"),
    "interpret": _("Interpreting sentence by sentence"),
    "transcribe": _("Writing down what is said"),
    "transcribe_file": _("Writing down what is said, later"),
    "speak": _("Reading aloud"),
    "agent": _("The assistant's conversation"),
    "partner": _("Rehearsal"),
    "text": _("Typed text, suggestions and the summary"),
    "moderation": _("Checking what is typed"),
    "telephone": _("The telephone"),
    "media_stream": _("Sound from the telephone"),
}
"""The lines of a call's bill, in plain words."""
