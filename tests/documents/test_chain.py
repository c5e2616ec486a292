"""Event -> filed -> folders, list, download."""

from services.documents.models import Document, FolderCount
from tests.documents.conftest import PDF, Portal, only_document


async def test_an_invoice_event_becomes_a_document_that_its_customer_reads(portal: Portal) -> None:
    customer_id = await portal.customer()

    assert await portal.invoice() == "handled"

    async with portal.as_user(customer_id) as client:
        folders = (await client.get("/documents/folders")).json()
        row = await only_document(client)
        url = f"/documents/{row['id']}/files/{row['files'][0]['id']}"
        file = await client.get(url)
    assert folders == [{"year": 2026, "count": 1, "months": [{"month": 9, "count": 1}]}]
    assert row["number"] == "RE-2026-0001"
    assert row["gross"] == {"amount": "1264.62", "currency": "EUR"}
    assert row["first_opened_at"] is None
    assert file.content == PDF
    (filed,) = await portal.emitted("documents.invoice.filed.v1")
    assert filed["customer_id"] == str(customer_id)
    assert filed["document_id"] == row["id"]
    assert await portal.count(Document) == 1
    assert await portal.count(FolderCount) == 1
