/**
 * The programs of a fake cluster, as POSIX shell: an `ssh` that runs a script in a host's folder, and a
 * host's `virsh`, `tee`, `sudo`, `systemctl` … over the files in it. Shell rather than Node, because a
 * test starts hundreds of them.
 */

/** What all programs share: where the cluster is, and its one lock. */
const common = `
TAB=$(printf '\\t')
lock() { while ! mkdir "$FAKE_BASE/lock" 2>/dev/null; do sleep 0.01; done; }
unlock() { rmdir "$FAKE_BASE/lock"; }
now() { date +%s%3N; }
get() { V=; IFS= read -r V <"$1" || [ -n "$V" ]; } 2>/dev/null
put() { printf '%s\\n' "$2" >"$1"; }
power_off() {
  for d in "$1"/domains/*; do
    [ -d "$d" ] && get "$d/state" && [ "$V" != 5 ] && { put "$d/state" 5; put "$d/reason" 6; rm -rf "$d/job"; }
  done
  : >"$1/.off"
}
`;

/** Runs the script it is given in the folder of a host; says what a real one says when it cannot. */
const ssh = `
FAKE_BASE=\${0%/*}; export FAKE_BASE
HOST=
while [ $# -gt 0 ]; do
  case $1 in
    -O) exit 0 ;;
    --) HOST=$2; break ;;
  esac
  shift
done
FAKE_ROOT="$FAKE_BASE/hosts/$HOST"; export FAKE_ROOT
fail() { echo "$1" >&2; exit 255; }
[ -d "$FAKE_ROOT" ] || fail "ssh: Could not resolve hostname $HOST: Name or service not known"
[ -e "$FAKE_ROOT/.off" ] && fail "ssh: connect to host $HOST port 22: No route to host"
[ -e "$FAKE_ROOT/.cut" ] && fail "ssh: connect to host $HOST port 22: Connection timed out"
[ -e "$FAKE_ROOT/.ssh-fault" ] && . "$FAKE_ROOT/.ssh-fault"
trap 'fail "Connection to $HOST closed by remote host. Connection reset"' TERM
: >"$FAKE_ROOT/.sessions/$$"
PATH="$FAKE_BASE/bin:$FAKE_BASE/tools"; export PATH
# Never the machine's own programs: no /sbin on the PATH, no absolute path outside the folder.
SESSION="$FAKE_ROOT/.sessions/$$"
cat >"$SESSION.raw"
cat "$SESSION.raw" >>"$FAKE_BASE/scripts.log"
sed -e 's#; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH##' \\
  -e "s#\\(^\\|[^A-Za-z0-9_./]\\)/\\(proc\\|sys\\|etc\\|run\\|var\\|srv\\)/#\\1$FAKE_ROOT/\\2/#g" <"$SESSION.raw" >"$SESSION.script"
if [ -e "$FAKE_ROOT/.loses-answer" ] && grep -qf "$FAKE_ROOT/.loses-answer" "$SESSION.script"; then
  rm "$FAKE_ROOT/.loses-answer"
  sh -s <"$SESSION.script" >/dev/null 2>&1
  fail "Connection reset by peer"
fi
{
  sh -s <"$SESSION.script"
  echo $? >"$SESSION.status"
} | sed -u -e "s#$FAKE_ROOT/#/#g" &
wait $!
get() { V=; IFS= read -r V <"$1"; }
get "$SESSION.status"
rm -f "$SESSION" "$SESSION.status" "$SESSION.script" "$SESSION.raw"
exit "\${V:-255}"
`;

/** One call a line of the log: host and words, with the unit separator between. */
const log = `
{ printf '%s' "\${FAKE_ROOT##*/}"; printf '\\037%s' "\${0##*/}" "$@"; printf '\\036\\n'; } >>"$FAKE_BASE/calls.log"
`;

/** libvirt's client and, for the time of a migration, its daemon. */
const virsh = `${common}${log}
READONLY=
while :; do
  case $1 in
    -r) READONLY=1; shift ;;
    -q) shift ;;
    -c) shift 2 ;;
    *) break ;;
  esac
done
VERB=$1; shift
error() { echo "error: $1" >&2; exit 1; }
[ -e "$FAKE_ROOT/.libvirt-fault" ] && . "$FAKE_ROOT/.libvirt-fault"
writes() { [ -z "$READONLY" ] || error 'operation forbidden: read only access prevents this'; }

DOMAIN= LIVE=live SETS= COUNT= SIZE= VCPU= CPULIST= URI= COMPLETED= FLAGS=' ' ACTIVE=1 INACTIVE= LISTNAME= PERSISTENT=
while [ $# -gt 0 ]; do
  case $1 in
    --domain) DOMAIN=$2; shift ;;
    --domain=*) DOMAIN=\${1#*=} ;;
    --desturi) URI=$2; shift ;;
    --count) COUNT=$2; shift ;;
    --size) SIZE=$2; shift ;;
    --vcpu) VCPU=$2; shift ;;
    --cpulist) CPULIST=$2; shift ;;
    --bandwidth) FLAGS="$FLAGS--bandwidth=$2 "; shift ;;
    --mode) shift ;;
    --set) SETS="$SETS $2"; shift ;;
    --config) LIVE=config ;;
    --live) LIVE=live; FLAGS="$FLAGS--live " ;;
    --completed) COMPLETED=1 ;;
    --all) INACTIVE=1 ;;
    --name) LISTNAME=1 ;;
    --persistent) PERSISTENT=1; FLAGS="$FLAGS--persistent " ;;
    *) FLAGS="$FLAGS$1 " ;;
  esac
  shift
done

find_domain() {
  for D in "$FAKE_ROOT"/domains/*; do
    [ -d "$D" ] || continue
    get "$D/name"
    [ "$V" = "$DOMAIN" ] || [ "\${D##*/}" = "$DOMAIN" ] || continue
    get "$D/state"; STATE=$V
    return
  done
  error "failed to get domain '$DOMAIN'"
}
running() { [ "$STATE" != 5 ] || error 'Requested operation is not valid: domain is not running'; }
# Whether the domain does as it is told here; prints nothing where it silently does not.
obeys() { [ ! -e "$D/.ignores-$1" ]; }

one_domstats() {
  get "$D/name"; printf "Domain: '%s'\\n" "$V"
  get "$D/state"; STATE=$V; echo "  state.state=$V"
  get "$D/reason"; echo "  state.reason=$V"
  S=live; [ "$STATE" = 5 ] && S=config
  get "$D/$S/memory"; echo "  balloon.current=$V"
  get "$D/max_memory"; echo "  balloon.maximum=$V"
  [ "$STATE" != 5 ] && get "$D/usable" && echo "  balloon.usable=$V"
  get "$D/$S/vcpus"; N=$V; echo "  vcpu.current=$V"
  get "$D/max_vcpus"; echo "  vcpu.maximum=$V"
  [ -e "$D/stats" ] && [ "$STATE" != 5 ] && cat "$D/stats"
  B=0
  while IFS="$TAB" read -r TARGET FILE FORMAT BYTES; do
    echo "  block.$B.name=$TARGET"; printf '  block.%s.path=%s\\n' $B "$FILE"; echo "  block.$B.capacity=$BYTES"
    B=$((B + 1))
  done <"$D/disks"
  echo "  block.count=$B"
  echo
}

job_info() {
  get "$D/job/total"; TOTAL=$V; get "$D/job/started"; ELAPSED=$(($(now) - V)); get "$D/job/ms"; MS=$V
  get "$D/job/mode"; MODE=$V
  LEFT=$((TOTAL - TOTAL * ELAPSED / (MS + 1))); ROUND=1
  [ "$MODE" = never ] && [ $LEFT -lt $((TOTAL / 2)) ] && { LEFT=$((TOTAL / 2)); ROUND=$((ELAPSED / 10)); }
  [ $LEFT -lt 0 ] && LEFT=0
  printf 'Job type:         Unbounded   \\nOperation:        Outgoing migration\\nTime elapsed:     %s          ms\\n' "$ELAPSED"
  printf 'Data processed:   %s B\\nData remaining:   %s B\\nData total:       %s B\\n' $((TOTAL - LEFT)) $LEFT "$TOTAL"
  printf 'Memory bandwidth: %s B/s\\nIteration:        %s            \\n' $((TOTAL * 1000 / (MS + 1))) $ROUND
}

migrate() {
  lock
  trap unlock EXIT
  find_domain; running
  [ ! -e "$D/job" ] || error 'Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)'
  ADDRESS=\${URI#*://}; ADDRESS=\${ADDRESS%%/*}; ADDRESS=\${ADDRESS#*@}; ADDRESS=\${ADDRESS%%:*}
  get "$FAKE_BASE/addresses/$ADDRESS" || error "unable to connect to server at '$ADDRESS': Name or service not known"
  TARGET="$FAKE_BASE/hosts/$V"
  [ ! -e "$TARGET/.off" ] || error "operation failed: Failed to connect to remote libvirt URI $URI: No route to host"
  T="$TARGET/domains/\${D##*/}"
  if [ -d "$T" ]; then
    get "$T/state"
    [ "$V" = 5 ] || error "Requested operation is not valid: domain is already active"
    rm -rf "$T.defined"; mv "$T" "$T.defined"
  fi
  if [ -s "$D/disks" ]; then
    case $FLAGS in
      *' --copy-storage-all '*)
        while IFS="$TAB" read -r _ FILE _ BYTES; do
          HAVE=$(stat -c %s "$TARGET$FILE" 2>/dev/null) || error "Cannot access storage file '$FILE': No such file or directory"
          [ "$HAVE" = "$BYTES" ] || error "internal error: unable to execute QEMU command 'nbd-server-add': size"
        done <"$D/disks" ;;
      *' --unsafe '*) ;;
      *) [ -e "$D/.clustered-disk" ] || error 'Unsafe migration: Migration without shared storage is unsafe' ;;
    esac
  fi
  MODE=normal; get "$D/.migration" && MODE=$V
  MS=60; get "$D/.migration-ms" && MS=$V
  get "$D/live/memory"; TOTAL=$((V * 1024))
  mkdir "$D/job"; put "$D/job/total" $TOTAL; put "$D/job/started" "$(now)"; put "$D/job/ms" $MS; put "$D/job/mode" $MODE
  put "$D/job/flags" "$FLAGS"
  cp -r "$D" "$T.incoming"; rm -rf "$T.incoming/job"; put "$T.incoming/state" 3; put "$T.incoming/reason" 11
  mv "$T.incoming" "$T"
  unlock; trap - EXIT
  END=$(($(now) + MS)); HALF=$(($(now) + MS / 2))
  while :; do
    sleep 0.02
    [ ! -e "$FAKE_ROOT/.off" ] || exit 1
    if [ ! -d "$D/job" ]; then error 'operation failed: domain is not running'; fi
    NOW=$(now)
    [ -e "$D/job/postcopy" ] && break
    OUTCOME=
    [ -e "$D/job/abort" ] && OUTCOME='operation aborted: migration out job: canceled by client'
    [ ! -e "$TARGET/.off" ] || OUTCOME='operation failed: migration out job: unexpectedly failed'
    [ "$MODE" = fail ] && [ "$NOW" -ge "$HALF" ] && OUTCOME='operation failed: migration out job: unexpectedly failed'
    if [ -n "$OUTCOME" ]; then
      lock; rm -rf "$T" "$D/job"; [ -d "$T.defined" ] && mv "$T.defined" "$T"; put "$D/state" 1; put "$D/reason" 6; unlock
      error "$OUTCOME"
    fi
    [ "$MODE" != never ] && [ "$NOW" -ge "$END" ] && break
  done
  lock
  get "$D/job/started"; TOOK=$(($(now) - V)); rm -rf "$T.defined"
  case $MODE in
    lose) rm -rf "$D" "$T" ;;
    twice) rm -rf "$D/job"; put "$D/state" 1; put "$D/reason" 6; put "$T/state" 1; put "$T/reason" 2 ;;
    *)
      put "$T/state" 1; put "$T/reason" 2; put "$T/completed" "$TOOK $TOTAL"
      case $FLAGS in
        *' --undefinesource '*) rm -rf "$D" ;;
        *) rm -rf "$D/job"; put "$D/state" 5; put "$D/reason" 4 ;;
      esac ;;
  esac
  unlock
  echo
}

case $VERB in
  list)
    for D in "$FAKE_ROOT"/domains/*; do
      [ -d "$D" ] && get "$D/state" || continue
      [ "$V" != 5 ] || [ -n "$INACTIVE" ] || continue
      [ -z "$PERSISTENT" ] || [ ! -e "$D/.transient" ] || continue
      if [ -n "$LISTNAME" ]; then get "$D/name"; printf '%s\\n' "$V"; else echo "\${D##*/}"; fi
    done
    echo ;;
  domstats)
    lock
    for D in "$FAKE_ROOT"/domains/*; do [ -d "$D" ] && one_domstats; done
    unlock ;;
  domjobinfo)
    find_domain
    if [ -n "$COMPLETED" ]; then
      [ -e "$D/completed" ] || { echo 'Job type:         None        '; exit 0; }
      read -r TOOK TOTAL <"$D/completed"
      printf 'Job type:         Completed   \\nOperation:        Incoming migration\\nTime elapsed:     %s          ms\\n' "$TOOK"
      printf 'Data processed:   %s.500 MiB\\nTotal downtime:   27           ms\\n' $((TOTAL / 1048576))
    elif [ -d "$D/job" ]; then job_info
    else echo 'Job type:         None        '; fi ;;
  domjobabort)
    writes; find_domain; [ -d "$D/job" ] || error 'Requested operation is not valid: no job is active on the domain'
    obeys abort && : >"$D/job/abort"; echo ;;
  migrate-postcopy)
    writes; find_domain
    get "$D/job/flags" && case $V in *' --postcopy '*) : >"$D/job/postcopy" ;; *) error 'Requested operation is not valid: post-copy migration was not enabled' ;; esac ;;
  migrate) writes; migrate ;;
  schedinfo)
    find_domain; [ $LIVE = config ] || running
    [ -z "$SETS" ] || { writes; lock; }
    for PAIR in $SETS; do
      KEY=\${PAIR%%=*} VALUE=\${PAIR#*=}
      case $KEY in
        cpu_shares) FILE=shares ;;
        vcpu_quota) FILE=quota; [ "$VALUE" -lt 0 ] || [ "$VALUE" -ge 1000 ] || { unlock; error "Invalid value of 'vcpu_quota'"; } ;;
        vcpu_period) FILE=period; [ "$VALUE" -ge 1000 ] && [ "$VALUE" -le 1000000 ] || { unlock; error "Invalid value of 'vcpu_period'"; } ;;
        *) unlock; error "invalid scheduler option: $KEY" ;;
      esac
      obeys $FILE && put "$D/$LIVE/$FILE" "$VALUE"
    done
    [ -z "$SETS" ] || unlock
    printf 'Scheduler      : posix\\n'
    get "$D/$LIVE/shares"; printf 'cpu_shares     : %s\\n' "$V"
    get "$D/$LIVE/period"; printf 'vcpu_period    : %s\\n' "$V"
    get "$D/$LIVE/quota"; printf 'vcpu_quota     : %s\\n' "$V"
    printf 'emulator_period: 100000\\nemulator_quota : -1\\nglobal_period  : 100000\\nglobal_quota   : -1\\n\\n' ;;
  vcpupin)
    find_domain; [ $LIVE = config ] || running
    if [ -n "$CPULIST" ]; then
      writes; get "$D/max_vcpus"; [ "$VCPU" -lt "$V" ] || error "invalid argument: vcpu $VCPU is out of range"
      obeys pin && put "$D/$LIVE/pin.$VCPU" "$CPULIST"; echo
    else
      printf ' VCPU   CPU Affinity\\n----------------------\\n'
      get "$D/$LIVE/vcpus"; N=$V; I=0
      while [ $I -lt "$N" ]; do get "$D/$LIVE/pin.$I"; printf ' %-7s%s\\n' $I "$V"; I=$((I + 1)); done
      echo
    fi ;;
  setvcpus)
    writes; find_domain; running; get "$D/max_vcpus"
    [ "$COUNT" -le "$V" ] || error "invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: $COUNT > $V"
    obeys vcpus && put "$D/live/vcpus" "$COUNT"; echo ;;
  setmem)
    writes; find_domain; running; get "$D/max_memory"
    [ "$SIZE" -le "$V" ] || error 'invalid argument: cannot set memory higher than max memory'
    obeys memory && put "$D/live/memory" "$SIZE"; echo ;;
  start)
    writes; lock; trap unlock EXIT; find_domain; [ "$STATE" = 5 ] || error 'Domain is already active'
    rm -rf "$D/live"; cp -r "$D/config" "$D/live"; put "$D/state" 1; put "$D/reason" 1
    echo "Domain '$DOMAIN' started" ;;
  shutdown)
    writes; find_domain; running
    if obeys shutdown; then ( sleep 0.05; put "$D/state" 5; put "$D/reason" 1; [ -e "$D/.transient" ] && rm -rf "$D" ) >/dev/null 2>&1 & fi
    echo "Domain '$DOMAIN' is being shutdown" ;;
  destroy)
    writes; find_domain; running; put "$D/state" 5; put "$D/reason" 2
    echo "Domain '$DOMAIN' destroyed" ;;
  dumpxml)
    find_domain
    echo "<domain type='qemu'>"; get "$D/name"; printf '  <name>'; printf '%s' "$V" | sed -e 's/&/\\&amp;/g' -e 's/</\\&lt;/g'; echo '</name>'
    S=live; case $STATE:$FLAGS in 5:* | *' --inactive '*) S=config ;; esac
    get "$D/$S/memory"; echo "  <currentMemory unit='KiB'>$V</currentMemory>"
    get "$D/$S/vcpus"; N=$V; get "$D/max_vcpus"; echo "  <vcpu placement='static' current='$N'>$V</vcpu>"
    echo '  <devices>'
    while IFS="$TAB" read -r TARGET FILE FORMAT BYTES; do
      FILE=$(printf '%s' "$FILE" | sed -e 's/&/\\&amp;/g' -e "s/'/\\&apos;/g" -e 's/</\\&lt;/g')
      echo "    <disk type='file' device='disk'><driver name='qemu' type='$FORMAT'/><source file='$FILE' index='1'/><target dev='$TARGET' bus='virtio'/></disk>"
    done <"$D/disks"
    echo '  </devices>'; echo '</domain>' ;;
  *) error "unknown command: '$VERB'" ;;
esac
`;

/** Writing into sysfs, with the kernel's rules for cpufreq and /sys/power/state. */
const tee = `${common}
FILE=$1
{ printf '%s' "\${FAKE_ROOT##*/}"; printf '\\037%s' tee "$@"; printf '\\036\\n'; } >>"$FAKE_BASE/calls.log"
V=; IFS= read -r V || [ -n "$V" ]; VALUE=$V
printf '%s\\n' "$VALUE"
P=\${FILE%/*} LEAF=\${FILE##*/}
error() { echo "tee: $FILE: $1" >&2; exit 1; }
[ -e "$FILE" ] || error 'No such file or directory'
has() { [ -e "$P/.$1" ] && grep -qx "$LEAF" "$P/.$1"; }
has readonly && error 'Permission denied'
has einval && error 'Invalid argument'
has ignored && exit 0
if [ "$LEAF" = state ]; then
  [ "$VALUE" = mem ] || error 'Invalid argument'
  : >"$FAKE_ROOT/.off"; exit 0
fi
get "$P/cpuinfo_min_freq"; LOW=$V; get "$P/cpuinfo_max_freq"; HIGH=$V
get "$P/scaling_min_freq"; MIN=$V; get "$P/scaling_max_freq"; MAX=$V
get "$P/scaling_governor"; GOVERNOR=$V; get "$P/scaling_cur_freq"; CURRENT=$V
case $LEAF in
  scaling_governor)
    get "$P/scaling_available_governors"
    case " $V " in *" $VALUE "*) ;; *) error 'Invalid argument' ;; esac
    GOVERNOR=$VALUE ;;
  scaling_min_freq | scaling_max_freq)
    case $VALUE in '' | *[!0-9]*) error 'Invalid argument' ;; esac
    [ "$VALUE" -lt "$LOW" ] && VALUE=$LOW
    [ "$VALUE" -gt "$HIGH" ] && VALUE=$HIGH
    [ "$LEAF" = scaling_min_freq ] && MIN=$VALUE || MAX=$VALUE
    [ "$MIN" -le "$MAX" ] || error 'Invalid argument' ;;
  scaling_setspeed)
    [ "$GOVERNOR" = userspace ] || error 'Invalid argument'
    CURRENT=$VALUE
    if get "$P/scaling_available_frequencies"; then
      CURRENT=0 TOP=0
      for F in $V; do
        [ "$F" -gt $TOP ] && TOP=$F
        [ "$F" -ge "$VALUE" ] && { [ $CURRENT = 0 ] || [ "$F" -lt "$CURRENT" ]; } && CURRENT=$F
      done
      [ $CURRENT = 0 ] && CURRENT=$TOP
    fi ;;
  *) error 'Permission denied' ;;
esac
case $GOVERNOR in
  userspace) ;;
  powersave) CURRENT=$MIN ;;
  *) CURRENT=$MAX ;;
esac
[ "$CURRENT" -lt "$MIN" ] && CURRENT=$MIN
[ "$CURRENT" -gt "$MAX" ] && CURRENT=$MAX
put "$P/scaling_governor" "$GOVERNOR"; put "$P/scaling_min_freq" "$MIN"; put "$P/scaling_max_freq" "$MAX"
put "$P/scaling_cur_freq" "$CURRENT"
SPEED='<unsupported>'; [ "$GOVERNOR" = userspace ] && SPEED=$CURRENT
put "$P/scaling_setspeed" "$SPEED"
`;

/** Ends the host, whichever way it is asked to; its VMs with it. */
const powerOff = `${common}${log}
[ -e "$FAKE_ROOT/.stays-on" ] || power_off "$FAKE_ROOT"
`;

const systemctl = `${common}${log}
case $1 in
  poweroff) [ -e "$FAKE_ROOT/.stays-on" ] || power_off "$FAKE_ROOT" ;;
  suspend) [ -e "$FAKE_ROOT/.stays-on" ] || : >"$FAKE_ROOT/.off" ;;
  *) exit 1 ;;
esac
`;

const sudo = `${log}
[ "$1" = -n ] || exit 1
shift
[ ! -e "$FAKE_ROOT/.no-sudo" ] || { echo 'sudo: a password is required' >&2; exit 1; }
exec "$@"
`;

/** Here, not on a host: `wake HOST`, which is up again after a while, as it boots. */
const wake = `
FAKE_BASE=\${0%/*}
${common}
printf '%s\\n' "$1" >>"$FAKE_BASE/wakes.log"
R="$FAKE_BASE/hosts/$1"
[ ! -e "$R/.wake-fails" ] || { echo 'no such machine' >&2; exit 1; }
[ ! -e "$R/.wake-deaf" ] || exit 0
MS=50; get "$R/.wake-ms" && MS=$V
(
  sleep "$((MS / 1000)).$(printf %03d $((MS % 1000)))"
  [ -e "$R/.boot-cpufreq" ] && [ -e "$R/.loses-cpufreq" ] && cp -r "$R/.boot-cpufreq/." "$R/sys/devices/system/cpu/cpufreq/"
  rm -f "$R/.off"
) >/dev/null 2>&1 &
`;

/** Programs by path below the cluster's folder. */
export const programs: Readonly<Record<string, string>> = {
  ssh,
  wake,
  'bin/virsh': virsh,
  'bin/tee': tee,
  'bin/sudo': sudo,
  'bin/systemctl': systemctl,
  'bin/poweroff': powerOff,
  'bin/busybox': powerOff,
};

/** The tools of a host, without whatever else this machine has (a virsh, say, or its own poweroff). */
export const tools: readonly string[] =
  'sh cat cmp cp date echo getconf grep head id ln ls mkdir mv nohup rm rmdir sed setsid sleep stat timeout touch true truncate uname'.split(
    ' ',
  );
