"""The pages behind Calendar links: an event, which a call's address shows too."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.pages import facts, linked_text, not_found, page


def google_pages() -> list[Route]:
    """Return the pages below `/google/web`."""
    return [Route("/event/{event_id}", event), Route("/meet/{event_id}", event)]


async def event(request: Request) -> Response:
    """Show a calendar event."""
    sandbox = sandbox_of(request)
    snapshot, notice = sandbox.world.now(), sandbox.world.calendar_notice
    for found in snapshot.events:
        if found.id == request.path_params["event_id"]:
            guests = ", ".join(f"{guest.person.name} ({guest.response})" for guest in found.attendees)
            rows = [
                ("Starts", str(found.start)),
                ("Ends", str(found.end)),
                ("Organizer", found.organizer.name),
                ("Guests", guests),
                ("Call", found.call_url),
            ]
            about = linked_text(found.description, snapshot=snapshot, links=sandbox.links)
            return page(found.summary, facts(rows) + about, notice=notice)
    return not_found(notice)
