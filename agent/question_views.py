"""The answer to a question of a run as a plain form: for a page without a script, or whose socket is away."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from agent.runner import current_runner
from audit.errors import AuditUnavailableError
from permissions import questions
from permissions.errors import QuestionClosedError, QuestionNotFoundError
from permissions.pages import go_back, load_asker
from permissions.policy import Answer

_SAID = {Answer.NO: gettext_lazy("It is not read."), "more_time": gettext_lazy("You have more time to answer.")}


@require_POST
@login_required
async def answer(request: HttpRequest, run: UUID, question: UUID) -> HttpResponse:
    """Take the user's answer to a question of their own run, or give them more time, and lead back."""
    said = request.POST.get("answer", "")
    if said not in (*questions.ANSWERS, "more_time"):
        raise Http404
    user = (await load_asker(request))["user"]
    try:
        if said == "more_time":
            await current_runner().extend(question, run=run, user=user)
        else:
            await current_runner().answer(question, run=run, user=user, answer=Answer(said))
    except QuestionNotFoundError:
        raise Http404 from None
    except QuestionClosedError:
        messages.warning(request, _("This was answered already, or its time is over."))
    except AuditUnavailableError:
        messages.error(
            request, _("The audit timeline cannot be written right now, so your answer does not count yet. Try again.")
        )
    else:
        messages.success(request, _SAID.get(said, _("You allowed it.")))
    return go_back(request)
