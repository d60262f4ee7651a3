-- Lets web and vault append to the audit. Run as devcontext_audit after each migration of that database:
--
--   psql "$AUDIT_OWNER_URL" -f deploy/postgresql-audit.sql

\set ON_ERROR_STOP on

GRANT INSERT ON audit_event TO devcontext_web, devcontext_vault;
-- The process that signs the log appends its leaves, nodes and checkpoints; the web process only reads them.
GRANT INSERT ON audit_leaf, audit_node, audit_checkpoint TO devcontext_vault;
