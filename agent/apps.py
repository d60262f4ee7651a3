"""The agent as a Django app."""

from django.apps import AppConfig
from django.conf import settings

from audit import asked, vocabulary
from permissions import changes, chats, needs, schedules
from permissions.changes import Change
from permissions.subjects import user_id_of


def _heed(change: Change) -> None:
    from agent.runner import current_runner  # noqa: PLC0415  (takes a second, which no command should wait for)

    current_runner().heed(change)


class AgentConfig(AppConfig):
    """Conversations, runs and their events; tells the audit what the tools read, and the pages what they need."""

    name = "agent"

    def ready(self) -> None:
        """Register the checks and what other apps ask this one for, and start with no malformed key."""
        from agent import checks, content_keys, conversations, memory, store  # noqa: F401, PLC0415  (checks register on import, once apps are ready)
        from agent.schedules import naming  # noqa: PLC0415  (an app imports its modules once apps are ready)
        from agent.tools import TOOLS, needed_scopes, words_by_provider  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.register_reads(TOOLS, told=lambda tool: tool.reads if tool.provider else "")
        needs.register_needs(needed_scopes)
        needs.register_tools(words_by_provider)
        vocabulary.register_zones(lambda user: memory.load_week_settings(user_id_of(user)).time_zone)
        chats.register_titles(lambda user, ids: conversations.list_titles(user_id_of(user), conversations=ids))
        asked.register_questions(lambda user, run: store.find_question(run, user=user_id_of(user)))
        schedules.register_schedules(
            lambda user: naming.name_by_agent(user_id_of(user)),
            beginners=lambda user, runs: naming.name_by_run(user_id_of(user), runs=runs),
        )
        changes.register_listener(_heed)
        # Not every server runs the checks. Without any key, commands that need none still run, and a check says why.
        if settings.CONTENT_KEYS:
            content_keys.parse(settings.CONTENT_KEYS)
