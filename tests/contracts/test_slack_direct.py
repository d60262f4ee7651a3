"""Direct messages of the sandbox, between two and in a group, each with scopes of their own."""

import pytest

from agent.errors import ToolFailedError
from agent.tool import ReadContext
from agent.tools import TOOLS
from tests.contracts.test_sandbox import Sandbox, sandbox, served

__all__ = ["sandbox", "served"]


async def test_direct_messages_are_read_with_their_group(sandbox: Sandbox, read_context: ReadContext) -> None:
    one, group = (await sandbox.run("slack_direct_messages", context=read_context)).items
    assert one.title.startswith("Sam in direct message with Sam: Do you have two minutes")
    assert group.title.startswith("Aiko in group direct message: Draft of the customer letter")
    listed = (await sandbox.run("slack_channels", context=read_context, kind="direct")).items
    assert {item.title for item in listed} == {"@Sam", "mpdm-sam--maya--aiko-1"}


@pytest.mark.parametrize("missing", ["mpim:read", "mpim:history"])
async def test_group_direct_messages_need_their_own_scopes(
    sandbox: Sandbox, read_context: ReadContext, missing: str
) -> None:
    scope = ",".join(set(TOOLS["slack_direct_messages"].scope.split()) - {missing})
    if missing == "mpim:read":
        with pytest.raises(ToolFailedError) as caught:
            await sandbox.run("slack_direct_messages", context=read_context, scope=scope)
        assert caught.value.code == "missing_scope"
    else:
        result = await sandbox.run("slack_direct_messages", context=read_context, scope=scope)
        assert result.warnings == ("Direct messages with 1 others were not read.",)
