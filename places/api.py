"""Place search over REST (contract section 2)."""

from typing import Annotated

from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import StringConstraints

from places import services
from wigvo.api import ApiError, ApiRequest, ErrorOut

router = Router(tags=["places"])

SearchText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Query(description="What people call it, and perhaps where it is."),
]


class PlaceOut(Schema):
    """Somebody who might be called."""

    name: str
    category: str
    address: str
    phone_number: str | None
    distance_m: int | None = None
    source: str


@router.get(
    "",
    response={200: list[PlaceOut], frozenset({401, 422, 502, 503}): ErrorOut},
)
def find_places(request: ApiRequest, query: SearchText) -> list[PlaceOut]:
    """Find places and their telephone numbers."""
    try:
        found = services.search(query)
    except services.NotConfigured as error:
        raise ApiError(
            "places_unavailable",
            503,
            _("Place search is switched off on this service."),
        ) from error
    except services.ProviderFailed as error:
        raise ApiError(
            "places_failed", 502, _("The place search did not answer. Try again.")
        ) from error
    return [
        PlaceOut(
            name=place.name,
            category=place.category,
            address=place.address,
            phone_number=place.phone_number,
            source=place.source,
        )
        for place in found
    ]
