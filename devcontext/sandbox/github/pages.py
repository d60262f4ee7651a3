"""The pages behind GitHub links: repositories, pull requests, issues, commits and check runs of the sandbox."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.github.commit_search import on_default_branches
from devcontext.sandbox.pages import entries, facts, link, not_found, page, paragraph
from devcontext.sandbox.types import CheckRun, Commit, Issue, PullRequest, Repository, Snapshot

# As many as GitHub shows on a page, and some.
_MAX_COMMITS = 100


def github_pages() -> list[Route]:
    """Return the pages below `/github/web`."""
    repository_path = "/{owner}/{name}"
    return [
        Route("/{login}", person),
        Route(repository_path, repository),
        Route(repository_path + "/pull/{number:int}", pull_request),
        Route(repository_path + "/issues/{number:int}", issue),
        Route(repository_path + "/commits", commits),
        Route(repository_path + "/commit/{oid}", commit),
        Route(repository_path + "/runs/{check_id:int}", check_run),
    ]


async def person(request: Request) -> Response:
    """Show a person."""
    world = sandbox_of(request).world
    for found in world.now().people:
        if found.login == request.path_params["login"]:
            return page(found.name, facts([("Login", found.login), ("Role", found.title)]), notice=world.code_notice)
    return not_found(world.code_notice)


async def repository(request: Request) -> Response:
    """Show a repository's open pull requests, and the commits of branches that are in none."""
    sandbox = sandbox_of(request)
    snapshot, notice = sandbox.world.now(), sandbox.world.code_notice
    found = _repository(request, snapshot)
    if found is None:
        return not_found(notice)
    pulls = [pull for pull in snapshot.pull_requests if pull.repository == found and pull.state == "OPEN"]
    items = "".join(f"<li>{link(sandbox.links.work(pull), f'#{pull.number} {pull.title}')}</li>" for pull in pulls)
    apart = [(one.oid, f"{one.branch}, {one.author_name}", one.message_headline) for one in _unmerged(snapshot, found)]
    body = f"<h2>Open pull requests</h2><ul>{items}</ul>" + entries("Branches that are not merged", apart)
    return page(found.name_with_owner, body, notice=notice)


async def pull_request(request: Request) -> Response:
    """Show a pull request with its commits, reviews and comments."""
    sandbox = sandbox_of(request)
    snapshot, notice = sandbox.world.now(), sandbox.world.code_notice
    for pull in snapshot.pull_requests:
        if pull.repository == _repository(request, snapshot) and pull.number == request.path_params["number"]:
            rows = [
                ("Repository", pull.repository.name_with_owner),
                ("Author", pull.author.name),
                ("State", "DRAFT" if pull.is_draft else pull.state),
                ("Branch", f"{pull.head_ref_name} into {pull.base_ref_name}"),
                ("Changes", f"+{pull.additions} -{pull.deletions}" if pull.additions or pull.deletions else ""),
            ]
            commits = [(one.oid, one.author_name, one.message_headline) for one in pull.commits]
            reviews = [
                (f"pullrequestreview-{one.id}", f"{one.author.name}, {one.state}", one.body_text)
                for one in pull.reviews
            ]
            body = facts(rows) + paragraph(pull.body) + entries("Commits", commits) + entries("Reviews", reviews)
            return page(f"#{pull.number} {pull.title}", body + _threads(pull) + _discussion(pull), notice=notice)
    return not_found(notice)


async def issue(request: Request) -> Response:
    """Show an issue with its comments."""
    world = sandbox_of(request).world
    snapshot = world.now()
    for found in snapshot.issues:
        if found.repository == _repository(request, snapshot) and found.number == request.path_params["number"]:
            rows = [
                ("Repository", found.repository.name_with_owner),
                ("Author", found.author.name),
                ("State", found.state),
                ("Assigned to", ", ".join(one.name for one in found.assignees)),
            ]
            body = facts(rows) + paragraph(found.body) + _discussion(found)
            return page(f"#{found.number} {found.title}", body, notice=world.code_notice)
    return not_found(world.code_notice)


async def commits(request: Request) -> Response:
    """Show the commits on a repository's default branch, newest first, of one author where the address names one."""
    sandbox = sandbox_of(request)
    snapshot, notice = sandbox.world.now(), sandbox.world.code_notice
    found, author = _repository(request, snapshot), request.query_params.get("author", "")
    if found is None:
        return not_found(notice)
    here = [one for one in on_default_branches(snapshot) if one.repository == found]
    theirs = [one for one in here if not author or (one.author and one.author.login == author)]
    pushed = sorted(theirs, key=lambda one: one.authored_date, reverse=True)[:_MAX_COMMITS]
    items = "".join(f"<li>{link(sandbox.links.commit(found, one.oid), one.message_headline)}</li>" for one in pushed)
    return page(f"Commits in {found.name_with_owner}", f"<ul>{items}</ul>", notice=notice)


async def commit(request: Request) -> Response:
    """Show a commit."""
    world = sandbox_of(request).world
    snapshot = world.now()
    for found in snapshot.commits:
        if found.repository == _repository(request, snapshot) and found.oid == request.path_params["oid"]:
            rows = [
                ("Commit", found.oid),
                ("Repository", found.repository.name_with_owner),
                ("Author", found.author_name),
                ("Branch", found.branch),
                ("Written", f"{found.authored_date:%Y-%m-%d %H:%M %Z}"),
            ]
            return page(found.message_headline, facts(rows), notice=world.code_notice)
    return not_found(world.code_notice)


async def check_run(request: Request) -> Response:
    """Show a check run."""
    world = sandbox_of(request).world
    snapshot = world.now()
    found_in = _repository(request, snapshot)
    for one in snapshot.commits:
        for check in one.checks:
            is_run = isinstance(check, CheckRun) and check.id == request.path_params["check_id"]
            if isinstance(check, CheckRun) and is_run and one.repository == found_in:
                rows = [("Commit", one.message_headline), ("Result", check.conclusion or "running")]
                return page(check.name, facts(rows) + paragraph(check.title), notice=world.code_notice)
    return not_found(world.code_notice)


def _unmerged(snapshot: Snapshot, repository: Repository) -> list[Commit]:
    """Return the newest commits of branches that are in no pull request."""
    found = [one for one in snapshot.commits if one.repository == repository and one.branch]
    return sorted(found, key=lambda one: one.authored_date, reverse=True)[:_MAX_COMMITS]


def _threads(pull: PullRequest) -> str:
    """Return the conversations on lines, each comment with the anchor its link has."""
    rows = [
        (f"discussion_r{one.id}", f"{one.author.name} on {thread.path}", one.body_text)
        for thread in pull.threads
        for one in thread.comments
    ]
    return entries("Conversations", rows)


def _discussion(work: PullRequest | Issue) -> str:
    """Return the comments of a pull request or issue, each with the anchor its link has."""
    rows = [
        (f"issuecomment-{one.id}", f"{one.author.name}, {one.created_at:%Y-%m-%d %H:%M}", one.body_text)
        for one in work.comments
    ]
    return entries("Comments", rows)


def _repository(request: Request, snapshot: Snapshot) -> Repository | None:
    wanted = f"{request.path_params['owner']}/{request.path_params['name']}".lower()
    return next((one for one in snapshot.repositories if one.name_with_owner.lower() == wanted), None)
