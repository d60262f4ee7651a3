-- Lets web and vault append to the audit. Run as devcontext_audit after each migration of that database:
--
--   psql "$AUDIT_OWNER_URL" -f deploy/postgresql-audit.sql

\set ON_ERROR_STOP on

GRANT INSERT ON audit_event TO devcontext_web, devcontext_vault;
-- Whoever records an event of a person makes the key of what is personal in it; the web process erases it, and no more.
GRANT INSERT ON audit_subject_key TO devcontext_web, devcontext_vault;
GRANT UPDATE (sealed_key, erased_at) ON audit_subject_key TO devcontext_web;
-- The process that signs the log appends its leaves, nodes and checkpoints; the web process only reads them.
GRANT INSERT ON audit_leaf, audit_node, audit_checkpoint TO devcontext_vault;
