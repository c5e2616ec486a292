"""The browser app's files, the operator's brand, the documentation page, and nothing else."""

import gzip
import json
from pathlib import Path

import pytest

from tests.gateway.conftest import NewWorld, World, raw_exchange


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(world: World) -> None:
    async with world.http.get(world.base + "/assets/app-abc123.js") as answer:
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "accept-encoding"
        assert "content-encoding" not in answer.headers
        plain = await answer.read()

    async with world.http.get(world.base + "/assets/app-abc123.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = await answer.read()

    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 5


async def test_gzip_only_for_those_who_take_it(world: World) -> None:
    for accepted in ("gzip;q=0", "br", "gzip; q=0, br;q=0", "identity", ""):
        headers = {"Accept-Encoding": accepted}
        async with world.http.get(world.base + "/assets/app-abc123.js", headers=headers) as answer:
            assert "content-encoding" not in answer.headers, accepted


async def test_brotli_made_by_the_build_is_preferred(new_world: NewWorld, tmp_path: Path) -> None:
    (tmp_path / "dist/assets/app-abc123.js.br").write_bytes(b"packed by the build")
    async with new_world() as world:
        headers = {"Accept-Encoding": "gzip, br"}
        async with world.http.get(world.base + "/assets/app-abc123.js", headers=headers) as answer:
            assert answer.headers["content-encoding"] == "br"
            assert await answer.read() == b"packed by the build"
        async with world.http.get(world.base + "/assets/app-abc123.js.br") as answer:
            assert answer.status == 404


async def test_the_apps_own_addresses_show_its_page(world: World) -> None:
    for path in ("/", "/sign-in", "/invitation", "/files/invoices/2026/09", "/password-reset"):
        await shows_the_page(world, path)


async def shows_the_page(world: World, path: str) -> None:
    async with world.http.get(world.base + path) as answer:
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<title>Portal</title>" in await answer.text()
        etag = answer.headers["etag"]

    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        async with world.http.get(world.base + path, headers={"If-None-Match": known}) as answer:
            assert answer.status == 304
            assert answer.headers["etag"] == etag
            assert await answer.read() == b""


NOT_THERE = [
    "/index.php",
    "/assets/gone.js",
    "/assets/",
    "/.env",
    "/.git/config",
    "/brand.toml",
    "/../brand.toml",
    "/assets/../../brand.toml",
    "/assets/%2e%2e/%2e%2e/brand.toml",
    "/dev/mail",
    "/dev/mail.json",
    "/docs/../app.py",
    "/docs/docs.html",
    "/inner/x",
    "/a%20b",
    "/x" * 12,
]


async def test_other_addresses_do_not_exist(world: World) -> None:
    for path in NOT_THERE:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        said = await raw_exchange(world.gateway.port, head.encode())

        head, _, body = said.decode().partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 404 "), path
        assert json.loads(body)["code"] == "not_found"


async def test_pages_are_only_read(world: World) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        async with world.http.request(method, world.base + "/") as answer:
            assert answer.status == 405
            assert answer.headers["allow"] == "GET, HEAD"
    async with world.http.head(world.base + "/") as answer:
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 1000


async def test_no_robot_and_where_to_report(world: World) -> None:
    async with world.http.get(world.base + "/robots.txt") as answer:
        assert await answer.text() == "User-agent: *\nDisallow: /\n"
    async with world.http.get(world.base + "/.well-known/security.txt", allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["location"] == "https://www.nordwelle.example/.well-known/security.txt"


async def test_the_brand_is_public_and_known_again(world: World) -> None:
    async with world.http.get(world.api("/brand")) as answer:
        brand = await answer.json()
        etag = answer.headers["etag"]
        assert answer.headers["content-type"].startswith("application/json")

    assert brand["name"] == "Nordwelle Telekom GmbH"
    assert brand["support"]["person"] == "Petra Wellmann"
    assert brand["logo"] is None
    assert set(brand) == {
        "name",
        "short_name",
        "portal_name",
        "logo",
        "accent",
        "accent_dark",
        "support",
        "legal",
        "authenticator",
        "sites",
    }
    async with world.http.get(world.api("/brand"), headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


async def test_the_logo_is_a_picture_and_nothing_more(new_world: NewWorld, tmp_path: Path) -> None:
    brand = tmp_path / "own.toml"
    text = (tmp_path / "brand.toml").read_text("utf-8").replace('logo = ""', 'logo = "own.svg"')
    brand.write_text(text)
    (tmp_path / "own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    async with new_world(brand_file=brand) as world:
        async with world.http.get(world.api("/brand")) as answer:
            logo = (await answer.json())["logo"]
        async with world.http.get(world.base + logo) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("image/svg+xml")
            assert "sandbox" in answer.headers["content-security-policy"]
            assert "script-src" not in answer.headers["content-security-policy"]


async def test_a_logo_that_is_no_picture_stops_the_start(new_world: NewWorld, tmp_path: Path) -> None:
    brand = tmp_path / "own.toml"
    brand.write_text((tmp_path / "brand.toml").read_text("utf-8").replace('logo = ""', 'logo = "own.html"'))

    with pytest.raises(ValueError, match="logo"):
        async with new_world(brand_file=brand):
            pass


async def test_the_documentation_page_needs_nothing_from_elsewhere(world: World) -> None:
    found = {}
    for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
        async with world.http.get(world.base + path) as answer:
            assert answer.status == 200
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            found[path] = await answer.text()

    assert not [path for path, text in found.items() if "http://" in text or "https://" in text]
    assert "<style" not in found["/docs"]
    assert "innerHTML" not in found["/docs/docs.js"]


async def test_the_mailbox_is_there_when_it_is_there(new_world: NewWorld) -> None:
    async with new_world() as outer:
        mailbox = outer.documents
        async with new_world(mailbox_url=mailbox.url) as world:
            for path in ("/dev/mail", "/dev/mail.json"):
                async with world.http.get(world.base + path, headers={"Cookie": "session=x"}) as answer:
                    assert answer.status == 200
                assert (mailbox.last.path, mailbox.last.values("cookie")) == (path, [])
            async with world.http.get(world.base + "/dev/mail/x") as answer:
                assert answer.status == 404
