"""What the assistant writes, in English and in Korean.  Pure.

Questions come from the scenario, values from the state; nothing here is made up by a
model.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from chat import state as core
from chat import values
from chat.catalogue import Catalogue, Scenario
from chat.state import Ask, Place, Plan, State, Step
from chat.values import Doubt

_SAY: Final[Mapping[str, Mapping[str, str]]] = {
    "hello": {
        "en": "Hello. What do you need? Tell me in your own words, for example “a table"
        " for four on Friday evening”, and I will prepare the call.",
        "ko": "안녕하세요. 무엇을 도와드릴까요? 편하게 말씀해 주시면 전화를 준비해"
        " 드려요. 예를 들어 “금요일 저녁 네 명 식당 예약”처럼요.",
    },
    "hello_scenario": {
        "en": "Hello. {scenario}: I will prepare the call with you.",
        "ko": "안녕하세요. {scenario}: 전화를 함께 준비할게요.",
    },
    "which_scenario": {
        "en": "What kind of call is it: {kinds}?",
        "ko": "어떤 전화인가요? {kinds} 중에서 알려 주세요.",
    },
    "noted": {"en": "Noted: {values}.", "ko": "적어 두었어요. {values}."},
    "changed": {"en": "Changed: {values}.", "ko": "바꾸었어요. {values}."},
    "switched": {
        "en": "All right, it is now: {scenario}. What still fits is kept.",
        "ko": "네, 이제 {scenario}(으)로 준비할게요. 맞는 내용은 그대로 두었어요.",
    },
    "not_understood": {
        "en": "I could not make anything of that.",
        "ko": "잘 이해하지 못했어요.",
    },
    "example": {"en": "(For example: {example})", "ko": "(예: {example})"},
    "and": {"en": "{a} And: {b}", "ko": "{a} 그리고 {b}"},
    "which": {"en": "Do you mean {options}?", "ko": "{options} 중 어느 쪽인가요?"},
    "or": {"en": " or ", "ko": ", "},
    "over": {
        "en": "“{said}” is already over.",
        "ko": "“{said}”은(는) 이미 지난 때예요.",
    },
    "impossible": {
        "en": "There is no such day as “{said}”.",
        "ko": "“{said}”이라는 날은 없어요.",
    },
    "no_number": {
        "en": "“{said}” is not a complete telephone number.",
        "ko": "“{said}”은(는) 완전한 전화번호가 아니에요.",
    },
    "found": {
        "en": "I think you mean this one: {place}.",
        "ko": "이곳을 말씀하시는 것 같아요: {place}.",
    },
    "found_more": {
        "en": "Say yes, choose another one below, or give me the number yourself.",
        "ko": "맞으면 “네”라고 하시고, 아니면 아래에서 고르거나 번호를 직접 알려"
        " 주세요.",
    },
    "no_number_known": {
        "en": "Its telephone number is not known.",
        "ko": "전화번호가 나와 있지 않아요.",
    },
    "none_found": {
        "en": "I found no place called “{query}”.",
        "ko": "“{query}”을(를) 찾지 못했어요.",
    },
    "search_off": {
        "en": "I cannot look places up here: the place search is switched off.",
        "ko": "이 서비스에서는 장소 검색이 꺼져 있어서 찾아볼 수 없어요.",
    },
    "search_failed": {
        "en": "The place search did not answer.",
        "ko": "장소 검색이 응답하지 않았어요.",
    },
    "summary": {"en": "Please check:", "ko": "확인해 주세요."},
    "summary_end": {
        "en": "Is that right? Say yes, and the call is ready.",
        "ko": "맞나요? “네”라고 하시면 전화할 준비가 끝나요.",
    },
    "could_add": {
        "en": "You may also tell me: {fields}.",
        "ko": "더 알려 주셔도 좋아요: {fields}.",
    },
    "no": {"en": "What shall I change?", "ko": "무엇을 바꿀까요?"},
    "ready": {
        "en": "It is ready. Nothing has been dialled yet: press “Call” to begin.",
        "ko": "준비가 끝났어요. 아직 전화를 걸지 않았어요. “전화 걸기”를 누르면"
        " 시작해요.",
    },
    "form": {
        "en": "The assistant cannot be reached at the moment ({why}), so I ask one"
        " thing after another. You can also fill in the form yourself.",
        "ko": "지금은 도우미에 연결할 수 없어서({why}) 하나씩 여쭤볼게요. 양식을 직접"
        " 채우셔도 돼요.",
    },
    "form_over": {
        "en": "The assistant is back.",
        "ko": "도우미가 다시 연결되었어요.",
    },
}
_WHY: Final[Mapping[str, Mapping[str, str]]] = {
    "no_key": {"en": "it is switched off here", "ko": "이 서비스에서 꺼져 있음"},
    "timeout": {"en": "it took too long", "ko": "응답이 너무 늦음"},
    "limit": {"en": "its quota is used up", "ko": "사용량 한도 초과"},
    "refused": {"en": "it refused to answer", "ko": "답변을 거절함"},
    "": {"en": "it does not answer", "ko": "응답이 없음"},
}
_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "reservation": {"en": "a reservation", "ko": "예약"},
    "inquiry": {"en": "a question", "ko": "문의"},
    "service_request": {"en": "a repair or a service", "ko": "수리·서비스"},
    "delivery": {"en": "a parcel", "ko": "택배"},
    "government_office": {"en": "a public office", "ko": "관공서"},
    "direct_call": {"en": "just a number to call", "ko": "번호로 바로 전화"},
}


def written(language: str) -> str:
    """Return the language of LANGUAGES to write in."""
    return "ko" if language == "ko" else "en"


def say(key: str, language: str, **gaps: str) -> str:
    """Write one of our sentences."""
    return _SAY[key][written(language)].format_map(gaps)


def kind_name(kind: str, language: str) -> str:
    """Name a kind of scenario, as a heading."""
    name = _KINDS.get(kind, {}).get(written(language), kind)
    return name.removeprefix("a ").capitalize()


def greeting(scenario: Scenario | None, language: str) -> str:
    """Write the first words."""
    if scenario is None:
        return say("hello", language)
    return say("hello_scenario", language, scenario=scenario.name[written(language)])


def without_model(code: str, language: str) -> str:
    """Say that rules have taken over, and why."""
    why = _WHY.get(code, _WHY[""])[written(language)]
    return say("form", language, why=why)


class Writer:
    """Writes the replies of one conversation.

    Args:
        catalogue: the scenarios.
        language: ISO 639-1, of the user.
        today: on the user's calendar.
    """

    def __init__(self, catalogue: Catalogue, language: str, today: date) -> None:
        self._catalogue = catalogue
        self._language = written(language)
        self._today = today

    def acknowledge(self, step: Step, *, is_understood: bool = True) -> list[str]:
        """Say what a message has changed."""
        said = []
        if step.switched:
            scenario = self._catalogue.scenarios[step.state.scenario]
            said.append(self._say("switched", scenario=scenario.name[self._language]))
        for key, names in (("changed", step.changed), ("noted", step.new)):
            shown = [name for name in names if self._is_shown(name, step.state)]
            if shown:
                said.append(self._say(key, values=self._values(shown, step.state)))
        if not said and not is_understood:
            said.append(self._say("not_understood"))
        return said

    def _is_shown(self, name: str, state: State) -> bool:
        scenario = self._catalogue.scenarios.get(state.scenario)
        return scenario is None or name in scenario.fields

    def _values(self, names: Sequence[str], state: State) -> str:
        return "; ".join(
            f"{self.label(name)}: {self.shown(name, state)}" for name in names
        )

    def follow(self, plan: Plan, state: State, *, is_no: bool = False) -> list[str]:
        """Write what is asked, shown or told next."""
        match plan.ask:
            case Ask.SCENARIO:
                kinds = dict.fromkeys(
                    one.kind for one in self._catalogue.scenarios.values()
                )
                names = [_KINDS.get(k, {}).get(self._language, k) for k in kinds]
                return [self._say("which_scenario", kinds=", ".join(names))]
            case Ask.DOUBT:
                return self.doubt(plan.fields[0], state.doubts[plan.fields[0]])
            case Ask.PLACE:
                return self._places(state.places)
            case Ask.FIELDS:
                return [self._questions(plan.fields)]
            case Ask.SUMMARY:
                return [self._say("no")] if is_no else self._summary(state)
            case Ask.READY:
                return [self._say("ready")]
        return []

    def _questions(self, names: tuple[str, ...]) -> str:
        fields = [self._catalogue.fields[name] for name in names]
        texts = [one.question[self._language] for one in fields]
        text = texts[0]
        for other in texts[1:]:
            text = self._say("and", a=text, b=other)
        example = fields[0].examples[self._language][0]
        return f"{text} {self._say('example', example=example)}"

    def doubt(self, name: str, doubt: Doubt) -> list[str]:
        """Say what is unclear about a field, and ask."""
        if doubt.code != "which":
            return [self._say(doubt.code, said=doubt.said), self._questions((name,))]
        field = self._catalogue.fields[name]
        shown = [
            values.show(field, one, self._language, self._today)
            for one in doubt.options
        ]
        return [self._say("which", options=self._say("or").join(shown))]

    def _places(self, places: tuple[Place, ...]) -> list[str]:
        first = places[0]
        facts = [first.category.replace(">", " › "), first.address]
        text = ", ".join(filter(None, [first.name, *facts]))
        said = [self._say("found", place=text)]
        if not first.phone_number:
            said.append(self._say("no_number_known"))
        return [*said, self._say("found_more")]

    def no_place(self, code: str, query: str) -> str:
        """Say why there is no place to choose from."""
        return self._say(code, query=query)

    def _summary(self, state: State) -> list[str]:
        rows = [
            f"• {self.label(one.name)}: {self.shown(one.name, state)}"
            for one in core.known(state, self._catalogue)
        ]
        scenario = self._catalogue.scenarios[state.scenario]
        unknown = [name for name in scenario.optional if name not in state.entities]
        said = [
            f"{self._say('summary')}\n{scenario.name[self._language]}\n"
            + "\n".join(rows)
        ]
        if unknown:
            labels = ", ".join(self.label(name) for name in unknown)
            said.append(self._say("could_add", fields=labels))
        return [*said, self._say("summary_end")]

    def label(self, name: str) -> str:
        """Name a field."""
        return self._catalogue.fields[name].label[self._language]

    def shown(self, name: str, state: State) -> str:
        """Write a field's value for people."""
        return self.show(name, state.entities[name].normal)

    def show(self, name: str, normal: str) -> str:
        """Write a canonical value for people."""
        field = self._catalogue.fields[name]
        return values.show(field, normal, self._language, self._today)

    def _say(self, key: str, **gaps: str) -> str:
        return say(key, self._language, **gaps)
