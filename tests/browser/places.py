"""Every page of the console, as an address that has something on it."""

from __future__ import annotations

from tests.browser.server import Server


def places(server: Server) -> dict[str, str]:
    """Name and address of each page; of those about one thing, one with much to show."""
    beacon = server.alerts(rule="beacon", org="made-yunfan")[0]["id"]
    worst = server.ask("/situation")["province"]["worst"]["id"]
    warning = server.ask("/warnings")["items"][0]["id"]
    return {
        "overview": "/overview", "queue": "/alerts?state=new&state=in_progress", "alert": f"/alerts?alert={beacon}",
        "events": "/events?kind=dns", "analyse": "/analyse", "software": "/software",
        "situation": "/situation",
        "city": "/situation/city/hangzhou", "organisation": f"/situation/organisation/{worst}",
        "silent": "/situation/organisation/made-yanming", "warnings": "/warnings?state=all",
        "warning": f"/warnings/{warning}", "status": "/status", "missing": "/there/is/nothing",
    }  # fmt: skip
