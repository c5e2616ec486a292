"""An application with nothing in it: what any FastAPI process weighs."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def nothing() -> dict[str, str]:
    """The least."""
    return {}
