"""The Calls API, as the installed Twilio SDK sees it."""

import asyncio
import base64
import re
from typing import Any

import httpx2
import pytest
from twilio.base.exceptions import TwilioRestException

from lab.telephone.webhooks import Overrides, signed_url
from lab.tests.fakes import PERSON, Lab, make_people, running_lab, until

NOBODY = {"answer": "nobody"}


async def refused(lab: Lab, **values: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as error:
        await asyncio.to_thread(lab.create, **values)
    return error.value.status, error.value.code


async def test_the_sdk_creates_fetches_and_lists_calls() -> None:
    async with running_lab(
        "<Response/>", people=make_people(a=NOBODY, b=NOBODY)
    ) as lab:
        client = lab.client()
        created = await asyncio.to_thread(lab.create)
        assert re.fullmatch(r"CA[0-9a-f]{32}", created.sid)
        assert (created.status, created.direction) == ("queued", "outbound-api")
        assert created.date_created is not None
        assert (created.to, created._from) == (PERSON, lab.config.from_numbers[0])
        await asyncio.to_thread(lab.create, to="+8225550102")
        fetched = await asyncio.to_thread(client.calls(created.sid).fetch)
        assert fetched.sid == created.sid
        listed = await asyncio.to_thread(client.calls.list)
        assert [call.to for call in listed] == ["+8225550102", PERSON]
        listed = await asyncio.to_thread(client.calls.list, to=PERSON)
        assert [call.sid for call in listed] == [created.sid]
        paged = await asyncio.to_thread(client.calls.list, page_size=1)
        assert len(paged) == 2
        await until(lambda: lab.exchange.calls[created.sid].status == "ringing")
        listed = await asyncio.to_thread(client.calls.list, status="completed")
        assert listed == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"to": ""}, 21201),
        ({"to": "02-555-0101"}, 21211),
        ({"to": "client:alice"}, 21211),
        ({"from_": ""}, 21213),
        ({"from_": "+1"}, 21212),
        ({"from_": "+12025550199"}, 21210),
        ({"url": "ftp://a/b"}, 21205),
        ({"url": ""}, 21205),
        ({"status_callback": "nowhere"}, 21609),
        ({"status_callback_event": ["done"]}, 21626),
        ({"method": "PUT"}, 21403),
        ({"time_limit": 0}, 20001),
        ({"send_digits": "1x"}, 13245),
    ],
)
async def test_a_wrong_parameter_has_twilios_code(
    values: dict[str, Any], code: int
) -> None:
    async with running_lab("<Response/>") as lab:
        assert await refused(lab, **values) == (400, code)
        assert lab.exchange.calls == {}


async def test_a_wrong_token_is_refused_in_twilios_words() -> None:
    async with running_lab("<Response/>") as lab:
        client = lab.client(token="wrong")
        with pytest.raises(TwilioRestException) as error:
            await asyncio.to_thread(client.calls("CA1").fetch)
        assert (error.value.status, error.value.code) == (401, 20003)
        async with httpx2.AsyncClient(base_url=lab.url, trust_env=False) as http:
            path = f"/twilio/2010-04-01/Accounts/{lab.config.account_sid}/Calls.json"
            answer = await http.get(path)
            assert answer.json() == {
                "code": 20003,
                "message": "Authenticate",
                "more_info": "https://www.twilio.com/docs/errors/20003",
                "status": 401,
            }
            bad = {"Authorization": "Basic ***"}
            assert (await http.get(path, headers=bad)).status_code == 401


async def test_what_does_not_exist_is_not_found() -> None:
    async with running_lab("<Response/>") as lab:
        client = lab.client()
        for ask in (client.calls("CA1").fetch, client.queues("QU1").fetch):
            with pytest.raises(TwilioRestException) as error:
                await asyncio.to_thread(ask)
            assert (error.value.status, error.value.code) == (404, 20404)


async def test_a_stranger_account_is_not_found() -> None:
    async with running_lab("<Response/>") as lab:
        who = f"{lab.config.account_sid}:{lab.config.auth_token}".encode()
        headers = {"Authorization": "Basic " + base64.b64encode(who).decode()}
        async with httpx2.AsyncClient(base_url=lab.url, trust_env=False) as http:
            answer = await http.get(
                "/twilio/2010-04-01/Accounts/AC1/Calls.json", headers=headers
            )
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)


async def test_only_an_answered_call_can_be_redirected() -> None:
    async with running_lab("<Response/>", people=make_people(nobody=NOBODY)) as lab:
        call = await lab.dial()
        update = lab.client().calls(call.sid).update
        with pytest.raises(TwilioRestException) as error:
            await asyncio.to_thread(update, twiml="<Response/>")
        assert (error.value.status, error.value.code) == (400, 21220)
        with pytest.raises(TwilioRestException) as error:
            await asyncio.to_thread(update, status="busy")
        assert error.value.status == 400


async def test_the_company_can_refuse_the_next_call() -> None:
    async with running_lab("<Response/>", people=make_people(nobody=NOBODY)) as lab:
        fault = {"kind": "refuse_call", "code": 10004, "http_status": 429}
        lab.exchange.faults.add(fault)
        assert await refused(lab) == (429, 10004)
        assert (await lab.dial()).sid in lab.exchange.calls


def test_overrides_are_read_from_the_fragment() -> None:
    assert Overrides.from_url("https://a/b") == Overrides()
    given = Overrides.from_url("https://a/b#ct=2000&tt=9000&rc=9&rp=all")
    assert given == Overrides(
        connect_s=2,
        total_s=9,
        retries=5,
        retry_on=frozenset({"ct", "rt", "4xx", "5xx"}),
    )


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://a.org:8443/b?c=d#rc=1", "https://a.org/b?c=d"),
        ("https://user:word@a.org/b", "https://a.org/b"),
        ("http://127.0.0.1:8000/b", "http://127.0.0.1:8000/b"),
        ("ws://127.0.0.1:8000/b", "ws://127.0.0.1:8000/b"),
        ("wss://a.org/b", "wss://a.org/b"),
    ],
)
def test_https_is_signed_without_port_and_user(url: str, signed: str) -> None:
    assert signed_url(url) == signed
