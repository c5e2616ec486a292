"""One description of everything, and the table held against what the services really serve."""

import importlib
import json
from typing import Any

import pytest
from aiohttp import web

from chassis.app import api_routes
from gateway.main import ROUTES
from gateway.openapi import _same
from gateway.routing import PREFIX
from tests.gateway.conftest import World

SERVICES = ("auth", "users", "documents", "contacts", "contracts", "metrics")


def served(service: str) -> set[tuple[str, str]]:
    """Method and path of every public call of a service."""
    routers = importlib.import_module(f"services.{service}.main").ROUTERS
    routes = [route for router in routers for route in api_routes(router)]
    return {(method, route.path) for route in routes for method in route.methods or () if "/inner/" not in route.path}


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_of_a_service_is_in_the_table(service: str) -> None:
    listed = [(method, route.path) for route in ROUTES if route.target == service for method in route.methods.split()]

    missing = [
        (method, path)
        for method, path in served(service)
        if not any(method == own and _same(path, pattern) for own, pattern in listed)
    ]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_lists_no_call_that_is_gone(service: str) -> None:
    real = served(service)

    gone = [
        (method, route.path)
        for route in ROUTES
        if route.target == service
        for method in route.methods.split()
        if not any(method == own and _same(path, route.path) for own, path in real)
    ]
    assert gone == []


def description(name: str, paths: dict[str, Any], schemas: dict[str, Any]) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        problem = {"type": "object"}
        components = {"schemas": schemas | {"Problem": problem}}
        return web.json_response(
            {"openapi": "3.1.0", "info": {"title": name}, "paths": paths, "components": components}
        )

    return answer


def operation(name: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"operationId": name, "responses": {"200": {"description": "OK", "content": content}}}


def describe_all(world: World) -> None:
    item = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/components/schemas/Item"}]}}}
    paths = {
        "/users": {"get": operation("list", "Item"), "post": operation("create", "Item")},
        "/users/{membership_id}": {"get": operation("read", "Item"), "put": operation("unlisted", "Item")},
        "/inner/authorisation": {"post": operation("inner", "Item")},
        "/unlisted": {"get": operation("unlisted", "Item")},
    }
    world.services["users"].answers["/openapi.json"] = description("users", paths, {"Item": item})
    rules = {"/auth/password-rules": {"get": operation("rules", "Item")}}
    world.services["auth"].answers["/openapi.json"] = description("auth", rules, {"Item": {"type": "string"}})
    world.services["documents"].answers["/openapi.json"] = description("documents", {}, {})


async def fetched(world: World) -> dict[str, Any]:
    async with world.http.get(world.api("/openapi.json")) as answer:
        assert answer.status == 200
        document: dict[str, Any] = json.loads(await answer.read())
        return document


async def test_the_services_descriptions_become_one(world: World) -> None:
    describe_all(world)

    document = await fetched(world)

    own = {f"{PREFIX}/brand", f"{PREFIX}/live", f"{PREFIX}/dashboard", f"{PREFIX}/openapi.json"}
    assert set(document["paths"]) - own == {
        f"{PREFIX}/users",
        f"{PREFIX}/users/{{membership_id}}",
        f"{PREFIX}/auth/password-rules",
    }
    assert set(document["paths"][f"{PREFIX}/users/{{membership_id}}"]) == {"get"}
    listing = document["paths"][f"{PREFIX}/users"]["get"]
    assert listing["operationId"] == "users_list"
    assert listing["security"] == [{"session": []}, {"token": []}]
    reference = listing["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/users_Item"
    assert {"401", "429", "503", "504"} <= set(listing["responses"])
    assert document["paths"][f"{PREFIX}/auth/password-rules"]["get"]["security"] == []
    schemas = document["components"]["schemas"]
    assert schemas["users_Item"]["properties"]["next"]["anyOf"] == [{"$ref": "#/components/schemas/users_Item"}]
    assert schemas["auth_Item"] == {"type": "string"}
    assert "Problem" in schemas
    assert document["components"]["securitySchemes"]["session"]["name"] == "session"


async def test_every_reference_leads_somewhere(world: World) -> None:
    describe_all(world)

    document = await fetched(world)

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(inner) for inner in value.values()))
        return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) - known == set()


async def test_the_description_is_kept_and_known_again(world: World) -> None:
    describe_all(world)
    await fetched(world)
    async with world.http.get(world.api("/openapi.json")) as answer:
        etag = answer.headers["etag"]

    await world.services["users"].stop()
    async with world.http.get(world.api("/openapi.json"), headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""


async def test_half_a_description_is_none(world: World) -> None:
    describe_all(world)
    await world.services["documents"].stop()

    async with world.http.get(world.api("/openapi.json")) as answer:
        assert answer.status == 503
