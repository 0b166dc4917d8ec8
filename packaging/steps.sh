# shellcheck shell=bash
# Steps that packaging/quickstart and tests/run share; sourced by bash. Sets ROOT, the top of the tree, whatever the caller's directory is.
# Reads: packaging/dependencies, dpkg's and apt's lists. Writes: installed packages, and what cmake makes in the given build directory.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
STEPS_START=$(date +%s)

# phase TEXT…: one line about what happens now, with the seconds since the start.
phase() { printf '[%4d s] %s\n' "$(($(date +%s) - STEPS_START))" "$*"; }

# die TEXT…: the thing, its cause and the mend, on stderr; ends the script.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 3
}

# positive_integer NAME VALUE [MAXIMUM]
positive_integer() {
  local maximum=${3:-999999}
  [[ $2 =~ ^[1-9][0-9]{0,17}$ ]] && [ "$2" -le "$maximum" ] || die "$1 is '$2': give a whole number from 1 to $maximum"
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# can_be_had PACKAGE: apt knows a version of it (needs apt's lists).
can_be_had() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep '^ *Candidate: ' | grep -qv '(none)'; }

# missing_packages GROUP…: the lines of packaging/dependencies of these groups of which no alternative is installed.
missing_packages() {
  local group alternatives package found
  while read -r group alternatives; do
    [[ " $* " == *" $group "* ]] || continue
    found=
    for package in ${alternatives//|/ }; do
      is_installed "$package" && found=1 && break
    done
    [ -n "$found" ] || printf '%s\n' "$alternatives"
  done < <(grep -v -e '^#' -e '^$' "$ROOT/packaging/dependencies")
}

# quietly LOG COMMAND…: runs it with all output in LOG, a sign of life every 20 s; on failure prints the log's end.
quietly() {
  local log=$1 pid status=0 waited=0
  shift
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    waited=$((waited + 1))
    ((waited % 40)) || phase "  … still at it: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)"
  done
  wait "$pid" || status=$?
  [ "$status" = 0 ] || tail -n 15 "$log" >&2
  return "$status"
}

# install_dependencies GROUP…: installs what is missing of these groups, and nothing else.
install_dependencies() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this is no Debian-like system (no dpkg-query or apt-get): install the equivalents of packaging/dependencies by hand, then run cmake --preset default && ninja -C build"
  local missing=() chosen=() line package log
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} = 0 ]; then
    phase "Dependencies ($*): all there"
    return 0
  fi
  [ "$(id -u)" = 0 ] || die "${#missing[@]} packages are missing (${missing[*]}) and only root may install them: run it with sudo"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  phase "Dependencies ($*): ${#missing[@]} packages are missing; reading Debian's package lists"
  quietly "$log" apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update ||
    phase "  (some package lists could not be read; going on with those that are there)"
  for line in "${missing[@]}"; do
    for package in ${line//|/ }; do
      can_be_had "$package" && chosen+=("$package") && continue 2
    done
    rm -f "$log"
    die "none of '${line//|/, }' is in this system's package lists: this needs Debian 12 or newer with its main archive enabled in /etc/apt"
  done
  phase "Installing ${chosen[*]}"
  quietly "$log" apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --no-install-recommends "${chosen[@]}" ||
    die "apt-get could not install the packages above; its log is $log"
  rm -f "$log"
}

# build_jobs: as many compilers as there are CPUs, but no more than memory holds (the gRPC sources take up to 1.2 GB each).
build_jobs() {
  local cpus memory_mb jobs
  cpus=$(nproc)
  memory_mb=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  jobs=$((memory_mb / 1200))
  ((jobs < 1)) && jobs=1
  ((jobs > cpus)) && jobs=$cpus
  echo "$jobs"
}

# ninja_progress: on a terminal ninja's own line; elsewhere a line per tenth, and whatever is not progress (warnings, errors).
ninja_progress() {
  if [ -t 1 ]; then
    cat
  else
    # Not awk: Debian's holds back what it reads from a pipe.
    local line last=
    while IFS= read -r line; do
      if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
        [ "$last" = $((10 * BASH_REMATCH[1] / BASH_REMATCH[2])) ] && continue
        last=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
        line="         built ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
      fi
      printf '%s\n' "$line"
    done
  fi
}

# configure DIRECTORY CMAKE-OPTION…
configure() {
  local directory=$1 log
  shift
  # A build directory that was made for another place (a moved or copied clone) cannot be used there: begin again.
  if [ -f "$directory/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$ROOT" "$directory/CMakeCache.txt"; then
    rm -rf "$directory/CMakeCache.txt" "$directory/CMakeFiles"
  fi
  mkdir -p "$directory"
  log=$(mktemp)
  phase "Configuring $directory"
  quietly "$log" cmake -S "$ROOT" -B "$directory" -G Ninja "$@" ||
    { rm -f "$log"; die "cmake failed: see its message above; if a package is named there, packaging/dependencies lacks it"; }
  rm -f "$log"
}

# build DIRECTORY TARGET…: compiles what was configured; reports how far it is.
build() {
  local directory=$1 jobs status=0
  shift
  jobs=$(build_jobs)
  phase "Building with $jobs jobs: the first time takes 5 to 15 minutes on two CPUs, the next one little (ccache)"
  if [ -t 1 ]; then
    nice -n 10 ninja -C "$directory" -j "$jobs" "$@" || status=$?
  else
    nice -n 10 ninja -C "$directory" -j "$jobs" "$@" 2>&1 </dev/null | ninja_progress || status=$?
  fi
  [ "$status" = 0 ] || die "the build failed: the compiler's message stands above"
  give_back "$directory"
}

# give_back PATH: what root built under sudo belongs to the person who called it, so that the next plain build works.
give_back() {
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ] && [ "$SUDO_UID" != 0 ]; then
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$1"
  fi
}
