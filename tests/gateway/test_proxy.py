"""A call goes to its service and comes back."""

from tests.gateway.conftest import World


async def test_a_public_call_reaches_its_service_with_an_anonymous_identity(world: World) -> None:
    async with world.http.get(world.api("/auth/password-rules?x=1"), headers={"Accept-Language": "en"}) as answer:
        assert answer.status == 200
        assert await answer.json() == {"service": "auth", "bytes": 0}

    seen = world.services["auth"].last
    identity = await world.identity("auth", seen)
    assert (seen.method, seen.path) == ("GET", "/auth/password-rules?x=1")
    assert (identity.sub, identity.lang, identity.ip) == ("anonymous", "en", "127.0.0.1")
    assert seen.values("x-request-id") == [answer.headers["x-request-id"]]


async def test_a_session_becomes_a_signed_identity(world: World) -> None:
    secret, principal, authorisation = world.people.session()

    async with world.http.get(world.api("/documents/folders"), headers={"Cookie": f"session={secret}"}) as answer:
        assert answer.status == 200

    identity = await world.identity("documents", world.documents.last)
    assert identity.sub == principal["user_id"]
    assert identity.cust == authorisation["customer_id"]
    assert identity.complete
    assert world.documents.last.values("cookie") == []


async def test_without_a_session_there_is_nothing_to_see(world: World) -> None:
    async with world.http.get(world.api("/documents/folders")) as answer:
        assert answer.status == 401
        assert answer.headers["content-type"] == "application/problem+json"
        problem = await answer.json(content_type=None)

    assert problem["code"] == "not_signed_in"
    assert problem["title"] == "Bitte melden Sie sich an."
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert world.documents.seen == []
