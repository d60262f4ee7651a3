-- Three databases and four roles for web, vault and worker on PostgreSQL. Once, as a superuser, with passwords of yours:
--
--   psql -v web_password=… -v vault_password=… -v audit_password=… -v retention_password=… -f deploy/postgresql.sql
--
-- devcontext_web    owns the database `devcontext`; reads and appends to the audit; cannot open the vault's database
-- devcontext_vault  owns the database `devcontext_vault`; reads and appends to the audit; cannot open the web's database
-- devcontext_audit  owns the database `devcontext_audit`; used by its migrations alone, by no process that runs on
-- devcontext_retention  appends to the audit and removes whole sealed segments that had their time, and nothing else
-- Owners may drop what they own, so neither process owns the audit: else it could drop the triggers that guard it.

\set ON_ERROR_STOP on

CREATE ROLE devcontext_web LOGIN PASSWORD :'web_password';
CREATE ROLE devcontext_vault LOGIN PASSWORD :'vault_password';
CREATE ROLE devcontext_audit LOGIN PASSWORD :'audit_password';
CREATE ROLE devcontext_retention LOGIN PASSWORD :'retention_password';

CREATE DATABASE devcontext OWNER devcontext_web;
CREATE DATABASE devcontext_vault OWNER devcontext_vault;
CREATE DATABASE devcontext_audit OWNER devcontext_audit;

-- Every role may connect to every database unless it is told otherwise.
REVOKE ALL ON DATABASE devcontext, devcontext_vault, devcontext_audit FROM PUBLIC;
GRANT CONNECT ON DATABASE devcontext_audit TO devcontext_web, devcontext_vault, devcontext_retention;

\connect devcontext_audit
-- Before PostgreSQL 15, every role could make tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO devcontext_web, devcontext_vault, devcontext_retention;
GRANT CREATE ON SCHEMA public TO devcontext_audit;
-- Tables that a later migration of the audit adds can be read by both; what may be appended to is granted by name, in
-- deploy/postgresql-audit.sql, after each migration.
ALTER DEFAULT PRIVILEGES FOR ROLE devcontext_audit
  GRANT SELECT ON TABLES TO devcontext_web, devcontext_vault, devcontext_retention;
