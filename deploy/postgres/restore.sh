#!/bin/sh
# restore.sh FOLDER [SERVICE ...]: puts databases back as backup.sh left them, with their owners and rights. What is there
# now under the same names is dropped: stop the services first. Then `portalctl heal SERVICE --since "$(cat FOLDER/since)"`.
set -eu
folder=$1
shift
for service in "${@:-auth users documents metrics contracts contacts}"; do
  for one in $service; do
    pg_restore --clean --create --if-exists --exit-on-error --dbname=postgres "$folder/$one.dump"
  done
done
