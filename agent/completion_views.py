"""What the composer asks while a name is written: a POST, since each look is a read on record."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.http import require_POST

from agent.completion import list_names
from permissions.pages import load_asker


@login_required
@require_POST
async def complete(request: HttpRequest) -> HttpResponse:
    """Return `{names, is_cut, message}` for the form's `sign`; 400 for a sign after which nothing is completed."""
    try:
        found = await list_names(request.POST.get("sign", ""), asker=await load_asker(request))
    except KeyError:
        return HttpResponseBadRequest()
    return JsonResponse({"names": found.names, "is_cut": found.is_cut, "message": found.message})
