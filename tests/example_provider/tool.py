"""The tool that reads Tasklist: the example's `agent/tools/tasklist.py`."""

from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from tests.example_provider import api

# More open tasks than that are no plan for a day.
_MAX_TASKS = 20


class OpenTasksArguments(Arguments):
    """No arguments."""


async def read_open_tasks(_arguments: OpenTasksArguments, http: ProviderHTTP, _context: ReadContext) -> ToolResult:
    """Return one item per open task."""
    page = await api.list_open_tasks(http, limit=_MAX_TASKS)
    return ToolResult(
        items=tuple(
            Item(title=task.title, url=task.url, fields={"due": task.due.isoformat()} if task.due else {})
            for task in page.tasks
        )
    )


TASKLIST_OPEN_TASKS = Tool(
    name="tasklist_open_tasks",
    provider="tasklist",
    label="Reading your open tasks…",
    reads="your open tasks in Tasklist",
    description="Lists the user's open tasks in Tasklist, with the day each is due.",
    arguments=OpenTasksArguments,
    scope="tasks:read",
    endpoints=(api.LIST_TASKS,),
    run=read_open_tasks,
)
