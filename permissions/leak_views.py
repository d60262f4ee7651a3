"""From a token that leaked to what was done with it: the vault makes its fingerprint, the timeline finds its events.

SECURITY: the token comes in a form, never in an address, and is handed to the vault and dropped: no session, message,
log or table of this process gets it.
"""

import re
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from permissions.pages import SESSION_ENDED, load_asker
from vault.client import InvalidRequestError, SessionEndedError, VaultError
from vault.client import fingerprints as vault

_HEADER = re.compile(r"\A\s*(?:authorization\s*:\s*)?(?:(?:bearer|token)\s+)?", re.IGNORECASE)


@sensitive_post_parameters("token")
@require_POST
@login_required
async def trace_token(request: HttpRequest) -> HttpResponse:
    """Lead to the user's own events of the token in the form; to the timeline with a sentence where there is none."""
    # As it is copied: over lines, or out of a header.
    token = "".join(_HEADER.sub("", request.POST.get("token", "")).split())
    try:
        fingerprint = await vault.fingerprint_token(**await load_asker(request), token=token)
    except SessionEndedError:
        return await _refuse(request, gettext(SESSION_ENDED))
    except InvalidRequestError:
        return await _refuse(request, gettext("That is not a token. Paste the token alone."))
    except VaultError:
        return await _refuse(request, gettext("The token vault does not answer. Try again in a moment."))
    return _see(f"token:{fingerprint}")


async def _refuse(request: HttpRequest, sentence: str) -> HttpResponse:
    await sync_to_async(messages.error)(request, sentence)
    return _see("")


def _see(search: str) -> HttpResponseRedirect:
    query = f"?{urlencode({'q': search})}" if search else ""
    return HttpResponseRedirect(f"{reverse('audit:timeline')}{query}", status=303)
