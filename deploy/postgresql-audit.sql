-- Lets web and vault append to the audit. Run as devcontext_audit after each migration of that database:
--
--   psql "$AUDIT_OWNER_URL" -f deploy/postgresql-audit.sql

\set ON_ERROR_STOP on

GRANT INSERT ON audit_event TO devcontext_web, devcontext_vault;
-- Whoever records an event of a person makes the key of what is personal in it; the web process erases it or
-- seals it anew, and no more.
GRANT INSERT ON audit_subject_key TO devcontext_web, devcontext_vault;
GRANT UPDATE (sealed_key, erased_at) ON audit_subject_key TO devcontext_web;
-- The process that signs the log appends its leaves, nodes and checkpoints; the web process only reads them.
GRANT INSERT ON audit_leaf, audit_node, audit_checkpoint TO devcontext_vault;
-- Retention adds what it removes, and takes events and leaves away; the triggers let go of what it added, and of
-- nothing else (audit/append_only.py).
GRANT INSERT ON audit_event, audit_removal TO devcontext_retention;
GRANT DELETE ON audit_event, audit_leaf TO devcontext_retention;

-- Each role records what its process does, and can make up nothing that another one did. Who is a member of two roles
-- may do what both may. The owner, whose migrations alone use it, is held by no policy.
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS all_read ON audit_event;
DROP POLICY IF EXISTS web_records ON audit_event;
DROP POLICY IF EXISTS vault_records ON audit_event;
DROP POLICY IF EXISTS retention_records ON audit_event;
DROP POLICY IF EXISTS retention_removes ON audit_event;
CREATE POLICY all_read ON audit_event FOR SELECT USING (true);
CREATE POLICY web_records ON audit_event FOR INSERT TO devcontext_web
  WITH CHECK (event ~ '^(account|agent|audit:(auditor|events|personal|subject)|permission:(allowance|check|exclusions|question|tool)):');
CREATE POLICY vault_records ON audit_event FOR INSERT TO devcontext_vault
  WITH CHECK (event ~ '^(vault|audit:key|permission:(access|away|default|grant)):');
CREATE POLICY retention_records ON audit_event FOR INSERT TO devcontext_retention
  WITH CHECK (event ~ '^audit:retention:');
CREATE POLICY retention_removes ON audit_event FOR DELETE TO devcontext_retention USING (true);
