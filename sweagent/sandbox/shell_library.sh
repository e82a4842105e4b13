# Run by the shell of every command, before the command: takes over the carried state, and saves it again at the end.
# Arguments: state folder, command number, flags, file to load (or -), slot to save, work folder, the command's file.
__fi_state=$1 __fi_number=$2 __fi_flags=$3 __fi_slot=$5
if [ "$4" != - ]; then
    if [ -n "$BASH_VERSION" ]; then
        IFS= read -r -d '' __fi_command <"$1/$4"
        # Read-only variables are so within their command only: a later one could not even set PWD.
        eval "${__fi_command//declare -rx /declare -x }"
    elif [ -r "$1/$4" ]; then
        . "$1/$4"
    fi
    [ -n "$FIX_ISSUE_CWD" ] || { echo lost >"$1/note"; set -- "$1" "$2" "$3" - "$5" "$6" "$7"; }
fi 2>/dev/null
[ "$4" != - ] || eval "$FIX_ISSUE_FIRST"
__fi_old=$OLDPWD
cd -- "${FIX_ISSUE_CWD:-$6}" 2>/dev/null || { cd -- "$6" 2>/dev/null || cd /; echo folder >"$1/note"; }
OLDPWD=$__fi_old
unset FIX_ISSUE_CWD FIX_ISSUE_FIRST FIX_ISSUE_LIBRARY IFS
__fi_before() { :; }
__fi_after() { :; }
case $__fi_flags in *e*) . "$7.around" ;; esac
if [ -n "$BASH_VERSION" ]; then
    IFS= read -r -d '' __fi_command <"$7"
else
    __fi_command=$(cat "$7"; echo x)
    __fi_command=${__fi_command%x}
fi
set --

__fi_end() {
    __fi_status=$?
    { set +euxvf; } 2>/dev/null
    unset -f command export echo exit
    trap - EXIT
    case $__fi_flags in
    *b*) echo "[the background job ended with exit code $__fi_status]" ;;
    *f*) ;;
    *)
        __fi_after
        # The mark is written last: a state cut short by a kill or a full disk is not taken over.
        { export FIX_ISSUE_CWD="$PWD" && export -p >"$__fi_state/$__fi_slot" &&
            [ -s "$__fi_state/$__fi_slot" ] && echo "$__fi_number" >"$__fi_state/saved"; } 2>/dev/null
        ;;
    esac
    exit "$__fi_status"
}
trap __fi_end EXIT
__fi_before
