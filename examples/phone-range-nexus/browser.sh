# The browsers of run.sh, which sources this: a device for each profile, driven by browser.mjs.

declare -A sessions
device=
started=()
coproc DRIVER { exec node browser.mjs 2>&1; }
# Commands in parentheses have no coprocess, but what is open.
exec {to_driver}>&"${DRIVER[1]}" {from_driver}<&"${DRIVER[0]}"

# ask COMMAND ARGUMENTS: what browser.mjs does; $out is what it gives.
ask() {
  local IFS=$'\x1f' line
  line=$*
  printf '%s\n' "${line//$'\n'/ }" >&"$to_driver"
  IFS= read -r line <&"$from_driver" || fail "browser.mjs has ended"
  out=${line:2}
  [ "${line:0:2}" = "0 " ]
}

at_end() {
  local session
  for session in "${sessions[@]}"; do ask close "$session"; done
  [ ${#started[@]} = 0 ] && return
  kill "${started[@]}" 2>/dev/null || true
  wait "${started[@]}" 2>/dev/null || true
}

# begin LOG TEXT COMMAND...: starts what goes on beside, and waits until it has said this.
begin() {
  local log=$1 text=$2
  shift 2
  "$@" >"$log" 2>&1 &
  started+=($!)
  touch "$log"
  out=$log
  eventually "$1 does not start" grep -q "$text" "$log"
}

# field JSON NAME...: what stands there. Node reads it: no server has to be there.
field() { (ask field "$@" && echo "$out"); }

# open_browser DEVICE: opens the page in a browser of its own, which is the one that is used from then on.
open_browser() {
  local port
  port=$(sed -n 's/.*started successfully on port \([0-9]*\)\..*/\1/p' driver.log)
  device=$1
  ask open "http://127.0.0.1:$port" "$work/profile-$device" "$work/downloads" || fail "no browser opens" "$out"
  sessions[$device]=$out
  browser go "$site/"
}

# browser COMMAND ARGUMENTS: what browser.mjs does with the browser of this device.
browser() {
  local command=$1
  shift
  printf '$ %s: %s %s\n' "$device" "$command" "$*"
  ask "$command" "${sessions[$device]}" "$@" || fail "the browser: $command $*" "$out"
  printf '  %s\n' "${out:0:300}"
}

# page FUNCTION [JSON...]: calls a function of the page; $out is what it gives.
page() { browser call "$@"; }

# page_refuses TEXT FUNCTION [JSON...]: the function fails, and says this.
page_refuses() {
  local text=$1
  shift
  printf '$ %s: %s\n' "$device" "$*"
  ask call "${sessions[$device]}" "$@" && fail "it is not refused: $*" "$out"
  printf '  %s\n' "$out"
  says "$text"
}

# downloaded FILE: waits until the browser has written it, and the sum beside it.
downloaded() { eventually "$1 is not downloaded" test -s "downloads/$1" -a -s "downloads/$1.sha256"; }

# counts STORE: what the last restore did with a store: inserted, updated, deleted.
counts() { echo "$(field "$out" stores "$1" inserted) $(field "$out" stores "$1" updated) $(field "$out" stores "$1" deleted)"; }

# sum STORE: its hash in what capture said.
sum() { field "$out" "$1" sha256; }
