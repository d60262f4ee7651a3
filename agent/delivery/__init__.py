"""Delivery of unattended briefings: the inbox, e-mail, signed webhooks, Slack's incoming webhooks."""
