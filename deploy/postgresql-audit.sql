-- Lets web and vault append to the audit. Run as devcontext_audit after each migration of that database:
--
--   psql "$AUDIT_OWNER_URL" -f deploy/postgresql-audit.sql

\set ON_ERROR_STOP on

GRANT INSERT ON audit_event TO devcontext_web, devcontext_vault;
