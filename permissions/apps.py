"""The permissions app: pages and policy; it keeps no table, since the vault holds what must hold."""

from django.apps import AppConfig


class PermissionsConfig(AppConfig):
    """Names the app."""

    name = "permissions"
