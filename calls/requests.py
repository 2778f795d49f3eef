"""Requests as our middleware leaves them."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from wigvo.models import User


class PageRequest(HttpRequest):
    """A request as our middleware leaves it."""

    htmx: HtmxDetails


class AuthedRequest(PageRequest):
    """A request of somebody who is logged in."""

    user: User
