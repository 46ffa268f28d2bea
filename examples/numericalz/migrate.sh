#!/usr/bin/env bash
# What `npx prisma migrate deploy` does for this example: runs a file of SQL, statement by statement.
set -euo pipefail
psql -Xq -v ON_ERROR_STOP=1 -d "$ROWKEEP_DATABASE_URL" -f "$1"
