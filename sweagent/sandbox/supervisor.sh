# Process 1 of a sandbox (or, in the local one, the reaper of everything that a command starts). It reads one command a
# line, runs it in a shell of its own, ends what the command left behind, and reports on the stream of the output.
# Arguments: state folder, folder for outputs, work folder, "ns" (own pid namespace) or "tree", lifetime in seconds (0:
# for ever), the text of the shell library, this text. They are no secrets: everybody may read a command line.
#
# A line is `TOKEN FLAGS AROUND COMMAND`, the last two in the form of `printf %b`. FLAGS: c (nothing), f (first state, do
# not save), i (input follows on the channel), e (AROUND holds code to run before and after), b (background).
# Byte 036 and TOKEN follow the output on standard output. The answer comes on standard error, which no command ever
# holds: byte 036, TOKEN, exit code, late, strays, memory kills, notes. Whoever reads the commands' own pipe along with
# the host can so hide an end, which the host notices, but never write another one.

exec 4>&2 2>/dev/null
S=$1 O=$2 W=$3 MODE=$4 LIFETIME=$5
SLEEP=$(command -v sleep)
LEADER=
[ "$MODE" = tree ] && LEADER=$(command -v setsid)
SHELL_PATH=$(command -v bash) || SHELL_PATH=$(command -v sh)

if [ "$0" = boot ]; then
    # The supervisor runs from an unreadable copy of the shell: the kernel then lets nobody read its memory, and with it
    # the token that ends an output, or its end of the channel. Its own environment is empty.
    mkdir -p "$S" "$O" "$W"
    export -p >"$S/env.first"
    printf '%s\n' "$6" >"$S/library"
    PROGRAM=$S/${SHELL_PATH##*/}
    cp "$SHELL_PATH" "$PROGRAM" && chmod 0111 "$PROGRAM" && "$PROGRAM" -c : || PROGRAM=$SHELL_PATH
    # The watchdog outlives commands, so nobody may get into its processes either.
    cp "$SLEEP" "$S/sleep" && chmod 0111 "$S/sleep" && "$S/sleep" 0 || rm -f "$S/sleep"
    printf '%s\n' "$7" >"$S/supervisor"
    exec 2>&4 4>&-
    exec env -i PATH="$PATH" "$PROGRAM" "$S/supervisor" "$S" "$O" "$W" "$MODE" "$LIFETIME" "$PROGRAM"
fi
PROGRAM=$6
[ -x "$S/sleep" ] && SLEEP=$S/sleep
# What the commands could spoil is not kept in files.
LIBRARY=$(cat "$S/library") FIRST=$(cat "$S/env.first")
rm -f "$S/supervisor" "$S/library" "$S/env.first"

current=- next=env.a number=0 late= watchdog=
trap 'late=1' USR1
trap 'sweep; exit 0' TERM HUP

start_watchdog() {
    [ "$LIFETIME" = 0 ] && return
    [ -n "$watchdog" ] && [ -d "/proc/$watchdog" ] && return
    ( exec "$PROGRAM" -c '"$1" "$2"; kill -TERM "$3"' watchdog "$SLEEP" "$LIFETIME" "$$" ) \
        </dev/null >/dev/null 3<&- 4>&- &
    watchdog=$!
}

# What may outlive a command is told by a limit that has no other meaning, that of file locks: commands get a lower one,
# background jobs and the watchdog keep the supervisor's. Children inherit it, whatever they do to their session,
# environment or parents, and the kernel lets nobody without rights raise it again.
lower() { { ulimit -x "$LOWER" || ulimit -w "$LOWER"; } 2>/dev/null; }

# Sets `locks` to that limit of a process.
locks_of() {
    locks=
    while IFS= read -r line; do
        case $line in 'Max file locks'*)
            set -- $line
            locks=$5
            return
            ;;
        esac
    done <"/proc/$1/limits"
}

locks_of "$$"
HIGH=$locks LOWER=1048576
[ "$HIGH" = unlimited ] || LOWER=$((HIGH - 1))
# A shell that cannot set it leaves no way to tell: then nothing outlives a command.
( lower; locks_of self; [ "$locks" = "$LOWER" ] ) || HIGH=-

spared() {
    [ "$1" = "$$" ] && return
    locks_of "$1"
    [ "$locks" = "$HIGH" ]
}

# Sets `found` to the processes that must go, `count` to their number. A process that ended while it was looked at may
# have just started another that was not in the list: then one more look is needed.
look() {
    unsure= looks=0
    while :; do
        last=$unsure looks=$((looks + 1))
        look_once
        if [ "$unsure" = "$last" ] || [ "$count" -gt 0 ] || [ "$looks" -gt 50 ]; then return; fi
    done
}

look_once() {
    found= count=0 unsure=
    if [ "$MODE" = ns ]; then
        set -- /proc/[0-9]*
    else
        children=
        read -r children <"/proc/$$/task/$$/children"
        set -- $children
    fi
    for process do
        process=${process##*/}
        stat=
        IFS= read -r stat <"/proc/$process/stat"
        case ${stat##*)} in '' | ' Z'* | ' X'*) unsure="$unsure $process"; continue ;; esac
        spared "$process" && continue
        found="$found $process" count=$((count + 1))
    done
}

sweep() {
    round=0
    while look; [ "$count" -gt 0 ] && [ "$round" -lt 3000 ]; do
        if [ "$MODE" = ns ] && { [ -z "$jobs" ] || [ "$round" -gt 100 ]; }; then
            kill -KILL -1
            jobs=
        else
            kill -KILL $found
        fi
        round=$((round + 1))
    done
}

memory_kills() {
    killed=0
    [ "$MODE" = ns ] || return
    for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$file" ] || continue
        while read -r name value; do
            case $name in oom_kill) killed=$value ;; esac
        done <"$file"
    done
}

start() {
    # Interrupts are ignored in jobs that a script puts in the background, which a test of Ctrl-C would trip over.
    trap - INT QUIT USR1 TERM HUP
    export FIX_ISSUE_LIBRARY="$LIBRARY" FIX_ISSUE_FIRST="$FIRST"
    case $flags in *b*) ;; *) lower ;; esac
    # A group of its own keeps `kill 0` away from the supervisor where that is not process 1.
    exec $LEADER "$SHELL_PATH" -c 'eval "$FIX_ISSUE_LIBRARY"; eval "$__fi_command"; __fi_end' "${SHELL_PATH##*/}" \
        "$S" "$number" "$flags" "$from" "$next" "$W" "$file"
    exit 127
}

run() {
    late= strays=0 notes= number=$((number + 1)) from=$current
    case $flags in *f*) from=- ;; esac
    file=$S/command
    case $flags in *b*) file=$S/job-$number ;; esac
    printf '%b' "$text" >"$file" && case $flags in *e*) printf '%b' "$around" >"$file.around" ;; esac || {
        status=125 notes=state
        return
    }
    case $flags in
    *b*)
        jobs=1
        [ -d "$O" ] || mkdir -p "$O"
        start </dev/null >"$O/job-$number.log" 2>&1 3<&- 4>&- &
        status=0 notes=job-$number
        return
        ;;
    *i*) start 2>&1 <&3 3<&- 4>&- & ;;
    *) start 2>&1 </dev/null 3<&- 4>&- & ;;
    esac
    child=$!
    wait "$child"
    status=$?
    if [ -n "$late" ]; then
        sweep
        wait "$child"
        status=$?
    fi
    settle=0
    while look; [ "$count" -gt 0 ] && [ "$count" -le 20 ] && [ "$settle" -lt 200 ]; do settle=$((settle + 1)); done
    if [ "$count" -gt 0 ]; then
        strays=$count
        sweep
    fi
    [ "$count" -gt 0 ] && notes=unkillable
    [ -x "$SHELL_PATH" ] || notes="$notes,noshell"
    case $flags in *f*) return ;; esac
    if [ -e "$S/note" ]; then
        read -r note <"$S/note" && notes="$notes,$note"
        rm -f "$S/note"
    fi
    saved=
    read -r saved <"$S/saved"
    if [ "$saved" = "$number" ]; then
        current=$next
        case $next in env.a) next=env.b ;; *) next=env.a ;; esac
    else
        notes="$notes,unsaved"
    fi
}

jobs=
exec 3<&0 </dev/null
start_watchdog
memory_kills
before=$killed
while :; do
    late=
    if IFS=' ' read -r token flags around text <&3; then
        run
        memory_kills
        printf '\036%s\n' "$token" || exit 0
        printf '\036%s %s %s %s %s %s\n' \
            "$token" "$status" "${late:-0}" "$strays" "$((killed - before))" "${notes:--}" >&4 || exit 0
        before=$killed
        start_watchdog
    elif [ -z "$late" ]; then
        jobs=
        sweep
        exit 0
    fi
done
