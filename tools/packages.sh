# Debian packages: what tools/setup and tools/setup_ci share. They source this file and say in $log where their log is.
# shellcheck shell=bash disable=SC2154

say() { printf "${0##*/}: %s\n" "$@"; }
fail() { say "$@" >&2; exit 1; }
fail_with_log() { tail -n 5 "$log" >&2; fail "$@" "the whole log: $log"; }

# Those of the packages that are not installed. Without dpkg-query that cannot be known.
missing_packages() {
  local installed name
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name; do
    [[ $'\n'$installed$'\n' == *$'\n'"$name installed"$'\n'* ]] || printf '%s\n' "$name"
  done
}

install_packages() {
  local sudo=() install=(apt-get install -y --no-install-recommends "$@")
  local by_hand="apt-get update && ${install[*]}"
  [ -z "${HETERODYNE_NO_APT:-}" ] ||
    fail "missing Debian packages: $*" "HETERODYNE_NO_APT is set; run as root: $by_hand"
  command -v apt-get >/dev/null ||
    fail "missing Debian packages: $*" "apt-get was not found; install them another way"
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "missing Debian packages: $*" \
      "this user may not install them; ask an administrator to run: $by_hand"
    sudo=(sudo)
  fi
  say "installing $*"
  ${sudo[@]+"${sudo[@]}"} apt-get -q -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1 ||
    fail_with_log "apt-get update failed (no network, or no mirror is reachable); missing Debian packages: $*" \
      "later, or by hand as root: $by_hand"
  ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive "${install[@]}" -q -o DPkg::Lock::Timeout=300 \
    >>"$log" 2>&1 </dev/null ||
    fail_with_log "apt-get install failed; missing Debian packages: $*" "by hand as root: $by_hand"
}
