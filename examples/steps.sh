# What the scripts of the examples share; they source it. It finds rowkeep and a server, makes a folder to work in, and
# cleans up behind them.
#
#   ROWKEEP          the program; otherwise `rowkeep` from PATH
#   EXAMPLE_SERVER   URL of a database on a PostgreSQL server, of a role that may create databases and roles;
#                    otherwise the newest server of scripts/with-servers
set -euo pipefail

example=$(basename "$(dirname "$(realpath "$0")")")
here=$(dirname "$(realpath "$0")")
rowkeep=$(command -v "${ROWKEEP:-rowkeep}") || { echo "$0: set ROWKEEP to the rowkeep program" >&2; exit 2; }
needs_no_server=${needs_no_server-}
postgres=${ROWKEEP_TEST_POSTGRES-} server=${EXAMPLE_SERVER:-${postgres##*=}}
[ -n "$server$needs_no_server" ] || { echo "$0: set EXAMPLE_SERVER, or run this by scripts/with-servers" >&2; exit 2; }
PATH=${ROWKEEP_PG_BIN:+${ROWKEEP_PG_BIN##*:}:}$PATH

# Nothing of the person who runs this is used: no configuration, no repository, no key.
work=$(mktemp -d)
for name in $(compgen -e | grep -E '^(ROWKEEP_|PG)' | grep -vx 'ROWKEEP_PG_BIN'); do unset "$name"; done
export XDG_STATE_HOME=$work/state HOME=$work
databases=() roles=() service=
# What an example does itself in the end; it may have its own.
at_end() { :; }
clean_up() {
  local status=$? name
  at_end || true
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  [ -z "$service" ] || wait "$service" 2>/dev/null || true
  for name in "${databases[@]}"; do
    psql -Xqd "$server" -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" >/dev/null 2>&1 || true
  done
  for name in "${roles[@]}"; do psql -Xqd "$server" -c "DROP ROLE IF EXISTS $name" >/dev/null 2>&1 || true; done
  rm -rf "$work"
  [ "$status" = 0 ] || echo "FAILED: $0, in step: $step_title" >&2
}
trap clean_up EXIT
cp -r "$here/." "$work"
cd "$work"

step_title="before the first"
step() { step_title=$*; printf '\n== %s\n' "$*"; }

fail() { printf 'FAILED: %s\n%s\n' "$1" "${2-}" >&2; exit 1; }

# expect STATUS COMMAND...: runs the command, shows it and what it said, and fails if it ends otherwise. $out is what it said.
expect() {
  local wanted=$1 got=0
  shift
  printf '$ %s\n' "${*/#$rowkeep/rowkeep}"
  out=$("$@" 2>&1 </dev/null) || got=$?
  [ -z "$out" ] || sed 's/^/  /' <<<"$out"
  [ "$got" = "$wanted" ] || fail "exit status $got instead of $wanted: $*"
}

# rk ARGUMENTS: rowkeep, which has to be done with status 0.
rk() { expect 0 "$rowkeep" "$@"; }

# says TEXT...: what the last command said has each of these in it.
says() {
  local text
  for text in "$@"; do [[ $out == *"$text"* ]] || fail "\"$text\" is not in what it said" "$out"; done
}

# same WHAT WANTED GOT: two values are equal.
same() { [ "$2" = "$3" ] || fail "$1 is \"$3\" instead of \"$2\""; }

# make_database NAME [ROLE]: a new, empty database, dropped at the end. $url is its URL, for that role if one is given.
make_database() {
  local name=${example//-/_}_$1_$$ place=${server#*://}
  place=${place##*@}
  databases+=("$name")
  psql -Xqd "$server" -c "CREATE DATABASE $name ${2:+OWNER $2}"
  url=${server%/*}/$name
  [ -z "${2-}" ] || url=postgres://$2@${place%%/*}/$name
}

# make_role: a role as at a provider, which owns its database and is no superuser. $role is its name; its password is where
# PostgreSQL's programs look for it, and no command has it in a URL.
make_role() {
  role=${example//-/_}_$$
  roles+=("$role")
  psql -Xqd "$server" -c "CREATE ROLE $role LOGIN CREATEDB PASSWORD 'not-a-secret'"
  (umask 077 && echo "*:*:*:$role:not-a-secret" >>"$HOME/.pgpass")
}

# sql URL QUERY: what a query says, values divided by |.
sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# load URL FILE: runs a script in a database.
load() { psql -Xq -v ON_ERROR_STOP=1 -d "$1" -f "$2" >/dev/null; }

# make_recovery_kit FOLDER [ARGUMENTS]: both forms of the page for the repository in a folder here; the key is typed off it into typed.key.
make_recovery_kit() {
  local folder=$1 file key
  shift
  for file in recovery-kit.html recovery-kit.txt; do
    rk recovery-kit "$@" -o "$file"
    same "who may read the page" 600 "$(stat -c %a "$file")"
    grep -q "$PWD/$folder on " "$file" || fail "$file does not say where the repository is" "$(cat "$file")"
    grep -q 'read-rowkeep.py sql' "$file" || fail "$file does not say how to do without rowkeep" "$(cat "$file")"
  done
  key=$(sed -n '/^    key$/,/^$/p' recovery-kit.txt | tr -d ' \n')
  [ ${#key} = 67 ] || fail "the key is not on the page" "$(cat recovery-kit.txt)"
  echo "key ${key#key}" >typed.key
}

# The service, with everything in rowkeep.toml: $api is its address, $token a token that may do everything.
start_service() {
  mkfifo told
  "$rowkeep" serve --json --listen 127.0.0.1:0 --new-token >told 2>service.log &
  service=$!
  local line
  read -r line <told || fail "the service does not start" "$(cat service.log)"
  rm told
  api=$(field "$line" address)
  token=$(field "$line" token)
}

stop_service() {
  kill "$service"
  wait "$service" || fail "the service ended with status $?" "$(cat service.log)"
  service=
}

# request STATUS METHOD PATH [JSON]: asks the service, and fails if it answers otherwise. $out is its answer.
request() {
  local wanted=$1 method=$2 path=$3 got
  printf '$ curl -X %s %s %s\n' "$method" "$path" "${4-}"
  out=$(curl -sS -X "$method" -H "Authorization: Bearer $token" ${4:+-H 'Content-Type: application/json' -d "$4"} \
    -w '\n%{http_code}' "$api$path")
  got=${out##*$'\n'} out=${out%$'\n'*}
  printf '  %s %s\n' "$got" "${out:0:300}"
  [ "$got" = "$wanted" ] || fail "status $got instead of $wanted: $method $path" "$out"
}

# field JSON NAME...: what stands there in an object. The server reads JSON, so that nothing else needs to be installed.
field() {
  local json=$1 path
  shift
  path=$(IFS=,; echo "$*")
  psql -XAtqd "$server" -v "json=$json" -v "path={$path}" <<<"SELECT :'json'::jsonb #>> :'path'"
}

# eventually WHAT COMMAND...: tries the command until it succeeds, for half a minute.
eventually() {
  local what=$1 end=$((SECONDS + 30))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "$what" "$out"
    sleep 0.2
  done
}
