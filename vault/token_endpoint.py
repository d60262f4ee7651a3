"""`POST /oauth/token`: finds the dialect of a request, authenticates its client, and asks `EmbeddedVault`."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from vault import auth0, clients, forms, rfc8693, targets
from vault.authentication import authenticate
from vault.dialects import Dialect
from vault.embedded import EmbeddedVault
from vault.endpoint import NO_STORE, answer_refusal, required
from vault.errors import UnsupportedGrantError, VaultError, WrongMediaTypeError
from vault.forms import Pairs

DIALECTS = {dialect.grant_type: dialect for dialect in (rfc8693.DIALECT, auth0.DIALECT)}


@csrf_exempt
async def token(request: HttpRequest) -> HttpResponse:
    """Exchange a token. Source: RFC 8693 section 2."""
    dialect: Dialect | None = None
    try:
        pairs = forms.read_pairs(request)
        dialect = _find_dialect(request, pairs)
        return await _answer(request, pairs, dialect=dialect)
    except VaultError as error:
        return answer_refusal(error, (dialect or rfc8693.DIALECT).refusal(error))


def _find_dialect(request: HttpRequest, pairs: Pairs) -> Dialect | None:
    """Return the dialect that the request says it speaks.

    Raises:
        InvalidRequestError: It says so twice.
        WrongMediaTypeError: It is a JSON object in a dialect of forms.
    """
    form = forms.single(pairs, besides=targets.NAMES)
    dialect = DIALECTS.get(form.get("grant_type", ""))
    if not forms.is_form(request) and not (dialect and dialect.takes_json):
        raise WrongMediaTypeError
    return dialect


async def _answer(request: HttpRequest, pairs: Pairs, *, dialect: Dialect | None) -> HttpResponse:
    form = forms.single(pairs, besides=targets.NAMES)
    client = await authenticate(request, form=form)
    required(form, "grant_type")
    if dialect is None:
        raise UnsupportedGrantError
    clients.require_grant_type(client, dialect.grant_type)
    granted = await EmbeddedVault(client=client).exchange(dialect.read(pairs))
    return JsonResponse(dialect.answer(granted), headers=NO_STORE)
