"""Local stand-ins for GitHub, Google Calendar, Slack and Claude, spoken to over real HTTP on their own port.

The sandbox imports none of the apps and no Django: whatever it knows of them, it learns from their requests.
"""
