#!/bin/bash
# install-asterisk.sh [PREFIX]: gets an Asterisk of version 20 or later. Tells its progress on stderr; the last line on
# stdout is the path of a launcher that runs Asterisk with the arguments given.
#
# PREFIX is $ASTERISK_PREFIX unless given, else var/asterisk of this checkout. PREFIX/paths.env then tells where its
# modules, its sounds and its version are (src/cti/asterisk/server/prefix.ts reads that file).
#
# Tried in this order:
#   1. an `asterisk` that the machine already has;
#   2. apt's candidate from the machine's own sources (root only, the daemon is not started);
#   3. Debian's packages from forky or sid, unpacked under PREFIX together with all the libraries they need, libc
#      included, and run by their own dynamic loader. No chroot, no root; the machine's own apt and dpkg stay as they are.
#
# Idempotent: a second run finds PREFIX/bin/asterisk and asks nothing of the network. Two at once: one installs, the other
# waits and finds it. Remove PREFIX to get a newer one.
#
# Settings: ASTERISK_MIRROR (address of a Debian mirror; else the one in the machine's own apt sources),
# ASTERISK_KEYRING (else Debian's archive keyring), ASTERISK_SUITES (else "forky sid").
set -euo pipefail

min=20
packages=(asterisk asterisk-core-sounds-en-wav asterisk-moh-opsound-wav)
# In this order: forky stays on 22 LTS once it is released, sid goes on.
read -ra suites <<<"${ASTERISK_SUITES:-forky sid}"
keyring=${ASTERISK_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${1:-${ASTERISK_PREFIX:-$checkout/var/asterisk}}

case $prefix in -h|--help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0;; esac

say() { echo "install-asterisk: $*" >&2; }
# fail WHAT-IS-MISSING COMMAND-OR-SETTING...: every failure ends here, with what provides the missing thing.
fail() {
  say "MISSING: $1"; shift
  local way
  for way in "$@"; do say "  do: $way"; done
  exit 1
}
otherwise="or use an Asterisk that runs elsewhere: npm start with ARI_URL=http://USER:PASSWORD@HOST:8088"
major() { sed -n 's/^[^0-9]*\([0-9]\+\)\..*/\1/p' | head -n1; } # "Asterisk 22.10.1+dfsg" -> 22
first() { local path; for path in "$@"; do if [ -e "$path" ]; then echo "$path"; return; fi; done; return 1; }

mkdir -p "$prefix" 2>/dev/null || fail "a folder that can be written: $prefix" "ASTERISK_PREFIX=/some/folder npm start"
prefix=$(cd "$prefix" && pwd)
launcher=$prefix/bin/asterisk

if command -v flock >/dev/null; then
  exec 9>"$prefix/.lock"
  flock -n 9 || { say "another installation into $prefix is under way, waiting for it"; flock 9; }
fi

# done_with ROOT: notes where things are, checks that it starts, prints the launcher. ROOT is '' for the machine's own.
done_with() {
  local modules documentation data version
  version=$("$launcher" -V) || fail "an Asterisk that starts ($launcher -V failed, see above)" "rm -r $prefix, then again" "$otherwise"
  [ "$(major <<<"$version")" -ge $min ] || fail "Asterisk $min or later, this is $version" "remove it from PATH" "$otherwise"
  modules=$(first "$1"/usr/lib/*/asterisk/modules "$1"/usr/lib/asterisk/modules "$1"/usr/lib64/asterisk/modules) ||
    fail "the folder of Asterisk's modules" "install the whole of Asterisk's package" "$otherwise"
  documentation=$(first "$1"{/usr/share/asterisk,/var/lib/asterisk}/documentation/core-en_US.xml) ||
    fail "Asterisk's documentation/core-en_US.xml (its configuration is checked against it)" \
      "install the whole of Asterisk's package" "$otherwise"
  data=$(dirname "$(dirname "$documentation")")
  printf 'AST_BIN=%q\nAST_MODDIR=%q\nAST_DATADIR=%q\nAST_VERSION=%q\n' \
    "$launcher" "$modules" "$data" "$version" > "$prefix/paths.env.new"
  mv "$prefix/paths.env.new" "$prefix/paths.env"
  say "$version is ready"
  echo "$launcher"
  exit 0
}

write_launcher() { # write_launcher WORD...: a launcher that puts these words before its arguments
  mkdir -p "$prefix/bin"
  { echo '#!/bin/sh'; printf 'exec'; printf ' %q' "$@"; echo ' "$@"'; } > "$launcher.new"
  chmod 755 "$launcher.new"
  mv "$launcher.new" "$launcher"
}

# 0. There already.
if [ -x "$launcher" ] && [ -s "$prefix/paths.env" ] && version=$("$launcher" -V 2>/dev/null); then
  say "$version is already there"
  echo "$launcher"
  exit 0
fi

# 1. The machine's own.
if own=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v asterisk); then
  if found=$("$own" -V 2>/dev/null | major) && [ "${found:-0}" -ge $min ]; then
    say "taking this machine's own $own"
    write_launcher "$own"
    done_with ''
  fi
  say "this machine's own $own is too old (${found:-unknown}), looking further"
fi

missing_apt="apt-get (this is not a Debian-like system)"
command -v apt-get >/dev/null || fail "$missing_apt, and no Asterisk $min or later in PATH" "install Asterisk $min or later by this system's own means" "$otherwise"

# 2. apt's candidate.
candidate=$(apt-cache policy asterisk 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*:\)\?//p' | major || true)
if [ "${candidate:-0}" -ge $min ]; then
  if [ "$(id -u)" = 0 ]; then
    say "installing this system's own Asterisk $candidate by apt-get"
    # Installing must not start a daemon of the distribution's.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
      chmod 755 /usr/sbin/policy-rc.d
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2; then
      write_launcher "$(PATH=$PATH:/usr/sbin command -v asterisk)"
      done_with ''
    fi
    say "apt-get could not install it (see above), trying a private one"
  else
    say "this system has Asterisk $candidate: 'sudo apt-get install ${packages[*]}' would give it; going on without root"
  fi
fi

# 3. A private one.
for tool in apt-config dpkg-deb tar; do
  command -v $tool >/dev/null || fail "$tool" "apt-get install apt dpkg tar" "$otherwise"
done
[ -r "$keyring" ] || fail "Debian's archive keys ($keyring)" "apt-get install debian-archive-keyring" "ASTERISK_KEYRING=/path/of/it npm start" "$otherwise"
# The mirror that the machine itself uses for Debian; --no-release-info works before the first apt-get update, too.
mirror=${ASTERISK_MIRROR:-$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  grep -m1 '/debian/*$' || true)}
[ -n "$mirror" ] || fail "a Debian mirror in this machine's apt sources" "ASTERISK_MIRROR=address-of-a-Debian-mirror npm start" "$otherwise"
free_kb=$(df -Pk "$prefix" | awk 'NR==2 {print $4}')
[ "${free_kb:-999999}" -ge 450000 ] || fail "450 MB of free space under $prefix" "ASTERISK_PREFIX=/folder/on/another/disk npm start" "$otherwise"

# An apt with a state of its own: its only source is Debian's, its dpkg status is empty (so that every library is resolved,
# libc6 too), and nothing unsigned, or signed by another key than Debian's, is taken. Of the machine's own apt settings
# only the transport's are kept (proxy, validity dates), none of its hooks. APT_CONFIG is read before apt.conf.d, hence the
# settings which turn that folder off.
apt=$prefix/apt
rm -rf "$apt"
mkdir -p "$apt"/{lists,cache/archives}/partial
: > "$apt/status"
apt-config dump | grep -E '^Acquire::(https?|Check-|M(ax|in)-ValidTime|Force)' > "$apt/apt.conf" || true
cat >> "$apt/apt.conf" <<CONF
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Log "$apt";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
CONF
export APT_CONFIG=$apt/apt.conf
got=
for suite in "${suites[@]}"; do
  echo "deb [signed-by=$keyring] $mirror $suite main" > "$apt/sources.list"
  rm -rf "${apt:?}"/lists/*
  mkdir -p "$apt/lists/partial"
  say "asking Debian $suite for Asterisk and its libraries"
  if apt-get update -qq -o APT::Update::Error-Mode=any >&2 &&
    say "downloading about 110 MB" &&
    apt-get install -qq -y --download-only --no-install-recommends "${packages[@]}" >&2; then
    got=$suite
    break
  fi
  say "not to be had from Debian $suite (see above)"
done
[ -n "$got" ] || fail "Asterisk in the Debian suites (${suites[*]}) of the mirror in this machine's apt sources" \
  "check the network and, behind a proxy, https_proxy; then again" \
  "ASTERISK_MIRROR=address-of-another-Debian-mirror npm start" \
  "where the keys are too old for those suites: apt-get install debian-archive-keyring" "$otherwise"

say "unpacking under $prefix"
root=$prefix/root
rm -rf "$root" "$root.new"
mkdir -p "$root.new"
for package in "$apt"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root.new" --no-same-owner --no-same-permissions \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/perl'
done
# The packages' own scripts, which are not run here, would make this link.
[ -e "$root.new/usr/share/asterisk/sounds/en" ] || ln -s en_US_f_Allison "$root.new/usr/share/asterisk/sounds/en"
(cd "$apt/cache/archives" && ls ./*.deb) > "$prefix/packages.txt"
mv "$root.new" "$root"
rm -rf "$apt"
unset APT_CONFIG
loader=$(first "$root"/usr/lib/*/ld-linux*.so.* "$root"/lib/*/ld-linux*.so.*) || fail "the dynamic loader in Debian's libc6 package" "$otherwise"
# No LD_LIBRARY_PATH: what Asterisk itself starts keeps the machine's own libc.
write_launcher "$loader" --inhibit-cache --library-path "$(dirname "$loader")" --argv0 asterisk "$root/usr/sbin/asterisk"
done_with "$root"
