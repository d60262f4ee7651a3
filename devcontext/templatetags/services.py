"""What a page shows of a service besides its words: its mark and its colours."""

from django import template
from django.templatetags.static import static
from django.utils.translation import gettext

from permissions.services import SERVICES

register = template.Library()


@register.simple_tag
def service_styles() -> list[str]:
    """Return the addresses of the styles that give each service its colours."""
    return [static(f"services/{slug}.css") for slug in SERVICES]


@register.simple_tag
def service_icon(slug: str) -> str:
    """Return the address of a service's mark; an empty ring for one that this version does not know."""
    # The audit outlives a service, and a page must not fail for want of a picture.
    return f"{static(f'services/{slug}.svg')}#mark" if slug in SERVICES else f"{static('icons.svg')}#empty"


@register.simple_tag
def service_names() -> str:
    """Return the names of all services as a sentence lists them."""
    *first, last = [service.name for service in SERVICES.values()]
    return gettext("{first} and {last}").format(first=", ".join(first), last=last) if first else last


@register.simple_tag
def all_services() -> list[tuple[str, str]]:
    """Return (provider id, name) of every service, in their order."""
    return [(slug, service.name) for slug, service in SERVICES.items()]
