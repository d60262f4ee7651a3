"""Google Calendar's limit: 600 requests a minute for each user of a project; no header tells of it.

Source: https://developers.google.com/workspace/calendar/api/guides/quota
"""

from devcontext.sandbox.google_calendar.oauth import PROVIDER
from devcontext.sandbox.limit_gate import Quota
from devcontext.sandbox.limits import Bucket

_PER_USER = Bucket("user", limit=600, seconds=60)

QUOTA = Quota(PROVIDER, bucket=lambda *_: _PER_USER, refusal=lambda _: "api.userRateLimitExceeded")
