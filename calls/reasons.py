"""Why a call was refused, or ended as it did: a code, a sentence, what to do next.

Codes are stored and sent; sentences are for people and follow their language.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call ended as it did."""

    sentence: Text
    next_step: Text = ""


REASONS: dict[str, Reason] = {
    "agent_finished": Reason(
        _("The assistant has finished and ended the call."),
        _("What came of it is on this page; call again if something is still open."),
    ),
    "agent_failed": Reason(
        _("The assistant could not go on, so it ended the call politely."),
        _("Call again, or make this call yourself in another mode."),
    ),
    "agent_unavailable": Reason(
        _("The assistant could not answer, so the caller was asked to call again."),
        _("Call them back; there was nobody to take a message."),
    ),
    "goodbye_said": Reason(
        _("The other side said goodbye, so the call was ended."),
        _("Call back if something is still open."),
    ),
    "transferred": Reason(
        _("The assistant put the caller through to your number for that."),
        _("Ask there what came of it."),
    ),
    "transfer_unanswered": Reason(
        _("The caller was put through to your number for that, but nobody answered."),
        _("Call them back."),
    ),
    "line_busy": Reason(
        _("Somebody called while the line already had as many calls as it may."),
        _("Call them back, or have more calls at a time allowed for the line."),
    ),
    "line_minutes": Reason(
        _("Somebody called after the line's minutes of the day were used up."),
        _("Call them back, or have more minutes allowed for the line."),
    ),
    "line_spend": Reason(
        _("Somebody called after what your lines may cost in a day was used up."),
        _("Call them back, or have a higher limit set for you."),
    ),
    "hung_up_by_callee": Reason(
        _("The other side hung up."), _("Call again if something is still open.")
    ),
    "hung_up_by_caller": Reason(
        _("You ended the call."), _("Call again if something is still open.")
    ),
    "caller_lost": Reason(
        _("Your connection was lost for too long, so the call was ended."),
        _("Check your internet connection and call again."),
    ),
    "time_limit": Reason(
        _("The call reached its longest allowed time."),
        _("Call again if something is still open."),
    ),
    "spend_limit": Reason(
        _("The call cost as much as it was allowed to, so it was ended."),
        _("Call again later, or ask whoever runs this service for a higher limit."),
    ),
    "busy": Reason(_("The line was busy."), _("Try again in a few minutes.")),
    "declined": Reason(
        _("The other side declined the call."),
        _("Try again later, or reach them in another way."),
    ),
    "no_answer": Reason(
        _("Nobody answered."), _("Try again later, perhaps at another time of day.")
    ),
    "canceled": Reason(
        _("The call was cancelled before anybody answered."),
        _("Call again when you are ready."),
    ),
    "voicemail": Reason(
        _("A voicemail answered, so the call was ended. No message was left."),
        _("Try again later, or choose to leave a message next time."),
    ),
    "voicemail_left": Reason(
        _("A voicemail answered, and your message was left on it."),
        _("Nobody has confirmed it: call again if they do not call back."),
    ),
    "silence": Reason(
        _("Somebody picked up but nothing was heard, so the call was ended."),
        _("Try again later: their telephone or the line may not have worked."),
    ),
    "fax": Reason(
        _("A fax machine answered."), _("Look for a number where people answer.")
    ),
    "switched_off": Reason(
        _("The telephone is switched off or has no reception."),
        _("Try again later."),
    ),
    "invalid_number": Reason(
        _("This number is not in service."),
        _("Check the number, or look for another one."),
    ),
    "unreachable": Reason(
        _("The telephone network could not connect this number."),
        _("Check the number, or try again later."),
    ),
    "number_blocked": Reason(
        _("The telephone company does not connect calls to this number."),
        _("Ask whoever runs this service whether it can be allowed."),
    ),
    "country_blocked": Reason(
        _("The telephone account may not call this country."),
        _("Whoever runs this service has to allow it in the telephone account."),
    ),
    "caller_number_refused": Reason(
        _("The telephone company refused the number this service calls from."),
        _("Whoever runs this service has to check its telephone number."),
    ),
    "trial_account": Reason(
        _("The telephone account is a trial and may only call verified numbers."),
        _("Whoever runs this service has to upgrade the telephone account."),
    ),
    "telephone_login": Reason(
        _("The telephone company did not accept this service's account."),
        _("Whoever runs this service has to check the account's settings."),
    ),
    "telephone_busy": Reason(
        _("Too many calls are going on at the moment."), _("Try again in a minute.")
    ),
    "telephone_full": Reason(
        _("The telephone account allows no more calls at the same time."),
        _(
            "Try again when another call has ended. Whoever runs this service can have"
            " the limit raised."
        ),
    ),
    "webhook_failed": Reason(
        _("The telephone company could not reach this service during the call."),
        _("Whoever runs this service has to check its public address."),
    ),
    "stream_refused": Reason(
        _("The telephone company could not open the sound connection."),
        _("Whoever runs this service has to check its public address."),
    ),
    "telephone_refused": Reason(
        _("The telephone company refused the call."), _("Try again later.")
    ),
    "telephone_unreachable": Reason(
        _("The telephone company could not be reached."),
        _("Try again in a few minutes."),
    ),
    "engine_refused": Reason(
        _("The interpreter is not available, so nobody was called."),
        _("Try again in a few minutes."),
    ),
    "engine_lost": Reason(
        _("The interpreter was lost and could not be brought back."), _("Call again.")
    ),
    "media_lost": Reason(
        _("The sound connection to the telephone was lost."), _("Call again.")
    ),
    "server_restarted": Reason(
        _("The service was restarted during the call and could not take it up again."),
        _("Call again."),
    ),
    "telephone_gone": Reason(
        _("The telephone call was not there any more."), _("Call again.")
    ),
    "never_dialled": Reason(
        _("Something went wrong before the number was dialled."), _("Call again.")
    ),
}

UNEXPLAINED = Reason("")


def explain(code: str) -> Reason:
    """Return the sentence and the next step of a code; empty ones if unknown."""
    return REASONS.get(code, UNEXPLAINED)


_TWILIO = {
    10004: "telephone_full",
    11200: "webhook_failed",
    11205: "webhook_failed",
    12100: "webhook_failed",
    12300: "webhook_failed",
    13223: "invalid_number",
    13224: "invalid_number",
    13225: "number_blocked",
    13226: "invalid_number",
    13227: "country_blocked",
    20003: "telephone_login",
    20404: "telephone_gone",
    20429: "telephone_busy",
    21201: "invalid_number",
    21210: "caller_number_refused",
    21211: "invalid_number",
    21212: "caller_number_refused",
    21214: "unreachable",
    21215: "country_blocked",
    21216: "number_blocked",
    21217: "invalid_number",
    21219: "trial_account",
    21220: "telephone_gone",
    31901: "stream_refused",
    31902: "stream_refused",
    31903: "stream_refused",
    31910: "stream_refused",
    31920: "stream_refused",
    31921: "stream_refused",
    31922: "stream_refused",
    31923: "stream_refused",
    31924: "stream_refused",
    31941: "stream_refused",
    32205: "country_blocked",
}
"""Twilio's error codes (its error dictionary) in our words."""

_SIP = {
    403: "number_blocked",
    404: "invalid_number",
    410: "invalid_number",
    480: "switched_off",
    484: "invalid_number",
    485: "invalid_number",
    486: "busy",
    600: "busy",
    603: "declined",
    604: "invalid_number",
    607: "declined",
    608: "number_blocked",
}
"""SIP response codes of a call that came to nothing (RFC 3261, section 21; RFC 8197,
8688 for 607 and 608).  480 is "temporarily unavailable": no telephone is logged in."""


def of_twilio_error(code: int | None) -> str:
    """Name the reason of an error that Twilio answered; 0 is 'no answer at all'."""
    if code == 0:
        return "telephone_unreachable"
    return _TWILIO.get(code or -1, "telephone_refused")


def of_ended_call(
    status: str, *, error_code: int | None = None, sip_code: int | None = None
) -> str:
    """Name the reason of a call that Twilio reports as ended.

    Args:
        status: a value of `calls.models.Status`.
        error_code: Twilio's, if there was one.
        sip_code: what the other side's network said, if it said something.

    Returns:
        a code of `REASONS`; "" of a call that took place.
    """
    match status:
        case "failed":
            sip = _SIP.get(sip_code or 0, "unreachable")
            return _TWILIO.get(error_code, sip) if error_code else sip
        case "busy":
            return "declined" if _SIP.get(sip_code or 0) == "declined" else "busy"
        case "no_answer":
            is_off = _SIP.get(sip_code or 0) == "switched_off"
            return "switched_off" if is_off else "no_answer"
        case "canceled":
            return "canceled"
    return ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that was asked for is not done."""

    http_status: HTTPStatus
    sentence: Text
    field: str | None = None


def _number(sentence: Text) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, "to_number")


REFUSALS: dict[str, Refusal] = {
    # The number.
    "invalid_number": _number(
        _(
            "This is not a complete telephone number."
            " Write it with + and the country code, for example +82 2 555 0101."
        )
    ),
    "emergency_number": _number(
        _(
            "Emergency numbers cannot be called from here: the call would reach the"
            " wrong country, without your location. Ask someone near you to call from"
            " an ordinary telephone, or use the emergency service's own text service."
        )
    ),
    "emergency_number_kr": _number(
        _(
            "Emergency numbers cannot be called from here. In Korea, send a text"
            " message to 119 or 112, make a video call to 119, or use the app"
            " “119 신고”: they work without speaking or hearing, and interpreters are"
            " available."
        )
    ),
    "emergency_number_us": _number(
        _(
            "Emergency numbers cannot be called from here. Send a text message to 911"
            " from your mobile phone, or call 711 for a relay service."
        )
    ),
    "emergency_number_jp": _number(
        _(
            "Emergency numbers cannot be called from here. In Japan, use NET119 for"
            " fire and ambulance, the 110 app for the police, or the telephone relay"
            " service."
        )
    ),
    "emergency_number_gb": _number(
        _(
            "Emergency numbers cannot be called from here. In the United Kingdom, use"
            " 999 BSL, dial 18000 with Relay UK, or send a text message to 999 if your"
            " phone is registered for it."
        )
    ),
    "short_number": _number(
        _(
            "Short service numbers only work inside their own network. Look for the"
            " full number of whom you want to reach."
        )
    ),
    "premium_number": _number(
        _("This number charges extra, so it cannot be called from here.")
    ),
    "country_not_allowed": _number(
        _("Calls to this country are not allowed on this service.")
    ),
    "own_number": _number(_("This is the number that this service calls from.")),
    # The rest of the request.
    "unsupported_language": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("There is no interpreter for this pair of languages yet."),
        "callee_language",
    ),
    "unsupported_mode": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Calls in this mode are not possible yet."),
        "mode",
    ),
    "goal_missing": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Say what the assistant is to reach in this call."),
        "goal",
    ),
    "opening_too_long": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Your first sentence is too long: nobody listens to more than 300 letters."),
        "opening",
    ),
    "opening_abusive": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Your first sentence may hurt whoever answers. Say it in other words."),
        "opening",
    ),
    "openings_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("That was changed too often. Wait a minute and try again."),
        "opening",
    ),
    "idempotency_mismatch": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This Idempotency-Key was already used for another request."),
        "Idempotency-Key",
    ),
    "idempotency_key_invalid": Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("An Idempotency-Key has 1 to 200 printable characters."),
        "Idempotency-Key",
    ),
    # The person.
    "email_not_verified": Refusal(
        HTTPStatus.FORBIDDEN,
        _("Confirm your e-mail address first; we have sent you a message."),
    ),
    # The limits.
    "live_call_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("You are already in a call. End it before you start another one."),
    ),
    "daily_minutes_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Your minutes of the last 24 hours are used up. Try again later."),
    ),
    "spend_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _(
            "What your calls may cost in 24 hours is used up. Try again later, or ask"
            " whoever runs this service for a higher limit."
        ),
    ),
    "starts_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("You are starting calls too quickly. Wait a minute and try again."),
    ),
    "address_starts_limit": Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many calls were started from your network. Try again in a minute."),
    ),
    # The moment.
    "call_over": Refusal(HTTPStatus.CONFLICT, _("This call has ended.")),
    "call_live": Refusal(
        HTTPStatus.CONFLICT, _("This call is going on. Hang up first.")
    ),
    "engine_refused": Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE, REASONS["engine_refused"].sentence
    ),
    "relay_unavailable": Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("No relay can take the call at the moment, so nobody was called."),
    ),
    "telephone_refused": Refusal(
        HTTPStatus.BAD_GATEWAY, REASONS["telephone_refused"].sentence
    ),
    "telephone_unreachable": Refusal(
        HTTPStatus.BAD_GATEWAY, REASONS["telephone_unreachable"].sentence
    ),
}
