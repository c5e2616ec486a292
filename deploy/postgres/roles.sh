# One database for each service, an owner that migrates it and a role that serves from it and owns nothing; neither
# reaches another's database. Runs once, on an empty data folder.
set -eu
[ -n "$POSTGRES_OWNER_PASSWORD" ] || { echo "POSTGRES_OWNER_PASSWORD is not set" >&2; exit 1; }
for service in auth users documents metrics contracts contacts; do
  name="POSTGRES_$(echo "$service" | tr '[:lower:]' '[:upper:]')_PASSWORD"
  eval "password=\$$name"
  [ -n "$password" ] || { echo "$name is not set" >&2; exit 1; }
  psql -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v role="$service" -v password="$password" \
    -v owner="${service}_owner" -v owner_password="$POSTGRES_OWNER_PASSWORD" <<'SQL'
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"owner";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"role" TO :"role";
SQL
done
