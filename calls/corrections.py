"""Captions put right by people.  What was written down at first is never changed."""

from collections.abc import Collection

from django.db import transaction

from calls.models import Call, Correction, Utterance
from wigvo.models import User

MAX_LENGTH = 4000


class CorrectionRefused(ValueError):
    """Nothing is put right by this."""


@transaction.atomic
def correct(utterance: Utterance, part: str, text: str, *, by: User) -> Correction:
    """Put one side of a caption right.

    Args:
        utterance: of a call that is over.
        part: "original" or "translation".
        text: what it should say; the text as it was is taken as a wish to go back.
        by: who says so.

    Raises:
        CorrectionRefused: there is nothing to change.
    """
    text = " ".join(text.replace("\0", "").split())[:MAX_LENGTH]
    locked = Utterance.objects.select_for_update().get(pk=utterance.pk)
    now = _texts(locked)[part]
    if not text or not now or text == now:
        raise CorrectionRefused(part)
    return Correction.objects.create(
        utterance=locked, part=part, before=now, text=text, by=by
    )


def _texts(utterance: Utterance) -> dict[str, str]:
    texts = {"original": utterance.original, "translation": utterance.translation}
    for row in utterance.corrections.order_by("id"):
        texts[row.part] = row.text
    return texts


def as_corrected(call: Call, only: Collection[str] | None = None) -> list[Utterance]:
    """Return what was said in a call, as it stands now; not to be saved.

    Each utterance has `corrected`: its corrections, oldest first.

    Args:
        call: which.
        only: ids of the utterances that are asked for; None: all.
    """
    said = call.utterances.all()
    rows = Correction.objects.filter(utterance__call=call).select_related("by")
    if only is not None:
        said = said.filter(utterance_id__in=only)
        rows = rows.filter(utterance__utterance_id__in=only)
    utterances = list(said)
    by_utterance: dict[int, list[Correction]] = {}
    for row in rows.order_by("id"):
        by_utterance.setdefault(row.utterance_id, []).append(row)
    for one in utterances:
        one.corrected = by_utterance.get(one.pk, [])
        for row in one.corrected:
            _overlay(one, row)
    return utterances


def _overlay(utterance: Utterance, row: Correction) -> None:
    is_doubted = row.part == ("translation" if utterance.translation else "original")
    if is_doubted:  # whoever has put it right has no doubt
        utterance.uncertain = []
    setattr(utterance, row.part, row.text)
