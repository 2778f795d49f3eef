"""The state of a conversation in the database, and back."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone

from chat.catalogue import catalogue
from chat.models import Conversation, ConversationEntity
from chat.state import Entity, Origin, Phase, Place, State
from chat.values import Doubt


def load(conversation: Conversation) -> State:
    """Read the state of a conversation, as it is in the database now."""
    row = Conversation.objects.get(pk=conversation.pk)
    fields = catalogue().fields
    return State(
        scenario=row.scenario,
        entities={
            one.name: Entity(
                name=one.name,
                normal=one.normalised,
                said=one.value,
                confidence=one.confidence,
                source=one.source_id,
                origin=Origin(one.origin),
            )
            for one in row.entities.all()
            if one.name in fields
        },
        phase=Phase(row.phase),
        asked=tuple(row.asked),
        doubts={
            name: Doubt(d["code"], tuple(d["options"]), d["said"])
            for name, d in row.doubts.items()
            if name in fields
        },
        places=tuple(Place(**one) for one in row.places),
        place_query=row.place_query,
    )


def save(conversation: Conversation, state: State) -> None:
    """Write the state of a conversation; a field is deleted only if it was cleared."""
    changes: dict[str, Any] = {
        "scenario": state.scenario,
        "phase": state.phase.value,
        "asked": list(state.asked),
        "doubts": {
            name: {"code": one.code, "options": list(one.options), "said": one.said}
            for name, one in state.doubts.items()
        },
        "places": [asdict(one) for one in state.places],
        "place_query": state.place_query,
        "is_without_model": conversation.is_without_model,
        "updated_at": timezone.now(),
    }
    for name, value in changes.items():
        setattr(conversation, name, value)
    conversation.save(update_fields=list(changes))
    conversation.entities.exclude(name__in=state.entities.keys()).delete()
    known = {one.name: one for one in conversation.entities.all()}
    for entity in state.entities.values():
        _save_entity(conversation, known.get(entity.name), entity)


def _save_entity(
    conversation: Conversation, row: ConversationEntity | None, entity: Entity
) -> None:
    values: dict[str, Any] = {
        "value": entity.said,
        "normalised": entity.normal,
        "confidence": entity.confidence,
        "source_id": entity.source,
        "origin": entity.origin.value,
    }
    if row is None:
        conversation.entities.create(name=entity.name, **values)
    elif any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
