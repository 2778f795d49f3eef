"""An account with everything that pages can show, for tests that look at them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from calls import corrections, phrases, recordings, services, wav
from calls.models import Call, Direction, Mode, Note, Recording, Status, Summary
from calls.tests.factories import CLINIC, make_call, make_line, make_user
from chat import services as chat
from chat.models import Conversation, Message
from places import directory
from wigvo.models import User
from wigvo.tests.test_login_ways import KEY

PASSWORD = "correct horse battery"
OTHER = {"en": "ko", "ko": "en"}
NAMES = {"en": "Min-su Kim", "ko": "김민수"}
LONG_NAMES = {
    "en": "The Llanfairpwllgwyngyll Community Rehabilitation and Physiotherapy Centre",
    "ko": "서울특별시립은평노인종합복지관부설주간보호센터물리치료실예약상담창구",
}
LONG_TEXTS = {
    "en": (
        "I would like to move my appointment from Thursday at half past three to some"
        " time next week, preferably in the morning, because my daughter, who drives"
        " me, works in the afternoon; and could you please tell me whether I still"
        " need the referral from Dr. Featherstonehaugh-Cholmondeley?"
    ),
    "ko": (
        "목요일 오후 세 시 반 예약을 다음 주로 옮기고 싶은데요, 가능하면 오전이었으면"
        " 좋겠습니다. 운전해 주는 딸이 오후에는 일을 하거든요. 그리고"
        " 김이박최정강조윤장임 선생님의 진료의뢰서가 아직도 필요한지 알려 주실 수"
        " 있을까요? 확인 부탁드립니다."
    ),
}
SAID = {
    "en": (
        "Good morning, Han River Clinic.",
        "Tomorrow at half past ten would be possible.",
        "Half past ten suits me well.",
        "Please bring your passport and 30,000 won.",
        "Thank you, see you tomorrow.",
    ),
    "ko": (
        "안녕하세요, 한강의원입니다.",
        "내일 오전 열 시 반에 가능합니다.",
        "열 시 반이면 좋아요.",
        "여권과 3만 원을 가져오세요.",
        "감사합니다. 내일 뵙겠습니다.",
    ),
}
LEGS = ("callee", "callee", "caller", "callee", "caller")
LINE_REPORT = {
    "echo_delay_ms": 184,
    "echo_locks": 1,
    "echo_slips": 2,
    "echo_lost_ms": 1240,
    "echo_heard": 3,
    "playout_lag_max_ms": 5600,
    "frames_missing": 40,
    "frames_late": 10,
}


@dataclass
class Site:
    """People, and what their pages are about: the words that their addresses need."""

    stranger: AnonymousUser
    owner: User
    newcomer: User
    staff: User
    words: dict[str, list[Any]]


def furnish(language: str, media: Path) -> Site:
    """Make accounts, calls and conversations of somebody who speaks a language.

    Args:
        language: theirs, "en" or "ko"; the other side speaks the other one.
        media: where recordings are kept.
    """
    owner = make_user("owner", name_as_spoken=NAMES[language])
    owner.set_password(PASSWORD)
    owner.save()
    EmailAddress.objects.create(user=owner, email="second@example.org", verified=False)
    staff = make_user("staff", is_staff=True, is_superuser=True)
    TOTP.activate(staff, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(staff)
    key = Authenticator.objects.create(
        user=owner, type="webauthn", data={**KEY, "name": LONG_NAMES[language]}
    )
    # Whoever has come with Google and has no password of ours.
    newcomer = make_user("newcomer")
    make = _Maker(owner, language, media)
    words = make.calls() | make.conversations()
    words["phrase"] = [make.phrases()]
    words["passkey"] = [key.pk]
    address = EmailAddress.objects.create(
        user=make_user("another"), email="new@example.org"
    )
    words["confirmation"] = [EmailConfirmationHMAC.create(address).key]
    words["reset"] = [
        user_pk_to_url_str(owner),
        default_token_generator.make_token(owner),
    ]
    return Site(AnonymousUser(), owner, newcomer, staff, words)


class _Maker:
    def __init__(self, owner: User, language: str, media: Path) -> None:
        self.owner, self.media = owner, media
        self.mine, self.theirs = language, OTHER[language]
        self.languages = {"caller_language": self.mine, "callee_language": self.theirs}

    def call(self, status: Status, **fields: Any) -> Call:
        return make_call(self.owner, status=status, **{**self.languages, **fields})

    # --- Calls

    def calls(self) -> dict[str, list[Any]]:
        """Make a call in each state; returns their keys by what is special in them."""
        for n in range(24):  # more than one page of them
            self.call(Status.COMPLETED, callee_name=f"{n + 1}", reason="completed")
        made = {
            "report": self.reported(),
            "long": self.long(),
            "pending": self.summed_up("pending"),
            "failed_summary": self.summed_up("failed", code="timeout"),
            "busy": self.call(Status.BUSY, reason="busy"),
            "no_answer": self.call(Status.NO_ANSWER, reason="no_answer"),
            "failed": self.call(Status.FAILED, reason="invalid_number"),
            "canceled": self.call(Status.CANCELED),
            "rehearsal": self.call(
                Status.COMPLETED, is_rehearsal=True, answered_at=timezone.now()
            ),
            "inbound": self.inbound(),
            "draft": self.call(
                Status.DRAFT,
                callee_name=LONG_NAMES[self.theirs],
                opening=SAID[self.mine][2],
            ),
            "ringing": self.call(Status.RINGING, callee_name=LONG_NAMES[self.mine]),
            "live": self.call(
                Status.IN_PROGRESS, callee_name="Han River", mode=Mode.TEXT
            ),
        }
        self.speak(made["live"])
        words: dict[str, list[Any]] = {name: [call.pk] for name, call in made.items()}
        words["caption"] = [made["report"].pk, "callee-3"]
        return words

    def speak(self, call: Call) -> None:
        """Have five sentences said: one in doubt, one not heard, one put right."""
        for n, leg in enumerate(LEGS):
            own = self.mine if leg == "caller" else self.theirs
            services.store_utterance(
                call.pk,
                utterance_id=f"{leg}-{n}",
                leg=leg,
                original=SAID[own][n],
                translation=SAID[OTHER[own]][n],
                started_ms=4000 * n,
                ended_ms=4000 * n + 2500,
                latency_ms=900 + 300 * n,
            )
        call.utterances.filter(utterance_id="callee-1").update(uncertain=[[0, 8]])
        call.utterances.filter(utterance_id="caller-4").update(fate="lost")

    def reported(self) -> Call:
        """Make a call with everything that can come of one."""
        call = self.call(
            Status.COMPLETED,
            callee_name="Han River Clinic",
            to_number=CLINIC,
            mode=Mode.AGENT,
            outcome="success",
            answered_by="person",
            record=True,
            reason="completed",
            summary=" ".join(SAID[self.mine][1:4]),
            answered_at=timezone.now() - timedelta(seconds=90),
            cost_usd="0.0512",
            cost_parts=[
                _cost("translate", "gpt-realtime-translate", 0.0512, seconds=90),
                _cost("text", "gpt-6-luna", None, tokens={"text_in": 812}),
            ],
            latency=_LATENCY,
            result=_result(LONG_TEXTS[self.mine]),
        )
        self.speak(call)
        corrections.correct(
            call.utterances.get(utterance_id="callee-3"),
            "translation",
            LONG_TEXTS[self.mine],
            by=self.owner,
        )
        Summary.objects.create(
            call=call, state="done", language=self.mine, dropped=2, content=_SUMMARY
        )
        self.record(call)
        for name, at_ms in (("greeting", 0), ("recording", 3000)):
            services.append_event(call.pk, "line_spoken", self.told(name, at_ms))
        consent = {"answer": "yes", "utterance_id": "callee-1", "at_ms": 6000}
        services.append_event(call.pk, "recording_consent", consent)
        services.append_event(call.pk, "line_report", LINE_REPORT)
        services.append_event(call.pk, "recovery", {"state": "lost", "at_ms": 5000})
        Note.objects.create(call=call, by=self.owner, text=LONG_TEXTS["en"])
        return call

    def told(self, name: str, at_ms: int) -> dict[str, Any]:
        return {
            "line": name,
            "language": self.theirs,
            "text": LONG_TEXTS[self.theirs],
            "heard_ms": 2400,
            "length_ms": 6000,
            "is_complete": name == "recording",
            "started_ms": at_ms,
            "ended_ms": at_ms + 2400,
        }

    def record(self, call: Call) -> None:
        recording = Recording.objects.create(
            call=call, started_ms=0, duration_ms=20_000, ended_at=timezone.now()
        )
        t = np.arange(20 * wav.RATE_HZ) / wav.RATE_HZ
        loud = 9000 * np.sin(2 * np.pi * 200 * t) * np.sin(np.pi * t / 5) ** 2
        sound = np.stack([loud, loud[::-1] / 2], axis=1).astype("<i2")
        path = recordings.path_of(recording.pk)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav.header(sound.nbytes) + sound.tobytes())

    def long(self) -> Call:
        """Make a call whose names and sentences are as long as they get."""
        call = self.call(
            Status.COMPLETED,
            callee_name=LONG_NAMES[self.theirs],
            answered_at=timezone.now(),
            reason="caller_lost",
            outcome="callback_needed",
        )
        for n, leg in enumerate(("callee", "caller")):
            own = self.mine if leg == "caller" else self.theirs
            services.store_utterance(
                call.pk,
                utterance_id=f"{leg}-{n}",
                leg=leg,
                original=LONG_TEXTS[own],
                translation=LONG_TEXTS[OTHER[own]],
                started_ms=60_000 * n,
                ended_ms=60_000 * n + 20_000,
            )
        return call

    def summed_up(self, state: str, **fields: Any) -> Call:
        call = self.call(Status.COMPLETED, answered_at=timezone.now())
        Summary.objects.create(call=call, state=state, **fields)
        return call

    def inbound(self) -> Call:
        line = make_line(self.owner)
        call = self.call(
            Status.COMPLETED,
            direction=Direction.INBOUND,
            from_number=CLINIC,
            to_number=str(line.number),
            line=line,
            mode=Mode.AGENT,
            brief={"reception": {"line": line.name}},
            answered_at=timezone.now(),
            result=_result(LONG_TEXTS[self.mine]),
        )
        self.speak(call)
        return call

    # --- Conversations and the rest

    def conversations(self) -> dict[str, list[Any]]:
        """Make a conversation in each state; two numbers are kept."""
        for n in (1, 2):
            name = LONG_NAMES[self.theirs] if n == 1 else "Han River Grill"
            directory.keep(self.owner, name=name, phone_number=f"+822555010{n}")
        table = "reservation_restaurant"
        known = {"callee_number": "02-555-0101", "callee_name": LONG_NAMES[self.theirs]}
        wishes = {"people": "4", "date": "2027-11-27", "time": "19:00"}
        doubt = {"code": "which", "options": ["07:00", "19:00"], "said": "7"}
        made = {
            "blank": self.talk(""),
            "numbers": self.talk(table),
            "places": self.talk(table, places=self.places(), asked=["callee_name"]),
            "rules": self.talk(table, known, is_without_model=True),
            "doubt": self.talk(table, known, doubts={"time": doubt}, asked=["time"]),
            "ready": self.talk(
                table, known | wishes | {"customer_name": "Kim"}, phase="ready"
            ),
        }
        pending = self.talk(table)
        chat.note_down(pending, SAID[self.mine][2])
        made["pending"] = pending
        return {f"talk_{name}": [talk.pk] for name, talk in made.items()}

    def talk(
        self, scenario: str, known: dict[str, str] | None = None, **state: Any
    ) -> Conversation:
        talk = chat.begin(self.owner, scenario=scenario, **self.languages)
        text = LONG_TEXTS[self.mine]
        Message.objects.create(conversation=talk, role="user", text=text)
        chat.enter(talk, known or {})
        Conversation.objects.filter(pk=talk.pk).update(**state)
        return talk

    def places(self) -> list[dict[str, str]]:
        facts = {
            "category": "음식점>한식",
            "address": "서울특별시 마포구 토정로 1길 2-3, 4층",
        }
        bare = {"category": "", "address": "", "phone_number": ""}
        return [
            {"name": LONG_NAMES[self.theirs], "phone_number": "+8225550101", **facts},
            {"name": "Han River Grill", **bare},
        ]

    def phrases(self) -> Any:
        phrases.phrases_of(self.owner, self.mine)
        long = LONG_TEXTS[self.mine][:190]
        return phrases.add(self.owner, text=long, language=self.mine).pk


def _cost(engine: str, model: str, usd: float | None, **used: Any) -> dict[str, Any]:
    return {
        "engine": engine,
        "model": model,
        "usd": usd,
        "seconds": 0,
        "tokens": {},
        **used,
    }


def _result(text: str) -> dict[str, Any]:
    """Return what the assistant found out, with one of everything."""
    said = {"utterance_id": "callee-1"}
    return {
        "reason": text[:80],
        "transfer": "urgent",
        "facts": [{"name": "reference", "value": "HR-20417", **said}],
        "appointments": [
            {"what": "Doctor", "date": "2026-11-22", "time": "10:30", **said}
        ],
        "callbacks": [{"who": "callee", "when": "18:00", "reason": text[:60], **said}],
        "messages": [{"name": "Kim", "message": text, "urgency": "high", **said}],
        "questions": [{"text": text[:70], "answer": None}],
        "open_points": [text[:50]],
    }


_SUMMARY = {
    "appointments": [
        {
            "title": "Doctor",
            "starts_at": "2026-11-23T10:30:00+09:00",
            "place": "Han River Clinic, 3F",
            "note": "Bring your passport",
            "is_all_day": False,
            "utterance_ids": ["callee-1", "callee-3"],
        }
    ],
    "numbers": [
        {"what": "Price", "value": "30,000 won", "utterance_ids": ["callee-3"]}
    ],
    "open_points": [{"text": "Parking?", "utterance_ids": ["caller-4"]}],
    "is_doubtful": True,
}
_LATENCY = {
    f"{name}_{key}": value
    for name, p50, p99 in (
        ("relay_in", 1.5, 4),
        ("interpretation_caller", 1900, 4200),
        ("interpretation_callee", 2100, 5600),
    )
    for key, value in (("p50_ms", p50), ("p99_ms", p99), ("n", 24))
}
