# One database and one role for each service; a role reaches no other's database. Runs once, on an empty data folder.
set -eu
for service in auth users documents metrics contracts contacts; do
  name="POSTGRES_$(echo "$service" | tr '[:lower:]' '[:upper:]')_PASSWORD"
  eval "password=\$$name"
  [ -n "$password" ] || { echo "$name is not set" >&2; exit 1; }
  psql -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v role="$service" -v password="$password" <<'SQL'
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
