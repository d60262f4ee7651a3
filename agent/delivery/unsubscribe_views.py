"""The link at the end of each mail: it ends the mails of one schedule without a sign-in, and can do nothing else.

Source: RFC 8058: a mail program POSTs to it, without a cookie; a person sees a page that asks, so that a scanner which
follows links ends nothing.
"""

from uuid import UUID

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from agent.delivery import owning
from agent.delivery.email import channel_of_token


# SECURITY: a mail program has no token of a form; what is signed in the address is the right to do this, and nothing
# that a browser adds by itself counts.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether the mails shall end, or end them; 404 for an address that we did not make."""
    try:
        channel = UUID(channel_of_token(token))
    except (BadSignature, ValueError):
        return render(request, "agent/unsubscribe.html", {"is_unknown": True}, status=404)
    if request.method == "POST":
        owning.unsubscribe(channel)
        return render(request, "agent/unsubscribe.html", {"is_done": True})
    return render(request, "agent/unsubscribe.html", {"token": token})
