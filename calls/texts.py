"""The sentences that the live page's script may have to say.

They travel to the page as JSON, so the script itself holds no words.
"""

from django.utils.translation import gettext_lazy as _

CALL_TEXTS = {
    # What the call is doing.
    "draft": _("Ready to call"),
    "starting": _("Connecting"),
    "queued": _("Connecting"),
    "ringing": _("Ringing"),
    "in_progress": _("In progress"),
    "ending": _("Ending the call"),
    "over": _("The call has ended"),
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
        "The microphone was disconnected. Connect it again; the call goes on meanwhile."
    ),
    "mic_back": _("The microphone is working again."),
    "listen_only": _("You are listening without a microphone."),
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
    "held": _("The line is on hold."),
    "unheld": _("The line is back."),
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
    "warning_playout_behind": _(
        "What you say has to wait. Pauses are shortened until it has caught up."
    ),
    "warning_sound_lost": _(
        "About {seconds} s of the other side were covered by echo and could not be"
        " heard. If something is missing, ask them to say it again."
    ),
    "warning_spend_limit": _("This call may cost {usd} USD more; then it ends."),
    "warning_time_limit": _("This call ends in {seconds} seconds."),
    "error_cannot_repeat": _("This cannot be said again: it is too long ago."),
    # Trouble with the interpreter.
    "recovery_lost": _("The interpreter was lost for a moment."),
    "recovery_reconnecting": _("The interpreter is being brought back …"),
    "recovery_recovered": _("The interpreter is back."),
    "recovery_degraded": _(
        "Interpretation is delayed; what was said will appear later."
    ),
}
