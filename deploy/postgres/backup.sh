#!/bin/sh
# backup.sh FOLDER: a dump of every service's database and when they were begun, for restore.sh and `portalctl heal`.
# Who asks: PGHOST, PGPORT, PGUSER, PGPASSWORD; a superuser or a role with BYPASSRLS, else row-level security hides rows.
# DATABASE: the databases' name with %s for the service, when it is not the service's own.
set -eu
folder=$1
mkdir -p "$folder"
date -u +%Y-%m-%dT%H:%M:%SZ > "$folder/since"
for service in auth users documents metrics contracts contacts; do
  # shellcheck disable=SC2059
  pg_dump --format=custom --file="$folder/$service.dump" --dbname="$(printf "${DATABASE:-%s}" "$service")"
done
